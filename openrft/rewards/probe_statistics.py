"""Whether probe answers are paid like right answers: means over questions with intervals by Student's t."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from openrft.rewards.probed_reward import Finding, Pay, ProbedReward
from openrft.rewards.probes import PROBE_KINDS, YARDSTICK

Floats = NDArray[np.float64]
Scores = Mapping[str, Sequence[tuple[str, float]]]  # sort of answer -> (question, score) of each answer
MIN_OWN = 3  # questions with right answers, and with wrong ones, from which on the policy's own answers are compared
MARGIN = 0.25  # a probe is paid well above wrong answers if it is a quarter of the way from wrong to right
LEVEL = 0.95


def compute_probed_reward(source: str, policy: str, scores: Scores) -> ProbedReward:
    """The findings on one source. `scores` has the sorts of PROBE_KINDS, and "right" and "wrong" for the policy's own
    answers.

    Answers to one question count as one observation, their mean. Of k probes each is compared at the level
    1 - 0.05 / k (Bonferroni), so a source that pays probes no more than it should is blamed for any in fewer than 5%
    of cases.
    """
    means = {sort: average_by_question(rows) for sort, rows in scores.items() if rows}
    own = all(len(means.get(sort, ())) >= MIN_OWN for sort in ("right", "wrong"))
    right, wrong = ("right", "wrong") if own else (YARDSTICK, "bare_wrong")
    probes = [kind.name for kind in PROBE_KINDS if kind.verdict != "right" and kind.name in means]
    names = [name for name in probes if name != wrong]
    level = 1 - (1 - LEVEL) / max(len(names), 1)
    pays = []
    for name in probes:
        finding: Finding = ""
        if name != wrong and right in means and wrong in means:
            finding = compare_pay(means[name], means[right], means[wrong], level)
        pays.append(replace(estimate_pay(name, means[name]), finding=finding))
    separates = None
    if right in means and wrong in means:
        separates = bool(find_bounds(means[right], means[wrong], LEVEL)[0] > 0)
    return ProbedReward(
        source,
        policy,
        estimate_pay(right, means[right]) if right in means else None,
        estimate_pay(wrong, means[wrong]) if wrong in means else None,
        tuple(pays),
        separates,
    )


def average_by_question(rows: Sequence[tuple[str, float]]) -> Floats:
    """The mean score of each question: (questions,)."""
    by_question: dict[str, list[float]] = {}
    for question, score in rows:
        by_question.setdefault(question, []).append(score)
    return np.array([np.mean(values) for values in by_question.values()], dtype=np.float64)


def estimate_pay(answers: str, means: Floats) -> Pay:
    """The mean of (questions,) scores with its 95% interval by Student's t; a point for a single question. It
    stays in [0, 1] if the scores do."""
    half = 0.0
    if len(means) > 1:
        half = float(student.ppf(0.5 + LEVEL / 2, len(means) - 1) * np.std(means, ddof=1) / np.sqrt(len(means)))
    value = float(means.mean())
    low, high = value - half, value + half
    if means.min() >= 0 and means.max() <= 1:
        low, high = max(low, 0.0), min(high, 1.0)
    return Pay(answers, len(means), value, low, high)


def compare_pay(probe: Floats, right: Floats, wrong: Floats, level: float) -> Finding:
    """What is shown of a probe's pay.

    "above right": more than right answers earn. "above wrong": more than wrong answers earn, by more than MARGIN of
    what right answers earn above wrong ones; so it is said only of a source that pays right answers more.
    """
    if find_bounds(probe, right, level)[0] > 0:
        return "above right"
    gap = float(right.mean() - wrong.mean())
    return "above wrong" if gap > 0 and find_bounds(probe, wrong, level)[0] > MARGIN * gap else ""


def find_bounds(a: Floats, b: Floats, level: float) -> tuple[float, float]:
    """The interval of mean(a) - mean(b) by Welch's t (Satterthwaite's degrees of freedom).

    Where neither side varies it is the difference alone. A side with a single value has no spread of its own: it counts
    as varying like the other.
    """
    difference = float(a.mean() - b.mean())
    spread = [float(np.var(side, ddof=1)) if len(side) > 1 else None for side in (a, b)]
    known = [v for v in spread if v is not None]
    if not known:
        return -np.inf, np.inf
    parts = [(known[0] if v is None else v) / len(side) for v, side in zip(spread, (a, b), strict=True)]
    error = float(np.sqrt(sum(parts)))
    if error < 1e-12:  # rounding of equal scores is no spread
        return difference, difference
    freedom = sum(parts) ** 2 / sum(p**2 / max(len(side) - 1, 1) for p, side in zip(parts, (a, b), strict=True))
    half = float(student.ppf(0.5 + level / 2, freedom)) * error
    return difference - half, difference + half
