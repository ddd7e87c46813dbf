"""The losses of a micro-batch: the policy's, and the critic's. Both are sums of weighted token losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from openrft_rl.equations.kl import kl_estimate
from openrft_rl.equations.ratio import RATIOS
from openrft_rl.equations.surrogate import clipped_surrogate
from openrft_rl.equations.value_loss import clipped_value_loss
from openrft_rl.lines import Line, padded
from openrft_rl.measures import Measures
from openrft_rl.options import RLOptions


@dataclass(frozen=True, slots=True)
class Update:
    """What one update is about."""

    policy: Any
    options: RLOptions
    kl: float  # this step's weight of the KL to the reference
    fresh: bool  # the policy still has the very weights that sampled
    measures: Measures


def policy_loss(now: Update, lines: list[Line]) -> Tensor:
    """The clipped surrogate and, where no critic carries it in the rewards, the KL to the reference."""
    options, how = now.options, now.options.how
    logp, mask = now.policy.completion_logprobs(
        [line.prompt for line in lines], [line.tokens for line in lines], lines[0].temperature
    )
    # On the very weights that sampled, the ratio is 1; the stored values would add only rounding noise.
    old = logp.detach() if now.fresh else padded([line.old for line in lines])
    log_ratio = RATIOS[how.ratio](logp, old, mask)
    loss = clipped_surrogate(log_ratio, padded([line.advantage for line in lines]), *options.clip)
    if now.kl:
        kl = kl_estimate(logp, padded([line.reference for line in lines]))
        now.measures.mean("kl", kl, mask)
        loss = loss if how.critic else loss + now.kl * kl
    now.measures.ratio(log_ratio, mask, options.clip)
    return _weighted(loss, mask, lines)


def value_loss(now: Update, lines: list[Line]) -> Tensor:
    """How wrong the critic is about the returns."""
    values, mask = now.policy.critic.values([line.prompt for line in lines], [line.tokens for line in lines])
    old, returns = padded([line.values for line in lines]), padded([line.returns for line in lines])
    return _weighted(clipped_value_loss(values, old, returns, now.options.value_clip), mask, lines)


def _weighted(loss: Tensor, mask: Tensor, lines: list[Line]) -> Tensor:
    return (loss * loss.new_tensor([[line.weight] for line in lines]) * mask).sum()
