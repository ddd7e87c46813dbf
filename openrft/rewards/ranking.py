"""How well scores tell right from wrong: pure functions on arrays (scores and labels of the same length)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
REPLICATES = 500  # of a bootstrap


def compute_auroc(scores: ArrayLike, correct: ArrayLike) -> float:
    """The probability that a right item outscores a wrong one; ties count half (Mann-Whitney U). nan without both."""
    wins, pairs = count_pair_wins(np.asarray(scores, np.float64), np.asarray(correct, np.bool_))
    return wins / pairs if pairs else float("nan")


def count_pair_wins(scores: Floats, correct: Bools) -> tuple[float, int]:
    """(pairs that the right item wins, where ties count half; number of right-wrong pairs)."""
    right, wrong = scores[correct], np.sort(scores[~correct])
    below = np.searchsorted(wrong, right, "left")
    not_above = np.searchsorted(wrong, right, "right")
    return float((below + not_above).sum() / 2), len(right) * len(wrong)


def count_wins_within_groups(scores: Floats, correct: Bools, groups: Sequence[str]) -> Floats:
    """(groups, 2): wins and pairs of each group with both right and wrong items. Other groups have no row."""
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    rows = [count_pair_wins(scores[at], correct[at]) for at in map(np.array, members.values())]
    return np.array([row for row in rows if row[1]], dtype=np.float64).reshape(-1, 2)


def bootstrap_auroc(scores: Floats, correct: Bools, groups: Sequence[str]) -> Floats:
    """AUROCs of resamples. Whole groups are resampled, because completions of one question are not independent. nan
    where a resample has only right or only wrong items."""
    names = sorted(set(groups))
    index = {name: np.array([i for i, g in enumerate(groups) if g == name]) for name in names}
    rng = np.random.default_rng(0)
    values = []
    for _ in range(REPLICATES):
        at = np.concatenate([index[names[i]] for i in rng.integers(0, len(names), len(names))])
        values.append(compute_auroc(scores[at], correct[at]))
    return np.array(values)


def bootstrap_within_groups(wins: Floats) -> Floats:
    """The same for the AUROC within groups. `wins` is from `count_wins_within_groups` and has at least one row."""
    at = np.random.default_rng(0).integers(0, len(wins), (REPLICATES, len(wins)))
    sums = wins[at].sum(axis=1)
    return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)


def percentile_interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """The central interval of bootstrap values; nan values are ignored."""
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def compute_calibration_error(scores: Floats, correct: Bools, bins: int = 10) -> float:
    """Expected calibration error over `bins` bins of equal count: |mean score - share right|, weighted by bin size."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(scores[part].mean() - correct[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(scores))


def compute_rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's rho; 0 if one side is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)
