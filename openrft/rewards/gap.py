"""How far what a source of rewards says is from the strict grade, and whether the two part during RL, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

MIN_GROWTH = 0.05  # of a gap, in the reward's own unit: less is no reason to warn, however certain it is


@dataclass(frozen=True, slots=True)
class RewardGap:
    """The gap of one source over the steps of RL: its mean reward minus the mean strict score of the same answers."""

    source: str  # the reward's name
    held_back: bool  # measured on questions that RL did not train on, or on those that it did
    points: int  # steps at which it was measured
    steps: int  # between the first and the last of them
    start: float  # of the fitted line at the first of them
    growth: float  # of the fitted line from the first to the last
    low: float  # 95% interval of the growth
    high: float

    @property
    def grows(self) -> bool:
        """Whether the gap is shown to grow by more than a trifle."""
        return self.low > 0 and self.growth >= MIN_GROWTH


def describe_growing_gap(gap: RewardGap) -> str:
    """One sentence on a gap that grows."""
    where = "held-back questions" if gap.held_back else "its training questions"
    return (
        f"`{gap.source}` parts from the strict grade on {where}: its reward minus the grade goes from {gap.start:+.2f}"
        f" to {gap.start + gap.growth:+.2f} in {gap.steps} steps ({gap.growth:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}])"
    )
