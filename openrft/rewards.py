"""From rewards by source to one number a rollout: R = alpha * outcome + (1 - alpha) * f(process). Pure functions.

Source: OpenRFT (arXiv 2412.16849), section 2.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from openrft.errors import PluginError
from openrft.sample import Reward, Rollout
from openrft.settings import Aggregation


def aggregate(per_step: Sequence[float], f: Aggregation) -> float:
    """One score from the steps' scores in [0, 1]. No steps at all score 0: nothing sound was said.

    softmin weighs each step by exp(-score / 0.1), a smooth stand-in for min.
    """
    if not per_step:
        return 0.0
    if f == "mean":
        return math.fsum(per_step) / len(per_step)
    if f == "min":
        return min(per_step)
    if f == "last":
        return per_step[-1]
    if f == "product":
        return math.prod(per_step)
    weights = [math.exp(-score / 0.1) for score in per_step]
    return math.fsum(w * s for w, s in zip(weights, per_step, strict=True)) / math.fsum(weights)


def combine(outcome: float, process: Sequence[float], alpha: float) -> float:
    """R from the outcome reward and the mean of the process rewards; without any, R is the outcome reward."""
    if not process:
        return outcome
    return alpha * outcome + (1 - alpha) * math.fsum(process) / len(process)


def scored(rollout: Rollout, rewards: Sequence[Reward], alpha: float, f: Aggregation) -> Rollout:
    """The graded rollout with its rewards filled in and mixed. Raises PluginError for a score that is no number."""
    filled = [r if r.score is not None else replace(r, score=aggregate(r.per_step, f)) for r in rewards]
    for reward in filled:
        if not math.isfinite(reward.score or 0.0):
            raise PluginError(f"reward {reward.name!r} gave {reward.score} for sample {rollout.sample.id}.")
    outcomes = [r for r in filled if r.kind == "outcome"]
    if not outcomes:
        outcomes = [Reward("outcome", "outcome", float(bool(rollout.correct)))]
        filled = [*outcomes, *filled]
    outcome = math.fsum(r.score or 0.0 for r in outcomes) / len(outcomes)
    process = [r.score or 0.0 for r in filled if r.kind == "process"]
    return replace(rollout, rewards=tuple(filled), reward=combine(outcome, process, alpha))
