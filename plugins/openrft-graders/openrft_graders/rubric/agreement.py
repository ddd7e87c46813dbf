"""How well two opinions agree, and what changes a judge's verdicts that should not. Pure functions.

Intervals are percentiles of a bootstrap over whole questions, because verdicts on one question are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from openrft import percentile_interval, resample_sums

Floats = NDArray[np.float64]
Verdict = tuple[bool, ...]  # on each criterion of one answer


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two opinions on the same criteria of the same answers."""

    kappa: Interval | None  # Cohen's; None where every verdict of both is the same, so that chance explains all
    differ: Interval  # the share of verdicts in which they differ
    verdicts: int
    questions: int


def compare_opinions(first: Sequence[Verdict], second: Sequence[Verdict], questions: Sequence[str]) -> Agreement:
    """Compare two opinions, each with the verdicts on one answer after another. `questions` has the question of each
    answer; there must be at least one verdict."""
    counts = np.array([_count_pairs(a, b) for a, b in zip(first, second, strict=True)], dtype=np.float64)
    by_question = sum_by_question(counts, questions)
    drawn = compute_kappa(resample_sums(by_question))
    whole = float(compute_kappa(counts.sum(axis=0)))
    kappa = None
    if not np.isnan(whole) and not np.isnan(drawn).all():
        kappa = Interval(whole, *percentile_interval(drawn))
    pairs = np.stack([counts[:, 1] + counts[:, 2], counts.sum(axis=1)], axis=1)
    return Agreement(kappa, estimate_ratio(pairs, questions), int(counts.sum()), len(by_question))


def _count_pairs(first: Verdict, second: Verdict) -> tuple[int, int, int, int]:
    """(both yes, only the first, only the second, both no)."""
    pairs = list(zip(first, second, strict=True))
    both, neither = sum(a and b for a, b in pairs), sum(not a and not b for a, b in pairs)
    return both, sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs), neither


def compute_kappa(counts: Floats) -> Floats:
    """Cohen's kappa (1960) of (..., 4) counts, as `_count_pairs` gives them: (observed - expected agreement) / (1 -
    expected). nan where only one verdict was ever given."""
    total = counts.sum(axis=-1)
    first, second = (counts[..., 0] + counts[..., 1]) / total, (counts[..., 0] + counts[..., 2]) / total
    observed = (counts[..., 0] + counts[..., 3]) / total
    expected = first * second + (1 - first) * (1 - second)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected < 1, (observed - expected) / (1 - expected), np.nan), dtype=np.float64)


def estimate_ratio(rows: Floats, questions: Sequence[str]) -> Interval:
    """The sum of the first column over that of the second, of (answers, 2) rows."""
    by_question = sum_by_question(rows, questions)
    sums = resample_sums(by_question)
    whole = by_question.sum(axis=0)
    return Interval(float(whole[0] / whole[1]), *percentile_interval(sums[:, 0] / sums[:, 1]))


def estimate_mean(values: Sequence[float], questions: Sequence[str]) -> Interval:
    """The mean over answers."""
    return estimate_ratio(np.array([(value, 1.0) for value in values], dtype=np.float64), questions)


def correlate_with_length(
    scores: Sequence[float], lengths: Sequence[int], correct: Sequence[bool | None], questions: Sequence[str]
) -> Interval | None:
    """Spearman's correlation of score and length among answers that are equally right: ranks are taken within those
    that are right, wrong and not known. None where scores or lengths do not vary there.

    In the bootstrap each answer keeps its rank.
    """
    ranks = np.zeros((len(scores), 2))
    for truth in set(correct):
        at = np.array([i for i, known in enumerate(correct) if known is truth])
        for column, values in enumerate((np.array(scores, dtype=np.float64), np.array(lengths, dtype=np.float64))):
            ranks[at, column] = rankdata(values[at]) - (len(at) + 1) / 2
    a, b = ranks.T
    if not a.any() or not b.any():
        return None
    by_question = sum_by_question(np.stack([a * b, a * a, b * b], axis=1), questions)
    sums = np.vstack([by_question.sum(axis=0), resample_sums(by_question)])
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = sums[:, 0] / np.sqrt(sums[:, 1] * sums[:, 2])
    return Interval(float(rho[0]), *percentile_interval(rho[1:]))


def sum_by_question(rows: Floats, questions: Sequence[str]) -> Floats:
    """(questions, K): the sums of (answers, K) rows over each question's answers, in the order of their appearance."""
    order = {question: i for i, question in enumerate(dict.fromkeys(questions))}
    sums = np.zeros((len(order), rows.shape[1]))
    np.add.at(sums, [order[question] for question in questions], rows)
    return sums
