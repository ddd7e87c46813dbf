"""How surprising a difference would be if there were none: p-values, and their correction for looking many times.

Which test, by what differs between two arms. One seed and single completions of one checkpoint: McNemar on items.
Three seeds or more of arms trained apart: Welch on the seeds' means, because McNemar on one seed rejects a true
null 10-45% of the time when training noise is 1-2 points. Otherwise sign flips (one seed) or the crossed bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from openrft.bench.stats import REPLICATES, Array, Block, Draws

EXACT_UP_TO = 12  # clusters that differ: 2^12 sign patterns are enumerated, more are sampled


def mcnemar_mid_p(only_first: int, only_second: int) -> float:
    """Mid-p McNemar for paired right/wrong outcomes, from the two counts of discordant pairs.

    P(more extreme) + P(as extreme) / 2 under Binomial(n, 1/2) (Fagerland, Lydersen and Laake 2013)."""
    from scipy.stats import binom

    n, fewer = only_first + only_second, min(only_first, only_second)
    if only_first == only_second:  # everything else is more extreme, and only this table as extreme
        return float(1 - binom.pmf(fewer, n, 0.5) / 2) if n else 1.0
    return float(2 * binom.cdf(fewer, n, 0.5) - binom.pmf(fewer, n, 0.5))


def sign_flip_p(differences: Array, seed: int = 0) -> float:
    """Two-sided p that the sum of `differences` (one a cluster) is 0, when each sign was equally likely (Fisher's
    randomisation test): exact for few that differ, else 10,000 random patterns with Phipson and Smyth's + 1."""
    d = np.sort(differences[np.abs(differences) > 1e-12])  # sorted: the items' order must not move the answer
    observed = abs(float(d.sum())) - 1e-9
    if len(d) <= EXACT_UP_TO:
        patterns = 1 - 2 * ((np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1)
        return float(np.mean(np.abs(patterns @ d) >= observed))
    signs = 1 - 2 * np.random.default_rng(seed).integers(0, 2, size=(REPLICATES, len(d)))
    return float((np.sum(np.abs(signs @ d) >= observed) + 1) / (REPLICATES + 1))


def welch_p(first: Array, second: Array) -> float:
    """Welch's t test on two sets of seed means, which must not all be equal within both."""
    from scipy.stats import ttest_ind_from_stats

    # From rounded moments: an arm that scored the same with every seed is no cause for a warning about precision.
    moments = [(float(x.mean()), round(float(x.std(ddof=1)), 12), len(x)) for x in (first, second)]
    return float(ttest_ind_from_stats(*moments[0], *moments[1], equal_var=False).pvalue)


def bootstrap_p(draws: Draws, weights: Sequence[float]) -> float:
    """Two-sided p of a contrast: twice the smaller share of replicates on either side of 0, + 1 (Davison and Hinkley
    1997, section 4.4)."""
    replicates = draws.crossed @ np.asarray(weights, dtype=float)
    tail = min(int((replicates <= 0).sum()), int((replicates >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(replicates) + 1))


def delta_p(blocks: Sequence[Block], draws: Draws, first: int, second: int, same_checkpoint: bool) -> tuple[float, str]:
    """p of accuracy(first) - accuracy(second), and the name of the test that gave it."""
    counts = {b.scores.shape[1] for b in blocks}
    if counts == {1}:
        plain = all(b.completions == 1 and len(b.clusters) == b.clusters.max() + 1 for b in blocks)
        plain = plain and all(np.isin(b.scores, (0, 1)).all() for b in blocks)
        sizes = {b.scores.shape[2] for b in blocks}
        if same_checkpoint and plain and len(sizes) == 1:  # pooled items weigh as the macro average weighs them
            gaps = np.concatenate([b.scores[first, 0] - b.scores[second, 0] for b in blocks])
            return mcnemar_mid_p(int((gaps > 0).sum()), int((gaps < 0).sum())), "McNemar mid-p over items"
        return sign_flip_p(np.concatenate([_cluster_gaps(b, first, second) for b in blocks])), "sign flips over items"
    if min(counts) >= 3 and len(counts) == 1 and not same_checkpoint:
        means = np.mean(draws.seed_means, axis=0)
        if max(np.ptp(means[first]), np.ptp(means[second])) > 1e-12:
            return welch_p(means[first], means[second]), "Welch over seeds"
    weights = [float(i == first) - float(i == second) for i in range(len(draws.estimate))]
    return bootstrap_p(draws, weights), "bootstrap over seeds and items"


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction for as many looks."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []


def _cluster_gaps(block: Block, first: int, second: int) -> Array:
    """What each cluster adds to the difference of accuracies on this task."""
    gaps = (block.scores[first] - block.scores[second]).mean(axis=0) / len(block.clusters)
    return np.asarray(np.bincount(block.clusters, weights=gaps), dtype=float)
