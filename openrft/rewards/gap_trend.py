"""The trend of a gap over steps: Theil and Sen's line with an interval that allows for dependent steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from openrft.rewards.gap import RewardGap

Floats = NDArray[np.float64]
MIN_POINTS = 6  # Sen's interval of fewer hardly ever leaves out 0
MOST_POINTS = 100  # of more, neighbours are averaged: the line goes through all pairs of points
LEVEL = 0.95
TRAINING, HELD_BACK = "gap.", "holdback.gap."  # how the columns begin


def find_reward_gaps(rows: Sequence[Mapping[str, Any]]) -> tuple[RewardGap, ...]:
    """The gap of every source in the log of an RL run, on held-back questions first. None with too few steps."""
    found = []
    for prefix in (HELD_BACK, TRAINING):
        for column in dict.fromkeys(name for row in rows for name in row if name.startswith(prefix)):
            points = [(row["step"], row[column]) for row in rows if column in row]
            if len(points) >= MIN_POINTS:
                found.append(fit_gap(column.removeprefix(prefix), prefix == HELD_BACK, points))
    return tuple(found)


def fit_gap(source: str, held_back: bool, points: Iterable[tuple[float, float]]) -> RewardGap:
    """The line through (step, gap) points; at least MIN_POINTS."""
    steps, gaps = np.array(list(points), dtype=np.float64).T
    x, y = average_neighbours(steps), average_neighbours(gaps)
    slope, low, high = estimate_trend(x, y)
    span = float(steps[-1] - steps[0])
    start = float(np.median(y - slope * x)) + slope * float(steps[0])
    return RewardGap(source, held_back, len(steps), round(span), start, slope * span, low * span, high * span)


def average_neighbours(values: Floats) -> Floats:
    """At most MOST_POINTS means of neighbours, of sizes that differ by one at most."""
    if len(values) <= MOST_POINTS:
        return values
    return np.array([part.mean() for part in np.array_split(values, MOST_POINTS)])


def estimate_trend(x: Floats, y: Floats) -> tuple[float, float, float]:
    """(slope, low, high) of y over x: the median of the slopes of all pairs, with Sen's 95% interval (Sen 1968).

    Sen's interval is that of independent points. Steps are not quite: the policy wanders, and a batch resembles the
    last. So it is widened by sqrt((1 + r) / (1 - r)), the factor of the standard error under first-order
    autocorrelation r (Bayley and Hammersley 1946). r is that of the residuals about a cubic, because rewards are often
    hacked late and fast, and about a line such growth itself would pass for dependence. The bias of so short a series,
    about -(3 + 6 r) / n, is taken away, and r is not below 0.

    In simulation of normal noise without growth the lower end is above 0 in 2.5 to 5% of series, for 8 to 30 steps and
    an autocorrelation of 0 to 0.5. Without the widening it is 13% at 30 steps and 0.5.
    """
    slope, _, low, high = theilslopes(y, x, alpha=LEVEL)
    at = np.linspace(-1, 1, len(y))
    r = autocorrelate(y - np.polyval(np.polyfit(at, y, 3), at))
    r = min(max(r + (3 + 6 * max(r, 0.0)) / len(y), 0.0), 0.9)
    wider = float(np.sqrt((1 + r) / (1 - r)))
    return float(slope), float(slope - (slope - low) * wider), float(slope + (high - slope) * wider)


def autocorrelate(values: Floats) -> float:
    """First-order autocorrelation; 0 for constant values."""
    centred = values - values.mean()
    total = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / total if total > 1e-18 else 0.0
