from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm, t

from openrft.bench.contrast_error import ContrastError, contrast_error, invert_t

GAP = np.array([-1.0, 1])


def make_error(of_seeds: float, seeds_freedom: float, of_items: float, items_freedom: float) -> ContrastError:
    parts = [(of_seeds**2, seeds_freedom), (of_items**2, items_freedom)]
    total = sum(variance for variance, _ in parts)
    freedom = total**2 / sum(variance**2 / own for variance, own in parts)
    return ContrastError(math.sqrt(total), freedom, of_seeds, seeds_freedom, of_items, items_freedom)


def test_two_seeds_of_great_luck_worked_by_hand() -> None:
    # Vanilla .3 and .3, an arm .5 and .6: the luck of seeds has the error .05 and one degree of freedom, t = 12.7062.
    # The draw of items has the error .02. With f = 1 the other source drops out of the bound: 12.7062 x .05.
    made = contrast_error(np.array([[[0.3, 0.3], [0.5, 0.6]]]), GAP, (0.02**2, 99))
    assert (made.of_seeds, made.seeds_freedom, made.of_items) == (pytest.approx(0.05), pytest.approx(1), 0.02)
    assert made.compute_half_width(0.05) == pytest.approx(0.63531, abs=1e-5)
    assert made.compute_p(0.63531) == pytest.approx(0.05, abs=1e-5)
    assert made.compute_p(0.0) == 1.0
    assert made.compute_lower_p(-0.63531) == pytest.approx(0.025, abs=1e-5)
    assert made.compute_lower_p(0.63531) == pytest.approx(0.975, abs=1e-5)
    # Without noise of items it is the t test on two seeds: t = .25 / .05, and p = 1 - 2 atan(5) / pi
    alone = contrast_error(np.array([[[0.3, 0.3], [0.5, 0.6]]]), GAP)
    assert alone.compute_p(0.25) == pytest.approx(0.12567, abs=1e-5)


def test_three_seeds_worked_by_hand() -> None:
    # f = 2: t = 4.30265, t^2 = 18.5128, and (f - 1) / (f + t^2) = 1 / 20.5128. Seeds .03, items .01:
    # sqrt(18.5128 (.0009 + .0001 / 20.5128)) = .12943. Welch alone: 2.47 degrees of freedom, 3.61 x .03162 = .1143
    made = make_error(0.03, 2, 0.01, 1000)
    assert made.freedom == pytest.approx(0.001**2 / (0.0009**2 / 2 + 0.0001**2 / 1000))
    assert made.compute_half_width(0.05) == pytest.approx(0.12943, abs=1e-5)
    assert float(t.isf(0.025, made.freedom)) * made.error == pytest.approx(0.1143, abs=1e-3)
    assert made.compute_p(0.12943) == pytest.approx(0.05, abs=1e-5)


def test_luck_that_is_small_beside_the_draw_of_items_leaves_welch() -> None:
    made = make_error(0.01, 2, 0.04, 239)
    assert made.compute_half_width(0.05) == float(t.isf(0.025, made.freedom)) * made.error


FREEDOMS, ERRORS = st.floats(1, 300), st.floats(1e-4, 0.3)


@settings(max_examples=60, deadline=None)
@given(ERRORS, FREEDOMS, ERRORS, FREEDOMS, st.sampled_from([0.2, 0.05, 0.0125, 0.001]))
def test_p_is_the_level_at_which_the_interval_reaches_the_distance(
    seeds: float, by_seed: float, items: float, by_item: float, level: float
) -> None:
    made = make_error(seeds, by_seed, items, by_item)
    half = made.compute_half_width(level)
    assert made.compute_p(half) == pytest.approx(level, rel=1e-6)
    assert made.compute_p(-1.01 * half) < level < made.compute_p(0.99 * half)
    assert half >= float(t.isf(level / 2, made.freedom)) * made.error * (1 - 1e-12)


def compute_size(by_seed: float, by_item: float, share: float, points: int = 16) -> float:
    """How often the interval leaves out the truth if `share` of the variance comes from seeds: exactly, but for a
    quadrature over what the two sources' variances were estimated as."""
    grid = (np.arange(points) + 0.5) / points
    misses = [
        2 * norm.sf(make_error(seeds, by_seed, items, by_item).compute_half_width(0.05))
        for seeds in np.sqrt(share * chi2.ppf(grid, by_seed) / by_seed)
        for items in np.sqrt((1 - share) * chi2.ppf(grid, by_item) / by_item)
    ]
    return float(np.mean(misses))


@pytest.mark.parametrize(
    ("by_seed", "least"), [(1, 0.02), (2, 0.041), (3, 0.047), (4, 0.047), (8, 0.048)], ids=lambda value: f"{value:g}"
)
def test_the_truth_is_left_out_as_often_as_promised_whatever_the_share_of_luck(by_seed: float, least: float) -> None:
    for share in (0.2, 0.5, 0.9):
        assert least < compute_size(by_seed, 239, share) < 0.052


def test_an_interval_is_never_narrower_than_its_least() -> None:
    narrow = make_error(0.001, 2, 0.001, 50)
    interval, error = invert_t(0.1, narrow, narrowest=0.05)
    assert (interval.low, interval.high) == pytest.approx((0.05, 0.15))
    assert error.compute_half_width(0.05) == pytest.approx(0.05)
    assert error.compute_p(0.05) == pytest.approx(0.05)
    wide = make_error(0.01, 4, 0.01, 50)
    assert invert_t(0.1, wide, narrowest=0.0)[1] == wide
