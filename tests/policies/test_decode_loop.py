"""A policy whose completions are drawn in steps of fixed shape."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers import GPTNeoXConfig, LlamaConfig

from openrft.config.settings import PolicySettings
from openrft.errors import UsageError
from openrft.policies.base import Sampling
from openrft.policies.decode_loop import DecodeLoop, check_cuda_graphs
from openrft.policies.generation.fixed_decode import FixedDecoder
from openrft.policies.generation.replay import StepReplay
from openrft.policies.hf import HFPolicy
from openrft.testing import write_tiny_checkpoint
from tests.policies.generation.graph_simulation import capture

QUESTIONS = [[{"role": "user", "content": text}] for text in ("1 + 1?", "Name a metal that is liquid.", "x")]
HOT = Sampling(n=4, temperature=1.0, max_tokens=20, seed=5)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    torch.set_num_threads(1)
    return str(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


def test_a_trained_policy_answers_as_in_the_eager_loop(tiny):
    """There the adapter is merged for the rollout, here it is beside the weights. Weights stay what they were."""
    eager, fixed = HFPolicy(tiny), HFPolicy(tiny, DecodeLoop(decoder=FixedDecoder(StepReplay(lambda: capture))))
    for policy in (eager, fixed):
        policy.attach_lora(2, 4, seed=1)
        generator = torch.Generator().manual_seed(1)
        for name, parameter in policy.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    expected, found = (policy.generate(QUESTIONS, HOT) for policy in (eager, fixed))
    assert [[c.tokens for c in group] for group in found] == [[c.tokens for c in group] for group in expected]
    assert fixed.sampling_metrics["cuda_graphs.made"] >= 1
    assert 0.5 < fixed.sampling_metrics["cuda_graphs.share"] < 1
    assert eager.sampling_metrics == {}
    assert fixed.exact_sampling_logprobs
    prompts = [fixed.encode(q) for q, group in zip(QUESTIONS, found, strict=True) for _ in group]
    completions = [c for group in found for c in group]
    plain, mask = fixed.completion_logprobs(prompts, [c.tokens for c in completions])
    drawn = torch.tensor([p for c in completions for p in c.logprobs])
    torch.testing.assert_close(drawn, plain[mask.bool()].detach(), atol=1e-3, rtol=0)
    fixed.release_sampling_memory()
    assert [[c.tokens for c in g] for g in fixed.generate(QUESTIONS, HOT)] == [[c.tokens for c in g] for g in found]
    before = eager.generate(QUESTIONS, HOT)
    for policy in (eager, fixed):
        policy.merge_adapter()
    assert eager.id == fixed.id
    assert [[c.tokens for c in g] for g in fixed.generate(QUESTIONS, HOT)] == [[c.tokens for c in g] for g in before]


def test_graphs_that_are_demanded_where_there_are_none_are_refused(tiny):
    with pytest.raises(UsageError, match=r"policy\.cuda_graphs=on, but the policy runs on cpu"):
        HFPolicy(tiny, settings=PolicySettings(cuda_graphs="on"))
    on_gpu = SimpleNamespace(device=torch.device("cuda"), config=GPTNeoXConfig())
    with pytest.raises(UsageError, match="a model of the kind gpt_neox is decoded by transformers"):
        check_cuda_graphs(on_gpu, "on")
    check_cuda_graphs(on_gpu, "auto")
    on_gpu.config = LlamaConfig()
    check_cuda_graphs(on_gpu, "on")
