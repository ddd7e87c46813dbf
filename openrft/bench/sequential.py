"""Levels for a bench that looks at its results several times, and may stop at any of them.

Looking after each seed from 3 to 10 and stopping at the first p below .05 finds an effect that is not there three times
as often as 5%. So a bench that adds seeds states its looks beforehand, and its intervals are repeated confidence
intervals (Jennison and Turnbull 1989): with probability 95% every one of them holds the truth, at every look. Hence it
may stop for any reason: because the intervals are narrow enough, because a difference is shown, or because an arm
cannot become the best.

All looks have one bound for |z| (Pocock 1977), from the joint distribution of estimates whose information grows with
the seeds. Test items stay the same, which only makes the looks more alike than this assumes. With few seeds the bound's
two-sided level is given to the t distribution (Jennison and Turnbull 2000, section 4.4). A confidence sequence that
needs no largest number of seeds (Wang and Ramdas, arXiv 2310.03722) would be wider.
"""

from __future__ import annotations

import functools
import math

import numpy as np

LEVEL = 0.05  # one minus the coverage of intervals
NODES = 160  # of the quadrature; 320 change no result by 1e-9

Looks = tuple[int, ...]  # numbers of seeds at which a bench may stop, ascending; empty: it does not look before its end


@functools.lru_cache(maxsize=4096)
def crossing_probability(bound: float, looks: Looks) -> float:
    """P(|Z| >= bound at one look or more) if nothing is true, where Z at a look is a sum over that many seeds divided
    by its standard deviation.

    By numerical integration over the sum, look by look (Armitage, McPherson and Rowe 1969).
    """
    points, weights = np.polynomial.legendre.leggauss(NODES)
    inside, before = np.ones(1), 0
    grid = np.zeros(1)
    for look in looks:
        reach, gap = bound * math.sqrt(look), look - before
        new = points * reach
        kernel = np.exp(-((new[:, None] - grid) ** 2) / (2 * gap)) / math.sqrt(2 * math.pi * gap)
        inside = (kernel @ inside) * weights * reach  # the probability at each point, with its share of the axis
        grid, before = new, look
    return float(min(max(1 - inside.sum(), 0.0), 1.0))


@functools.lru_cache(maxsize=64)
def nominal_level(looks: Looks) -> float:
    """The level of each look's interval at which all of them together have `LEVEL`."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    if len(looks) < 2:
        return LEVEL
    most = float(norm.isf(LEVEL / 2 / len(looks)))  # Bonferroni's bound
    bound = brentq(lambda z: crossing_probability(z, looks) - LEVEL, float(norm.isf(LEVEL / 2)), most)
    return float(2 * norm.sf(bound))


def adjust_for_looks(p: float, looks: Looks) -> float:
    """A look's p as one that holds for all looks together: below `LEVEL` if and only if p is below `nominal_level`."""
    from scipy.stats import norm

    if len(looks) < 2 or p >= 1:
        return p
    if p < 1e-10:  # the integral is lost in rounding; no probability of crossing exceeds that of all looks added up
        return len(looks) * p
    return min(1.0, len(looks) * p, max(p, crossing_probability(float(norm.isf(p / 2)), looks)))
