"""The difference that a bench can detect, before it runs: items x completions x seeds under assumptions about noise.

The assumptions are the constants below. Once there are outcomes, a run's own intervals replace them.
"""

from __future__ import annotations

import math

from openrft.bench.statistics import Z

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
    """The true difference that is significant (two-sided 5%) with 80% power: (t + t_power) x standard error."""
    from scipy.stats import t

    of_items, of_seeds = standard_error(items, completions, seeds, tasks)
    total = math.hypot(of_items, of_seeds)
    if of_seeds == 0:
        return (Z + POWER_Z) * total
    degrees = total**4 / (of_seeds**4 / (2 * (seeds - 1) * tasks) + of_items**4 / max(items - 1, 1))
    return float(t.ppf(0.975, degrees) + t.ppf(0.8, degrees)) * total


def items_needed(difference: float, completions: int = 1, seeds: int = 1, tasks: int = 1) -> int | None:
    """The fewest items (to two digits) that make `difference` detectable; None if more seeds are needed instead."""
    items = 10.0
    while items < 1e6:
        if detectable_difference(items, completions, seeds, tasks) <= difference:
            return _round_up(items)
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
        ways.append(f"about {_round_up(max(items * of_items**2 / (target - of_seeds), items + 1))} items")
    if seeds > 1 and target > of_items**2:
        ways.append(f"about {max(math.ceil(seeds * of_seeds / (target - of_items**2)), seeds + 1)} seeds")
    more = max(error**2 / target, 1.0)  # by this factor if both grow together
    both = f"about {_round_up(items * more)} items with {math.ceil(seeds * more)} seeds"
    return f"{' or '.join(ways) or both} would settle it (now {items} and {seeds})"


def describe_power(items: int, completions: int, seeds: int, tasks: int = 1) -> str:
    """One line before anything is spent: what is detectable, and what TARGET_DIFFERENCE would take."""
    found = detectable_difference(items, completions, seeds, tasks)
    line = (
        f"{items} test items x {completions} completions x {seeds} seed{'s' * (seeds > 1)}: a true difference of"
        f" {100 * found:.1f} points would be found (80% power, {ASSUMED_DISCORDANCE:.0%} of items discordant"
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


def _round_up(count: float) -> int:
    """Rounded up to two digits, because a forecast is not more precise."""
    unit = 10 ** max(len(str(int(count))) - 2, 0)
    return math.ceil(count / unit) * unit
