"""The error of a contrast of arms over training seeds and test items, and the t interval and p that belong to it.

Welch's t test with Satterthwaite's degrees of freedom is too hopeful where one source of noise is large but was seen
few times. Seeds that agree by luck then leave the degrees of freedom to the items: of gains over vanilla 8% would be
false alarms with three seeds, and 13% with two. So the half interval is never below a bound for either source:

    bound^2 = t^2 (own + (f - 1) / (f + t^2) x other)

where own is the variance of the estimate from that source, f its degrees of freedom, t their quantile, and other the
variance from the other source. The bound is exact up to terms of second order in other / own. To derive it, let own be
chi^2_f / f and the estimate have the variance 1 + other. Then the bound has the size of the t test where the expected
change of 2 Phi(-bound / sd) by other vanishes: that is where the factor is the mean of a gamma variable with shape
(f - 1) / 2 and rate (f + t^2) / 2.

At 5%, intervals over 240 items against an arm without luck of training leave out the truth in 4.2 to 5.1 of 100 cases
with three seeds and more, whatever the luck is, and in 2.3 to 5.0 with two (tests/bench/test_contrast_error.py). Where
both arms have such luck, the degrees of freedom are estimates, too: 3.5 to 5.7 with three seeds, as by Welch's test
without items, and 2.2 to 6.3 with two. Far smaller levels are held with room to spare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from openrft.bench.sequential import LEVEL
from openrft.bench.statistics import Array, BootstrapDraws, Interval, TaskScores, sum_by_cluster

Part = tuple[float, float]  # a variance of the estimate, and its degrees of freedom


@dataclass(frozen=True, slots=True)
class ContrastError:
    """How uncertain a contrast of accuracies is."""

    error: float  # standard error, of seeds and items together
    freedom: float  # its degrees of freedom
    of_seeds: float  # the parts of the standard error, with their own degrees of freedom
    seeds_freedom: float
    of_items: float
    items_freedom: float

    def compute_half_width(self, level: float) -> float:
        """Half of the two-sided interval that leaves out the truth with this probability."""
        from scipy.stats import t

        freedoms = [self.freedom, self.seeds_freedom, self.items_freedom]
        welch, *quantiles = map(float, t.isf(level / 2, freedoms))
        bounds = (
            quantile * math.sqrt(own + (f - 1) / (f + quantile**2) * other)
            for quantile, (own, f), (other, _) in zip(quantiles, *self._pair_parts(), strict=True)
        )
        return max(welch * self.error, *bounds)

    def compute_p(self, distance: float) -> float:
        """Two-sided p of a contrast at this distance from what it is tested against: the level at which the interval
        just reaches it."""
        from scipy.stats import t

        found = [float(2 * t.sf(abs(distance) / self.error, self.freedom))]
        for (own, f), (other, _) in zip(*self._pair_parts(), strict=True):
            if own:  # the bound's equation is quadratic in t^2
                linear = own * f + (f - 1) * other - distance**2
                square = (math.sqrt(linear**2 + 4 * own * f * distance**2) - linear) / (2 * own)
                found.append(float(2 * t.sf(math.sqrt(max(square, 0.0)), f)))
        return max(found)

    def compute_lower_p(self, distance: float) -> float:
        """One-sided p that the contrast is not above what it is tested against, at this distance below (negative) or
        above it."""
        half = self.compute_p(distance) / 2
        return half if distance < 0 else 1 - half

    def _pair_parts(self) -> tuple[tuple[Part, Part], tuple[Part, Part]]:
        """Each source of noise, and beside it the other one."""
        seeds, items = (self.of_seeds**2, self.seeds_freedom), (self.of_items**2, self.items_freedom)
        return (seeds, items), (items, seeds)


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
    return ContrastError(error, freedom, of_seeds, seeds_freedom, math.sqrt(items[0]), items[1])


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
    own = error.compute_half_width(level)
    half = max(own, narrowest)
    scale = half / own
    error = replace(error, error=error.error * scale, of_seeds=error.of_seeds * scale, of_items=error.of_items * scale)
    return Interval(value, max(value - half, -1.0), min(value + half, 1.0)), error
