"""Models in four bits. tox tries them with vLLM: where bitsandbytes is installed, every import of PEFT is slower."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import openrft
from openrft.config.settings import PolicySettings
from openrft.policies.base import Sampling
from openrft.policies.lora_merge import is_quantised

pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed; `tox -e vllm` installs it")
PROMPT = [{"role": "user", "content": "Is 2 even?"}]


@pytest.mark.filterwarnings("ignore:.*autograd kernel was not registered:UserWarning")
def test_a_model_in_four_bits_is_trained_and_merged_into_whole_weights(tmp_path: Path) -> None:
    policy: Any = openrft.open_policy("pocket", settings=PolicySettings(load="4bit", device="cpu"))
    assert policy.model.is_loaded_in_4bit
    assert not policy.exact_sampling_logprobs
    prompt, answer = policy.encode(PROMPT), (5, 6, 7)
    policy.attach_lora(4, 8, 0)
    before = policy.completion_logprobs([prompt], [answer])[0].sum()
    optimizer = policy.get_optimizer(3e-2)
    for _ in range(5):
        optimizer.zero_grad()
        (-policy.completion_logprobs([prompt], [answer])[0].sum()).backward()
        optimizer.step()
    trained = policy.completion_logprobs([prompt], [answer])[0].detach()
    assert trained.sum() > before + 1
    policy.merge_adapter()
    linear = [m for m in policy.model.modules() if hasattr(m, "weight")]
    assert not any(is_quantised(layer) for layer in linear)
    torch.testing.assert_close(policy.completion_logprobs([prompt], [answer])[0], trained, rtol=0, atol=0.05)

    policy.model.save_pretrained(tmp_path)
    policy.tokenizer.save_pretrained(tmp_path)
    again: Any = openrft.open_policy(str(tmp_path))
    torch.testing.assert_close(again.completion_logprobs([prompt], [answer])[0].detach(), trained, rtol=0, atol=0.05)
    greedy = Sampling(temperature=0, max_tokens=5)
    assert again.generate([PROMPT], greedy) == policy.generate([PROMPT], greedy)
