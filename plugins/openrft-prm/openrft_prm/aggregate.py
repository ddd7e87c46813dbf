"""f: from the scores of the steps to one score. The same formulas as the core's `explore.f`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Steps = Sequence[float]


def softmin(steps: Steps) -> float:
    """The mean of the steps weighted by exp(-score / 0.1)."""
    weights = [math.exp(-score / 0.1) for score in steps]
    return math.fsum(w * s for w, s in zip(weights, steps, strict=True)) / math.fsum(weights)


def mean(steps: Steps) -> float:
    return math.fsum(steps) / len(steps)


def last(steps: Steps) -> float:
    return steps[-1]


AGGREGATIONS: dict[str, Callable[[Steps], float]] = {
    "mean": mean,
    "min": min,
    "last": last,
    "product": math.prod,
    "softmin": softmin,
}


def aggregate(steps: Steps, f: str) -> float:
    """One score in [0, 1]; no steps at all score 0."""
    return AGGREGATIONS[f](steps) if steps else 0.0
