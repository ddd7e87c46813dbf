"""Can this PRM tell right from wrong? Measured on graded rollouts before reinforcement learning leans on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openrft import Rollout, UsageError
from openrft_prm.aggregate import AGGREGATIONS, aggregate
from openrft_prm.ranking import (
    auroc,
    calibration_error,
    interval,
    rank_correlation,
    within_groups,
    within_interval,
)


@dataclass(frozen=True, slots=True)
class Separation:
    """How one aggregation f orders right and wrong rollouts."""

    f: str
    auroc: float  # over all rollouts: also rewards knowing which questions are easy
    low: float  # 95% interval, whole questions resampled
    high: float
    within: float  # over right-wrong pairs of the same question: what a group-relative advantage can use; may be nan
    within_low: float
    within_high: float
    calibration: float  # expected calibration error of f as a probability of being right
    with_length: float  # Spearman correlation of f with the completion's length in characters

    @property
    def telling(self) -> bool:
        """Whether f is better than chance beyond its interval, within questions where that can be measured."""
        return (self.low if math.isnan(self.within) else self.within_low) > 0.5


@dataclass(frozen=True, slots=True)
class Fitness:
    """What was found, and what it recommends."""

    rollouts: int
    correct: int
    questions: int
    no_steps: int  # rollouts without any step; they score 0
    by_f: tuple[Separation, ...]
    f: str  # recommended explore.f
    alpha: float  # recommended explore.alpha
    warnings: tuple[str, ...]


def fitness(rollouts: Sequence[Rollout]) -> Fitness:
    """Measure graded rollouts that carry a process reward. Raises UsageError when there is nothing to compare."""
    graded = [r for r in rollouts if r.correct is not None and any(w.kind == "process" for w in r.rewards)]
    correct = np.array([bool(r.correct) for r in graded], dtype=bool)
    if not correct.any() or correct.all():
        raise UsageError(
            f"{int(correct.sum())} of {len(graded)} graded, scored rollouts are right: nothing to tell apart.",
            "Draw more completions, or take questions of another difficulty.",
        )
    steps = [next(w.per_step for w in r.rewards if w.kind == "process") for r in graded]
    questions = [r.sample.root for r in graded]
    lengths = np.array([len(r.completion.text) for r in graded], dtype=np.float64)
    by_f = tuple(_separation(f, steps, correct, questions, lengths) for f in AGGREGATIONS)
    best = max(by_f, key=_merit)  # the first of equals: mean before min before the others
    alpha = recommended_alpha(best)
    return Fitness(
        rollouts=len(graded),
        correct=int(correct.sum()),
        questions=len(set(questions)),
        no_steps=sum(not s for s in steps),
        by_f=by_f,
        f=best.f,
        alpha=alpha,
        warnings=tuple(_warnings(best, len(set(questions)))),
    )


def recommended_alpha(best: Separation) -> float:
    """A rule of thumb: the PRM's weight 1 - alpha grows with what is certain of its AUROC, 0.6 * (2 * low - 1).

    An AUROC of at least .75 gives the paper's alpha .7, one that may be chance gives 1 (outcome only). Never below
    .5: a wrong completion then cannot earn more than a right one, whatever the PRM says.
    """
    low = best.low if math.isnan(best.within) else best.within_low
    weight = min(0.5, max(0.0, 0.6 * (2 * low - 1)))
    return round(1 - weight, 2)


def _separation(
    f: str,
    steps: Sequence[Sequence[float]],
    correct: np.ndarray,
    questions: Sequence[str],
    lengths: np.ndarray,
) -> Separation:
    scores = np.array([aggregate(s, f) for s in steps], dtype=np.float64)
    wins = within_groups(scores, correct, questions)
    within = float(wins[:, 0].sum() / wins[:, 1].sum()) if len(wins) else float("nan")
    return Separation(
        f,
        auroc(scores, correct),
        *interval(scores, correct, questions),
        within,
        *within_interval(wins),
        calibration_error(scores, correct),
        rank_correlation(scores, lengths),
    )


def _merit(s: Separation) -> float:
    return s.auroc if math.isnan(s.within) else s.within


def _warnings(best: Separation, questions: int) -> list[str]:
    found = []
    if not best.telling:
        found.append("this PRM cannot tell right from wrong here: its rewards would be noise (alpha 1 ignores them)")
    if math.isnan(best.within):
        found.append("no question has both right and wrong completions: measured across questions only")
    if abs(best.with_length) > 0.5:
        side = "long" if best.with_length > 0 else "short"
        found.append(f"scores follow length (rho {best.with_length:+.2f}): the policy may learn to be {side}")
    if questions < 20:
        found.append(f"only {questions} questions: the intervals are wide")
    return found


def render(found: Fitness) -> str:
    """One screen of plain text."""
    lines = [
        f"PRM fitness on {found.rollouts} rollouts of {found.questions} questions,"
        f" {found.correct} right ({found.correct / found.rollouts:.0%}), {found.no_steps} without a step",
        "",
        "f        AUROC  95% interval   same question  95% interval   calibration error  with length",
    ]
    for s in found.by_f:
        mark = "*" if s.f == found.f else " "
        lines.append(
            f"{s.f:<8}{mark} {s.auroc:.3f}  {s.low:.3f} - {s.high:.3f}  {_number(s.within):>13}"
            f"  {_number(s.within_low)} - {_number(s.within_high)}  {s.calibration:>17.3f}  {s.with_length:>+11.2f}"
        )
    lines += ["", f"recommended: explore.f={found.f} explore.alpha={found.alpha}"]
    lines += [f"warning: {text}" for text in found.warnings]
    return "\n".join(lines)


def _number(value: float) -> str:
    return "  -  " if math.isnan(value) else f"{value:.3f}"
