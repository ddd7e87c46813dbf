"""The measurement of a source of process rewards, as plain data, with the recommended alpha and the warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# The fewest questions with both right and wrong rollouts that can show anything. A coin orders all of eight correctly
# once in 256 times, less often than the 99% interval allows. If a few agree by chance, the interval is a single point.
MIN_MIXED_QUESTIONS = 8


@dataclass(frozen=True, slots=True)
class Separation:
    """How well one aggregation separates right from wrong rollouts. None: there was nothing to measure."""

    aggregation: str
    auroc: float | None  # over all rollouts; this also rewards knowing which questions are easy
    low: float | None  # 95% interval, whole questions resampled
    high: float | None
    within: float | None  # over right-wrong pairs of the same question, which a group-relative advantage can use
    within_low: float | None
    within_high: float | None
    floor: float | None  # lower end of the 99% interval (95% for the best of five), within questions if possible
    # ^ None also if some, but fewer than MIN_MIXED_QUESTIONS, questions have both right and wrong rollouts
    calibration: float  # expected calibration error of the score as a probability of being right
    with_length: float  # Spearman correlation of the score with the completion's length

    @property
    def merit(self) -> float:
        """The number that aggregations are ranked by."""
        best = self.auroc if self.within is None else self.within
        return 0.5 if best is None else best

    @property
    def is_informative(self) -> bool:
        """Whether the score is shown to tell right from wrong better than chance."""
        return self.floor is not None and self.floor > 0.5


@dataclass(frozen=True, slots=True)
class RewardFitness:
    """One source of process rewards on the rollouts of one policy."""

    source: str  # the plugin
    policy: str  # the policy's id; arms that start RL from this policy share the measurement
    rollouts: int
    right: int
    questions: int
    mixed: int  # questions with both right and wrong rollouts
    no_steps: int  # rollouts without any step; they score 0
    by_aggregation: tuple[Separation, ...]
    aggregation: str  # the best aggregation
    alpha: float | None  # recommended weight of the outcome; None where nothing could be measured
    warnings: tuple[str, ...]

    @property
    def best(self) -> Separation:
        """The separation of the recommended aggregation."""
        return next(s for s in self.by_aggregation if s.aggregation == self.aggregation)


def recommend_alpha(best: Separation) -> float | None:
    """A rule of thumb: the process weight 1 - alpha is 0.6 * (2 * floor - 1), where floor bounds the AUROC from below.

    A floor of .75 gives the paper's alpha .7. A floor at chance gives 1 (outcome only). Alpha is never below .5, so a
    wrong completion cannot earn more than a right one, whatever its steps score.
    """
    if best.floor is None:
        return None
    return round(1 - min(0.5, max(0.0, 0.6 * (2 * best.floor - 1))), 2)


def list_warnings(best: Separation, right: int, rollouts: int, questions: int, mixed: int) -> Iterator[str]:
    """Reasons not to rely on these rewards."""
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
