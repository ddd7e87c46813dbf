"""Tests of a difference, their correction for multiple comparisons, and the difference that a bench can detect.

The test depends on how two arms differ. Two or more seeds of separately trained arms: Welch on the seeds' means, task
by task, plus the variance from the draw of items; the interval inverts the test. Seed means alone would reject a true
null 10-30% of the time when arms have lasting strengths on different items. Several seeds, each with one checkpoint for
both: the same on the seeds' differences. Few seeds of great luck widen the interval further (contrast_error.py). One
seed of separately trained arms: no p, because one training run shows nothing of the luck of training. McNemar on it
would reject a true null 10-80% of the time when that luck is 1-10 points. One seed of one checkpoint, or of policies
that nobody trained: McNemar on items, or sign flips.

Power is forecast before a bench runs: items x completions x seeds under the assumptions about noise below. Once there
are outcomes, a run's own intervals replace them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openrft.bench.contrast_error import ContrastError, estimate_error, invert_t
from openrft.bench.statistics import (
    REPLICATES,
    Array,
    BootstrapDraws,
    Interval,
    TaskScores,
    Z,
    apply_small_sample_correction,
    estimate_contrast,
    narrowest_half_width,
)

EXACT_UP_TO = 12  # clusters that differ: 2^12 sign patterns are enumerated, more are sampled


def mcnemar_mid_p(only_first: int, only_second: int) -> float:
    """Mid-p McNemar for paired right/wrong outcomes, from the two counts of discordant pairs.

    P(more extreme) + P(as extreme) / 2 under Binomial(n, 1/2) (Fagerland, Lydersen and Laake 2013)."""
    from scipy.stats import binom

    n, fewer = only_first + only_second, min(only_first, only_second)
    if only_first == only_second:  # everything else is more extreme, and only this table as extreme
        return float(1 - binom.pmf(fewer, n, 0.5) / 2) if n else 1.0
    return float(2 * binom.cdf(fewer, n, 0.5) - binom.pmf(fewer, n, 0.5))


def sign_flip_p(differences: Array) -> float:
    """Two-sided p that the sum of `differences` (one per cluster) is 0, if each sign is equally likely (Fisher's
    randomisation test). It is exact if few differ, else it uses 10,000 random patterns with Phipson and Smyth's + 1."""
    from scipy.stats import monte_carlo_test, permutation_test

    d = np.sort(differences[np.abs(differences) > 1e-12])  # sorted, so that the order of items changes nothing
    if len(d) < 2:
        return 1.0
    if len(d) <= EXACT_UP_TO:
        exact = permutation_test(
            (d,), _absolute_sum, permutation_type="samples", n_resamples=2**EXACT_UP_TO, alternative="greater"
        )
        return float(exact.pvalue)
    rng = np.random.default_rng(0)
    # Not `permutation_test` here: it draws pattern after pattern, which takes ten times as long.
    sampled = monte_carlo_test(
        d,
        lambda size: d * (1 - 2 * rng.integers(0, 2, size=size)),
        _absolute_sum,
        n_resamples=REPLICATES,
        alternative="greater",
    )
    return float(sampled.pvalue)


def _absolute_sum(differences: Array, axis: int) -> Array:
    """Rounded: patterns whose sums are equal must tie, whatever their last bits say."""
    return np.asarray(np.round(np.abs(differences.sum(axis=axis)), 9), dtype=float)


def bootstrap_p(draws: BootstrapDraws, weights: Sequence[float]) -> float:
    """Two-sided p of a contrast: twice the smaller share of replicates on either side of 0, with + 1 (Davison and
    Hinkley 1997, section 4.4). Replicates are widened like the interval, because two seeds that agree by luck would
    leave none on the other side."""
    replicates = apply_small_sample_correction(draws, weights)
    tail = min(int((replicates <= 0).sum()), int((replicates >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(replicates) + 1))


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two arms' accuracies. p is below .05 only if the interval leaves out 0, and the other way. With
    several looks p is this look's own, and the same holds for their nominal level."""

    interval: Interval
    p: float | None  # None: these seeds cannot tell
    test: str  # where p comes from, or why there is none


ONE_TRAINING_SEED = "none: one training seed"


def compare_arms(
    blocks: Sequence[TaskScores],
    draws: BootstrapDraws,
    first: int,
    second: int,
    same_checkpoint: bool,
    trained: bool = True,
) -> Difference:
    """accuracy(first) - accuracy(second). `trained`: at least one of the arms was trained."""
    counts = {b.scores.shape[1] for b in blocks}
    weights = [float(i == first) - float(i == second) for i in range(len(draws.estimate))]
    if counts != {1} and (error := estimate_error(blocks, draws, np.array(weights), paired=same_checkpoint)):
        return _invert_t(draws, float(draws.estimate @ np.array(weights)), error, 1.0, paired=same_checkpoint)
    found = estimate_contrast(draws, weights)
    if counts == {1}:
        if trained and not same_checkpoint:
            return Difference(found, None, ONE_TRAINING_SEED)
        return _reconcile(found, *_test_on_items(blocks, first, second, same_checkpoint), draws, weights)
    return _reconcile(found, bootstrap_p(draws, weights), "bootstrap over seeds and items", draws, weights)


def _test_on_items(blocks: Sequence[TaskScores], first: int, second: int, same_checkpoint: bool) -> tuple[float, str]:
    """p of arms with one seed, about the draw of items, and the name of the test."""
    plain = all(b.completions == 1 and len(b.clusters) == b.clusters.max() + 1 for b in blocks)
    plain = plain and all(np.isin(b.scores, (0, 1)).all() for b in blocks)
    sizes = {b.scores.shape[2] for b in blocks}
    if same_checkpoint and plain and len(sizes) == 1:  # pooled items have the weights of the macro average
        gaps = np.concatenate([b.scores[first, 0] - b.scores[second, 0] for b in blocks])
        return mcnemar_mid_p(int((gaps > 0).sum()), int((gaps < 0).sum())), "McNemar mid-p over items"
    return sign_flip_p(np.concatenate([_cluster_gaps(b, first, second) for b in blocks])), "sign flips over items"


def compare_contrast(blocks: Sequence[TaskScores], draws: BootstrapDraws, weights: Array, trained: bool) -> Difference:
    """A weighted sum of the accuracies of more than two separately trained arms, such as a Shapley value."""
    found = estimate_contrast(draws, list(weights))
    if trained and draws.seeds == 1:
        return Difference(found, None, ONE_TRAINING_SEED)
    if error := estimate_error(blocks, draws, weights):
        return _invert_t(draws, found.value, error, float(np.abs(weights).sum() / 2))
    test = "bootstrap over seeds and items" if draws.seeds > 1 else "bootstrap over items"
    return _reconcile(found, bootstrap_p(draws, list(weights)), test, draws, list(weights))


def _invert_t(
    draws: BootstrapDraws, value: float, error: ContrastError, bound: float, paired: bool = False
) -> Difference:
    """The interval of a t test, and its p, with an error that is not below what the narrowest interval stands for."""
    interval, error = invert_t(value, error, narrowest_half_width(draws, bound), draws.level)
    test = "t over paired seeds and items" if paired else "Welch over seeds and items"
    return Difference(interval, error.compute_p(value), test)


def _reconcile(found: Interval, p: float, test: str, draws: BootstrapDraws, weights: Sequence[float]) -> Difference:
    """Where the interval of the bootstrap and p disagree about 0, the more cautious of the two counts."""
    if found.low <= 0 <= found.high and p < draws.level:
        p = max(bootstrap_p(draws, weights), draws.level)
    elif p >= draws.level:
        found = Interval(found.value, min(found.low, 0.0), max(found.high, 0.0))
    return Difference(found, p, test)


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction for this many comparisons.

    Written here because statsmodels' multipletests collects garbage at each call, which takes 0.1 s beside a model."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return [float(value) for value in adjusted]


def _cluster_gaps(block: TaskScores, first: int, second: int) -> Array:
    """The contribution of each cluster to the difference of accuracies on this task."""
    gaps = (block.scores[first] - block.scores[second]).mean(axis=0) / len(block.clusters)
    return np.asarray(np.bincount(block.clusters, weights=gaps), dtype=float)


ASSUMED_DISCORDANCE = 0.25  # share of items that exactly one of two arms gets right, about that of the paper's own arms
ASSUMED_SEED_SD = 0.015  # of one arm's accuracy over training seeds; small RL runs show 1-2 points
ASSUMED_ITEM_SHARE = 0.5  # share of the discordance that belongs to the item; the rest varies by completion and seed
POWER_Z = 0.8416212335729143  # the normal quantile of 80% power
TARGET_DIFFERENCE = 0.05  # the difference for which a forecast says what is needed


def standard_error(items: float, completions: int = 1, seeds: int = 1, tasks: int = 1) -> tuple[float, float]:
    """Standard errors of a paired difference: (from items, from training seeds).

    Items: sqrt(ASSUMED_DISCORDANCE / items), from the variance of a mean of -1, 0, +1. Repeated draws average out the
    share that is not ASSUMED_ITEM_SHARE. Seeds: sqrt(2 ASSUMED_SEED_SD^2 / (seeds tasks)) for two arms trained
    separately; 0 with one seed, where it cannot be seen. `items` counts the items of all tasks, spread evenly."""
    share = ASSUMED_ITEM_SHARE + (1 - ASSUMED_ITEM_SHARE) / (completions * seeds)
    return math.sqrt(ASSUMED_DISCORDANCE * share / items), math.sqrt(
        2 / (seeds * tasks)
    ) * ASSUMED_SEED_SD if seeds > 1 else 0.0


def detectable_difference(items: float, completions: int = 1, seeds: int = 1, tasks: int = 1) -> float:
    """The true difference that is significant (two-sided 5%) with 80% power: half an interval and t_power x standard
    error."""
    from scipy.stats import t

    of_items, of_seeds = standard_error(items, completions, seeds, tasks)
    total = math.hypot(of_items, of_seeds)
    if of_seeds == 0:
        return (Z + POWER_Z) * total
    by_seed, by_item = 2 * (seeds - 1) * tasks, max(items - 1, 1)
    degrees = total**4 / (of_seeds**4 / by_seed + of_items**4 / by_item)
    error = ContrastError(total, degrees, of_seeds, by_seed, of_items, by_item)
    return error.compute_half_width(0.05) + float(t.ppf(0.8, degrees)) * total


def items_needed(difference: float, completions: int = 1, seeds: int = 1, tasks: int = 1) -> int | None:
    """The fewest items (to two digits) that make `difference` detectable; None if more seeds are needed instead."""
    items = 10.0
    while items < 1e6:
        if detectable_difference(items, completions, seeds, tasks) <= difference:
            return round_up(items)
        items *= 1.02
    return None


def seeds_needed(difference: float, items: float, completions: int = 1, tasks: int = 1) -> int | None:
    """The fewest seeds, from 2 to 50, that make `difference` detectable; None if more items are needed instead."""
    fits = (s for s in range(2, 51) if detectable_difference(items, completions, s, tasks) <= difference)
    return next(fits, None)


def describe_needed_sample_size(distance: float, items: int, seeds: int, error: float, of_items: float) -> str:
    """What would shrink an interval to the `distance` between its estimate and a margin, if the estimate stayed.

    `error` is the total standard error, and `of_items` the part of it that comes from the draw of items."""
    target = (distance / Z) ** 2
    if target < 1e-12:
        return "the difference is at the margin itself: no number of items settles it"
    of_seeds, ways = max(error**2 - of_items**2, 0.0), []
    if target > of_seeds:
        ways.append(f"about {round_up(max(items * of_items**2 / (target - of_seeds), items + 1))} items")
    if seeds > 1 and target > of_items**2:
        ways.append(f"about {max(math.ceil(seeds * of_seeds / (target - of_items**2)), seeds + 1)} seeds")
    more = max(error**2 / target, 1.0)  # by this factor if both grow together
    both = f"about {round_up(items * more)} items with {math.ceil(seeds * more)} seeds"
    return f"{' or '.join(ways) or both} would settle it (now {items} items, {seeds} seed{'s' * (seeds != 1)})"


def describe_power(items: int, completions: int, seeds: int, tasks: int = 1) -> str:
    """One line before anything is spent: what is detectable, and what TARGET_DIFFERENCE would take."""
    found = detectable_difference(items, completions, seeds, tasks)
    line = (
        f"{items} test items x {completions} completions x {seeds} seed{'s' * (seeds > 1)}: a true difference of"
        f" {100 * found:.1f} points would be found four times in five (a guess: two arms differ on"
        f" {ASSUMED_DISCORDANCE:.0%} of the items"
        + (f", training noise {100 * ASSUMED_SEED_SD:g} points)" if seeds > 1 else ", training noise not counted)")
    )
    if found <= TARGET_DIFFERENCE:
        return line + "."
    more = items_needed(TARGET_DIFFERENCE, completions, seeds, tasks)
    ways = [f"{more} items"] if more else []
    again = seeds_needed(TARGET_DIFFERENCE, items, completions, tasks)
    ways += [f"{again} seeds"] if again and again > seeds else []
    needed = " or ".join(ways) or "both more items and more seeds"
    return f"{line}; {100 * TARGET_DIFFERENCE:g} points would take {needed}."


def round_up(count: float) -> int:
    """Rounded up to two digits, because a forecast is not more precise."""
    unit = 10 ** max(len(str(int(count))) - 2, 0)
    return math.ceil(count / unit) * unit
