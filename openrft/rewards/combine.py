"""From the rewards of each source to one number per rollout, R = alpha * outcome + (1 - alpha) * f(process), and how R
is distributed over the steps. Pure functions.

Sources: OpenRFT (arXiv 2412.16849), section 2.4; PURE (arXiv 2504.15275), section 3, for credit `min`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from openrft.config.settings import CREDIT_AGGREGATION, Aggregation, Credit
from openrft.errors import PluginError
from openrft.types import Reading, Reward, Rollout

CORE_OUTCOME = "outcome"  # the source of the outcome reward that no plugin gives
TEMPERATURE = 0.1  # of the soft minimum; PURE's value


def aggregate_steps(per_step: Sequence[float], aggregation: Aggregation) -> float:
    """One score from the scores of the steps, each in [0, 1]. A completion without steps scores 0.

    softmin weights each step by exp(-score / 0.1), a smooth version of min.
    """
    if not per_step:
        return 0.0
    if aggregation == "mean":
        return math.fsum(per_step) / len(per_step)
    if aggregation == "min":
        return min(per_step)
    if aggregation == "last":
        return per_step[-1]
    if aggregation == "product":
        return math.prod(per_step)
    weights = _softmin_weights(per_step)
    return math.fsum(w * s for w, s in zip(weights, per_step, strict=True)) / math.fsum(weights)


def split_over_steps(per_step: Sequence[float], credit: Credit) -> list[float]:
    """Each step's share of the process score. The shares add up to it. `credit` is "step" or "min".

    step: p_k / K, so the return from step k on is the part of the mean that is still to come.
    min: p_k exp(-p_k / T) / sum_j exp(-p_j / T), PURE's transformed reward. As T -> 0 the worst step earns the minimum
    and the others nothing, so the return is min(p) up to and including the worst step and 0 after it: PURE's min-form.
    """
    if credit == "step":
        return [p / len(per_step) for p in per_step]
    weights = _softmin_weights(per_step)
    total = math.fsum(weights)
    return [w * p / total for w, p in zip(weights, per_step, strict=True)]


def mix_outcome_and_process(outcome: float, process: Sequence[float], alpha: float) -> float:
    """R from the outcome reward and the mean of the process rewards; the outcome reward if there are none."""
    if not process:
        return outcome
    return alpha * outcome + (1 - alpha) * math.fsum(process) / len(process)


def assign_rewards(
    rollout: Rollout,
    rewards: Sequence[Reward],
    alpha: float,
    aggregation: Aggregation,
    credit: Credit = "sequence",
    reading: Reading = "strict",
) -> Rollout:
    """The graded rollout with its rewards, R, and each step's share of R.

    Without an outcome reward of a plugin, `reading` says which answers earn one. A process reward that has a score for
    the whole sequence is earned at the last token, like the outcome. Raises PluginError for a score that is not finite.
    """
    form = CREDIT_AGGREGATION.get(credit, aggregation)
    stepwise = [r for r in rewards if r.kind == "process" and r.score is None]
    filled = [r if r.score is not None else replace(r, score=aggregate_steps(r.per_step, form)) for r in rewards]
    for reward in filled:
        if not math.isfinite(reward.score or 0.0):
            raise PluginError(f"reward {reward.name!r} gave {reward.score} for sample {rollout.sample.id}.")
    outcomes = [r for r in filled if r.kind == "outcome"]
    if not outcomes:
        outcomes = [Reward(CORE_OUTCOME, "outcome", score_outcome(rollout, reading))]
        filled = [*outcomes, *filled]
    outcome = math.fsum(r.score or 0.0 for r in outcomes) / len(outcomes)
    process = [r.score or 0.0 for r in filled if r.kind == "process"]
    step_rewards: tuple[float, ...] = ()
    if credit != "sequence" and stepwise and alpha < 1:  # with alpha 1, all of R is earned at the last token
        part = (1 - alpha) / len(process)
        late = [r.score or 0.0 for r in rewards if r.kind == "process" and r.score is not None]
        by_step = zip(*(split_over_steps(r.per_step, credit) for r in stepwise), strict=True)
        step_rewards = (*(part * math.fsum(step) for step in by_step), alpha * outcome + part * math.fsum(late))
    return replace(
        rollout,
        rewards=tuple(filled),
        reward=mix_outcome_and_process(outcome, process, alpha),
        step_rewards=step_rewards,
    )


def score_outcome(rollout: Rollout, reading: Reading) -> float:
    """1 if right, else 0; or the answer's score in [0, 1] where answers can be partly right.

    The lenient reading adds the answers that the strict one cannot read. Those count as right or wrong only.
    """
    strict = float(bool(rollout.correct)) if rollout.score is None else rollout.score
    if reading == "lenient" and rollout.answer is None:
        return max(strict, float(bool(rollout.lenient_correct)))
    return strict


def _softmin_weights(per_step: Sequence[float]) -> list[float]:
    return [math.exp(-score / TEMPERATURE) for score in per_step]
