"""The error of a contrast of arms over training seeds and test items, and the t interval and p that belong to it.

Three seeds and more: Welch's t test, with Satterthwaite's degrees of freedom for seeds and items together. Two seeds
show so little of the training noise that this fails: a small variance by luck leaves the degrees of freedom to the
items, and 7-11% of gains over vanilla would be false alarms. With two seeds each source of noise therefore has its own
t quantile: the half interval is the root of (t_seeds x error_seeds)^2 + (t_items x error_items)^2. It covers at least
what it says, whatever the true variances are (Banerjee 1960, Sankhya 22).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from openrft.bench.sequential import LEVEL
from openrft.bench.statistics import Array, BootstrapDraws, Interval, TaskScores, sum_by_cluster

LOWEST_P = 1e-15  # of two seeds; none lower is told apart


@dataclass(frozen=True, slots=True)
class ContrastError:
    """How uncertain a contrast of accuracies is."""

    error: float  # standard error, of seeds and items together
    freedom: float  # its degrees of freedom
    of_seeds: float  # the parts of the standard error, with their own degrees of freedom
    seeds_freedom: float
    of_items: float
    items_freedom: float
    two_seeds: bool

    def compute_half_width(self, level: float) -> float:
        """Half of the two-sided interval that leaves out the truth with at most this probability."""
        from scipy.stats import t

        if not self.two_seeds:
            return float(t.ppf(1 - level / 2, self.freedom)) * self.error
        seeds, items = t.isf(level / 2, [self.seeds_freedom, self.items_freedom])
        return math.hypot(seeds * self.of_seeds, items * self.of_items)

    def compute_p(self, distance: float) -> float:
        """Two-sided p of a contrast at this distance from what it is tested against: the level at which the interval
        just reaches it."""
        from scipy.optimize import brentq
        from scipy.stats import t

        if not self.two_seeds:
            return float(2 * t.sf(abs(distance) / self.error, self.freedom))
        if not distance:
            return 1.0
        if self.compute_half_width(LOWEST_P) <= abs(distance):
            return LOWEST_P
        lowest = math.log(LOWEST_P)
        found = brentq(lambda u: self.compute_half_width(math.exp(u)) - abs(distance), lowest, 0.0)
        return math.exp(found)

    def compute_lower_p(self, distance: float) -> float:
        """One-sided p that the contrast is not above what it is tested against, at this distance below (negative) or
        above it."""
        from scipy.stats import t

        if not self.two_seeds:
            return float(t.cdf(distance / self.error, self.freedom))
        half = self.compute_p(distance) / 2
        return half if distance < 0 else 1 - half


def contrast_error(means: Array, weights: Array, items: tuple[float, int] = (0.0, 1)) -> ContrastError:
    """The standard error and the degrees of freedom of Welch's t test on a contrast of arms' seed means.

    means: (tasks, arms, seeds), not all equal within each arm. weights: (arms,), such as 1 and -1 for a difference.
    Tasks are trained separately, so seed 0 of one is unrelated to seed 0 of another. Each task adds its own variance
    (Satterthwaite's degrees of freedom). Averaging the tasks seed by seed first would lose most degrees of freedom.
    `items`: a further variance of the contrast with its degrees of freedom (`item_variance`). Without it the error is
    about these items only."""
    tasks, _, seeds = means.shape
    # Rounded: an arm with the same score for every seed has no training variance, whatever the last bit says.
    variances = np.round(means.std(axis=2, ddof=1), 12) ** 2 * weights**2 / seeds / tasks**2
    own = [(float(v), seeds - 1) for v in variances.ravel()]
    error, freedom = _add_up([*own, items])
    of_seeds, seeds_freedom = _add_up(own)
    return ContrastError(error, freedom, of_seeds, seeds_freedom, math.sqrt(items[0]), items[1], seeds == 2)


def _add_up(parts: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """The standard error of a sum of variances, and Satterthwaite's degrees of freedom."""
    total = sum(variance for variance, _ in parts)
    return math.sqrt(total), total**2 / sum(variance**2 / own for variance, own in parts)


def item_variance(blocks: Sequence[TaskScores], weights: Array) -> tuple[float, int]:
    """The variance that the draw of items adds to a contrast of arms' accuracies, beyond the noise of seeds and of
    single completions, and its degrees of freedom.

    These are the variance components of a crossed design, from mean squares. The clusters' contributions to the
    contrast vary by lasting strengths and, over S seeds, by luck / S. The luck is estimated within clusters, over
    seeds.
    """
    lasting, freedom, used = 0.0, 0, np.flatnonzero(weights)
    for block in blocks:
        sums, sizes = sum_by_cluster(block)
        clusters, seeds = len(sizes), sums.shape[1]
        if clusters < 2:  # one cluster does not show how items differ
            continue
        apart = (sums[used] - block.scores[used].mean(axis=2)[:, :, None] * sizes) / sizes.sum()
        apart = apart * weights[used][:, None, None]
        mean = apart.mean(axis=1)  # (arms, clusters)
        luck = ((apart - mean[:, None]) ** 2).sum() / (seeds * (seeds - 1))
        lasting += float((mean.sum(axis=0) ** 2).sum() - luck) * clusters / (clusters - 1)
        freedom += clusters - 1
    return max(0.0, lasting) / len(blocks) ** 2, max(1, freedom)


def estimate_error(
    blocks: Sequence[TaskScores], draws: BootstrapDraws, weights: Array, paired: bool = False
) -> ContrastError | None:
    """The standard error and the degrees of freedom of a contrast of arms, over seeds and items. None if they have one
    seed, or other numbers of seeds by task, or never differ between seeds.

    paired: the arms of a seed share its checkpoint, so training noise counts only as far as it differs by arm.
    """
    if {b.scores.shape[1] for b in blocks} != {draws.seeds} or draws.seeds < 2:
        return None
    means = np.stack(draws.seed_means)  # (tasks, arms, seeds)
    if paired:
        means = np.einsum("a,tas->ts", weights, means)[:, None]
        gaps = [np.tensordot(weights, b.scores, 1)[None] for b in blocks]
        blocks = [TaskScores(gap, b.clusters, b.completions) for gap, b in zip(gaps, blocks, strict=True)]
        weights = np.ones(1)
    if np.ptp(means[:, np.flatnonzero(weights)], axis=2).max() <= 1e-9:
        return None
    return contrast_error(means, weights, item_variance(blocks, weights))


def invert_t(
    value: float, error: ContrastError, narrowest: float, level: float = LEVEL
) -> tuple[Interval, ContrastError]:
    """The interval of a t test at this level, and the error that it stands for: at least that of the narrowest half."""
    from scipy.stats import t

    own = error.compute_half_width(level)
    half = max(own, narrowest)
    if error.two_seeds:
        scale = half / own
        error = replace(error, of_seeds=error.of_seeds * scale, of_items=error.of_items * scale)
    else:
        error = replace(error, error=half / float(t.ppf(1 - level / 2, error.freedom)))
    return Interval(value, max(value - half, -1.0), min(value + half, 1.0)), error
