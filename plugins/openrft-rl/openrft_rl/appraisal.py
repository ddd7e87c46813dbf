"""How much better each token was than expected: advantages, by group or by critic."""

from __future__ import annotations

import torch

from openrft_rl.algorithms import Algorithm
from openrft_rl.equations.advantages import relative, spread
from openrft_rl.equations.gae import gae, whitened
from openrft_rl.equations.kl import kl_penalised
from openrft_rl.lines import Line, filled, padded, unpadded
from openrft_rl.options import RLOptions


def appraised(lines: list[Line], how: Algorithm, options: RLOptions, coefficient: float) -> list[Line]:
    """The lines with their advantages; with a critic also the returns that it should have foretold."""
    return _by_critic(lines, options, coefficient) if how.critic else _by_comparison(lines, how)


def _by_comparison(lines: list[Line], how: Algorithm) -> list[Line]:
    found = relative([line.parts for line in lines], [line.group for line in lines], how.baseline, how.scale)
    rows = [spread(a, line.ends, len(line.tokens)) for a, line in zip(found, lines, strict=True)]
    return filled(lines, "advantage", [torch.tensor(row, device=lines[0].old.device) for row in rows])


def _by_critic(lines: list[Line], options: RLOptions, coefficient: float) -> list[Line]:
    device = lines[0].old.device
    rewards = padded([torch.tensor(line.rewards(), device=device) for line in lines])
    values = padded([line.values for line in lines])
    mask = padded([torch.ones(len(line.tokens), device=device) for line in lines])
    if coefficient:
        old, reference = padded([line.old for line in lines]), padded([line.reference for line in lines])
        rewards = kl_penalised(rewards, old, reference, coefficient)
    advantages, returns = gae(rewards, values, mask, options.gamma, options.gae_lambda)
    lines = filled(lines, "returns", unpadded(lines, returns))
    return filled(lines, "advantage", unpadded(lines, whitened(advantages, mask)))
