"""The settings of the vLLM policy, with the real engine: precision, quantisation, memory, context, split layers."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
import torch

import openrft
from openrft.config.settings import PolicySettings
from openrft.errors import CheckpointError, UsageError
from openrft.policies import vllm
from openrft.policies.hf import HFPolicy

pytest.importorskip("vllm", reason="vLLM is not installed here; `tox -e vllm` runs these")

from tests.policies.test_vllm import GREEDY, HOT, POCKET, PROMPTS, scrambled, tokens  # it skips, too


@pytest.fixture(scope="module")
def ours():
    torch.set_num_threads(1)
    return HFPolicy(POCKET)


def test_precision_quantisation_and_memory_reach_the_engine(caplog):
    """The engine's copy of the weights is coarse, and follows a merge all the same. Training's stays as it is."""
    settings = PolicySettings(
        vllm_dtype="bfloat16", vllm_quantization="int8_per_channel_weight_only", vllm_memory=0.3, vllm_sleep=True
    )
    ours, coarse = HFPolicy(POCKET), openrft.open_policy("vllm:pocket", settings=settings)
    with caplog.at_level(logging.WARNING, "openrft"):
        groups = coarse.generate(PROMPTS, HOT)
    assert "policy.vllm_sleep has no effect on a CPU" in caplog.text
    config = coarse.sampler._engine.llm_engine.vllm_config
    assert (config.model_config.dtype, coarse.model.dtype) == (torch.bfloat16, torch.float32)
    assert config.model_config.quantization == "int8_per_channel_weight_only"
    assert config.cache_config.gpu_memory_utilization == 0.3
    before = mean_gap(ours, groups)
    assert 1e-3 < before < 0.2
    for policy in (ours, coarse):
        scrambled(policy, 6)
        policy.merge_adapter()
    changed = coarse.generate(PROMPTS, HOT)
    assert mean_gap(ours, changed) < 0.2
    assert mean_gap(ours, groups) > 3 * before  # what was drawn before is no longer likely


def mean_gap(policy, groups):
    """The mean distance of log-probabilities from those of a forward pass, in nats."""
    prompts = [policy.encode(p) for p, group in zip(PROMPTS, groups, strict=True) for _ in group]
    completions = [c for group in groups for c in group]
    expected, mask = policy.completion_logprobs(prompts, [c.tokens for c in completions], completions[0].temperature)
    given = torch.tensor([p for c in completions for p in c.logprobs])
    return float((given - expected[mask.bool()].detach()).abs().mean())


def test_there_is_room_for_what_is_needed(monkeypatch, ours):
    """The engine starts again, with the weights as they are by then, for a longer sequence than it has room for."""
    monkeypatch.setattr(vllm, "LEAST_CONTEXT", 64)
    policy, trained = openrft.open_policy("vllm:pocket"), HFPolicy(POCKET)
    longest = max(len(policy.encode(prompt)) for prompt in PROMPTS)
    assert tokens(policy.generate(PROMPTS, GREEDY)) == tokens(ours.generate(PROMPTS, GREEDY))
    first = policy.sampler._engine
    assert first.llm_engine.vllm_config.model_config.max_model_len == 2 * (longest + GREEDY.max_tokens)
    for each in (policy, trained):
        scrambled(each, 7)
        each.merge_adapter()
    more = replace(GREEDY, max_tokens=longest + 3 * GREEDY.max_tokens)
    assert tokens(policy.generate(PROMPTS, more)) == tokens(trained.generate(PROMPTS, more))
    assert policy.sampler._engine is not first
    assert tokens(policy.generate(PROMPTS, GREEDY)) == tokens(trained.generate(PROMPTS, GREEDY))
    narrow = openrft.open_policy("vllm:pocket", settings=PolicySettings(vllm_context=longest + 8))
    with pytest.raises(UsageError, match=r"may take \d+ tokens, and policy\.vllm_context is"):
        narrow.generate(PROMPTS, GREEDY)
    short = replace(GREEDY, max_tokens=8)
    assert tokens(narrow.generate(PROMPTS, short)) == tokens(ours.generate(PROMPTS, short))


def test_layers_split_over_two_processes():
    ours, split = HFPolicy(POCKET), openrft.open_policy("vllm:pocket", settings=PolicySettings(vllm_tensor_parallel=2))
    try:
        assert tokens(split.generate(PROMPTS, GREEDY)) == tokens(ours.generate(PROMPTS, GREEDY))
        for change in ("adapter", "merge"):
            for policy in (ours, split):
                scrambled(policy, 8) if change == "adapter" else policy.merge_adapter()
            assert tokens(split.generate(PROMPTS, GREEDY)) == tokens(ours.generate(PROMPTS, GREEDY)), change
    finally:
        split.sampler.close()


def test_a_quantisation_that_vllm_does_not_know_is_one_line():
    policy = openrft.open_policy("vllm:pocket", settings=PolicySettings(vllm_quantization="bogus"))
    with pytest.raises(CheckpointError, match="Unknown quantization method: bogus") as caught:
        policy.generate(PROMPTS[:1], GREEDY)
    assert "\n" not in str(caught.value)
