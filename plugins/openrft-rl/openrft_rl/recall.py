"""Before anything changes: what the policy, its reference and its critic say of the batch. No gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from openrft_rl.lines import Line, filled, micro_batches, unpadded

Ask = Callable[[list[tuple[int, ...]], list[tuple[int, ...]], float], tuple[Tensor, Tensor]]


def recalled(policy: Any, lines: list[Line], budget: int, reference: bool, critic: bool) -> list[Line]:
    """The lines with what the losses will need of `old`, `reference` and `values` filled in.

    The log-probabilities kept from sampling serve where they are exact (`TrainablePolicy.recalls`); else the policy is
    asked again, as ratios and KLs would take the difference between the two for learning.
    """
    if not policy.recalls or any(line.old is None for line in lines):
        lines = filled(lines, "old", _asked(policy.completion_logprobs, lines, budget))
    if reference:
        with policy.reference():
            lines = filled(lines, "reference", _asked(policy.completion_logprobs, lines, budget))
    if critic:
        lines = filled(lines, "values", _asked(lambda p, c, _: policy.critic.values(p, c), lines, budget))
    return lines


@torch.no_grad()
def _asked(ask: Ask, lines: Sequence[Line], budget: int) -> list[Tensor]:
    found: dict[int, Tensor] = {}
    for micro in micro_batches(lines, budget):
        table, _ = ask([line.prompt for line in micro], [line.tokens for line in micro], micro[0].temperature)
        found.update(zip((line.index for line in micro), unpadded(micro, table), strict=True))
    return [found[line.index] for line in lines]
