"""The prototype of arms in lockstep: what an arm draws there is what it draws alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from openrft.policies.base import Sampling
from openrft.policies.decode_loop import DecodeLoop
from tests.device import Device


@pytest.fixture
def lockstep(device: Device, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    folder = str(Path(__file__).parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        import gpu_parts
        import lockstep
    finally:
        sys.path.remove(folder)
    monkeypatch.setattr(gpu_parts, "choose_device", lambda: torch.device(device.name))
    return lockstep


def test_each_arm_in_lockstep_draws_what_it_draws_alone(lockstep: ModuleType, device: Device) -> None:
    """With its own adapter: the same tokens, and log-probabilities that differ by rounding alone."""
    shape = replace(lockstep.SHAPES["tiny"], prompts=3, tokens=12)
    policy = lockstep.build_policy(shape)
    policy.model.float()
    questions = lockstep.make_questions(policy, shape.prompts, 24)
    adapters = lockstep.make_adapters(policy, 3)
    # Larger than the benchmark's, so that another arm's adapter would draw other tokens.
    adapters = [{name: (a * 10, b * 10) for name, (a, b) in adapter.items()} for adapter in adapters]
    alone = []
    for adapter in adapters:
        lockstep.attach(policy, adapter)
        policy.sampler = DecodeLoop("off")
        alone.append([row for group in lockstep.draw(policy, shape, questions) for row in group])
        policy.drop_adapter()
    prompts = [policy.encode(messages) for _, messages in questions]
    sampling = Sampling(n=shape.group, temperature=1.0, max_tokens=shape.tokens, seed=0)
    decoder = lockstep.build_decoder(policy.model.device)
    with lockstep.stacked(policy.model, adapters, shape.prompts * shape.group) as rows:
        drawn = lockstep.decode_in_lockstep(decoder, policy, rows, [prompts] * 3, sampling)
    assert len({row.tokens for rows_ in zip(*alone, strict=True) for row in rows_}) > len(alone[0])  # arms differ
    for arm, completions in enumerate(alone):
        for row, completion in enumerate(completions):
            length = len(completion.tokens)
            assert tuple(drawn.tokens[arm, row, :length].tolist()) == completion.tokens
            device.assert_close(drawn.logprobs[arm, row, :length], completion.logprobs, atol=1e-4)


def test_layers_are_as_they_were_afterwards(lockstep: ModuleType) -> None:
    policy = lockstep.build_policy(lockstep.SHAPES["tiny"])
    before = {name: type(module) for name, module in policy.model.named_modules()}
    with lockstep.stacked(policy.model, lockstep.make_adapters(policy, 2), 4):
        assert any(isinstance(module, lockstep.StackedLoRA) for module in policy.model.modules())
    assert {name: type(module) for name, module in policy.model.named_modules()} == before
