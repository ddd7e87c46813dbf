"""A plan is made once for the readings of a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from openrft.policies import logprobs
from openrft.prefix_tree import get_plan, keep_plans, kept
from tests.device import Device


def test_a_plan_is_kept_in_its_context_alone_and_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def ask(key: str, nodes: int = 10) -> str:
        return get_plan(key, lambda: (made.append(key) or key, nodes))

    assert [ask("a"), ask("a")] == ["a", "a"]
    assert made == ["a", "a"]
    monkeypatch.setattr(kept, "MOST_TOKENS", 25)
    with keep_plans():
        for key in ("a", "b", "c", "a", "b", "c"):
            assert ask(key) == key
    assert made[2:] == ["a", "b", "c", "c"]  # the third is beyond the limit
    ask("a")
    assert made[-1] == "a"


def test_readings_with_and_without_the_adapter_share_it_and_have_the_same_bits(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, device: Device
) -> None:
    policy: Any = device.open_policy(tiny)
    policy.attach_lora(4, 8, 0)
    trees: list[Any] = []
    build = logprobs.build_prefix_tree
    monkeypatch.setattr(logprobs, "build_prefix_tree", lambda groups: trees.append(groups) or build(groups))
    rows = [[(5, 6, 7), (5, 6, 7), (8, 9)], [(10, 11, 12), (10, 13), (3, 4)]]

    def read() -> list[torch.Tensor]:
        with torch.no_grad():
            own, _ = policy.completion_logprobs(*rows)
            with policy.disable_adapter():
                reference, _ = policy.completion_logprobs(*rows)
        table, mask = policy.completion_logprobs(*rows)
        trained = [p for p in policy.model.parameters() if p.requires_grad]
        return [own, reference, *torch.autograd.grad((table * mask).sum(), trained)]

    expected = read()
    assert len(trees) == 3
    with keep_plans():
        found = read()
    assert len(trees) == 4
    for one, other in zip(found, expected, strict=True):
        device.assert_equal(one, other)
