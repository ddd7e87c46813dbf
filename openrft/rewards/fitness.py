"""What was found of a source of process rewards on graded rollouts, as plain data, and how it reads in a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Fewest questions with right and wrong rollouts that say anything: a coin gets all of eight right once in 256 times,
# less often than the 99% interval allows. Where a few happen to agree, a bootstrap's interval is a single point.
MIN_MIXED_QUESTIONS = 8


@dataclass(frozen=True, slots=True)
class Separation:
    """How one aggregation f orders right and wrong rollouts. None: there was nothing to measure it on."""

    aggregation: str
    auroc: float | None  # over all rollouts: also rewards knowing which questions are easy
    low: float | None  # 95% interval, whole questions resampled
    high: float | None
    within: float | None  # over right-wrong pairs of the same question: what a group-relative advantage can use
    within_low: float | None
    within_high: float | None
    floor: float | None  # lower end of the 99% interval, within questions where it can be: 95% for the best of five f;
    # ^ None also where fewer than MIXED questions, but some, have right and wrong rollouts
    calibration: float  # expected calibration error of f as a probability of being right
    with_length: float  # Spearman correlation of f with the completion's length

    @property
    def merit(self) -> float:
        """What the aggregations are ranked by."""
        best = self.auroc if self.within is None else self.within
        return 0.5 if best is None else best

    @property
    def is_informative(self) -> bool:
        """Whether f tells right from wrong better than a coin, beyond doubt."""
        return self.floor is not None and self.floor > 0.5


@dataclass(frozen=True, slots=True)
class RewardFitness:
    """One source of process rewards on the rollouts of one policy."""

    source: str  # the plugin
    policy: str  # the policy's id: arms that start RL from it share the measurement
    rollouts: int
    right: int
    questions: int
    mixed: int  # questions with right and wrong rollouts
    no_steps: int  # rollouts without any step: they score 0
    by_aggregation: tuple[Separation, ...]
    aggregation: str  # the aggregation that tells best
    alpha: float | None  # recommended weight of the outcome; None where nothing could be measured
    warnings: tuple[str, ...]

    @property
    def best(self) -> Separation:
        """The separation of the recommended f."""
        return next(s for s in self.by_aggregation if s.aggregation == self.aggregation)


def recommend_alpha(best: Separation) -> float | None:
    """A rule of thumb: the process weight 1 - alpha grows with what is certain of the AUROC, 0.6 * (2 * floor - 1).

    A floor of .75 gives the paper's alpha .7, one at chance gives 1 (outcome only). Never below .5: a wrong completion
    then cannot earn more than a right one, whatever the steps' scores.
    """
    if best.floor is None:
        return None
    return round(1 - min(0.5, max(0.0, 0.6 * (2 * best.floor - 1))), 2)


def list_warnings(best: Separation, right: int, rollouts: int, questions: int, mixed: int) -> Iterator[str]:
    """What speaks against leaning on these rewards."""
    if best.auroc is None:
        what = "no graded rollout" if not rollouts else f"{right} of {rollouts} rollouts are right"
        yield f"{what}: whether the scores tell right from wrong is not known"
        return
    if not best.is_informative:
        yield "not shown to tell right from wrong here: as rewards these scores may be noise (alpha 1 ignores them)"
    if best.within is None:
        yield "no question has both right and wrong rollouts: measured across questions only"
    elif mixed < MIN_MIXED_QUESTIONS:
        yield f"only {mixed} of {questions} questions have both right and wrong rollouts: too few to tell"
    if abs(best.with_length) > 0.5:
        side = "long" if best.with_length > 0 else "short"
        yield f"the scores follow length (rho {best.with_length:+.2f}): the policy may learn to be {side}"
    if questions < 20:
        yield f"only {questions} questions: the intervals are wide"


def fitness_from_json(row: Mapping[str, Any]) -> RewardFitness:
    """Rebuild what `dataclasses.asdict` and JSON made of one."""
    by_aggregation = tuple(Separation(**separation) for separation in row["by_aggregation"])
    return RewardFitness(**{**row, "by_aggregation": by_aggregation, "warnings": tuple(row["warnings"])})
