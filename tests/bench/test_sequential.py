"""Levels for several looks: against printed tables, by simulation, and as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from openrft.bench.sequential import LEVEL, adjust_for_looks, crossing_probability, nominal_level

LOOKS = tuple(range(3, 11))


@pytest.mark.parametrize(("count", "bound"), [(1, 1.960), (2, 2.178), (3, 2.289), (5, 2.413), (8, 2.512), (10, 2.555)])
def test_bounds_are_those_of_pococks_table(count, bound):
    """Jennison and Turnbull 2000, table 2.1, alpha .05: equal steps of information."""
    assert norm.isf(nominal_level(tuple(range(1, count + 1))) / 2) == pytest.approx(bound, abs=6e-4)


def test_crossing_probability_agrees_with_random_walks():
    steps = np.random.default_rng(0).normal(size=(40_000, LOOKS[-1]))
    sums = steps.cumsum(axis=1)[:, [look - 1 for look in LOOKS]]
    z = np.abs(sums / np.sqrt(LOOKS))
    for bound in (1.5, 2.0, 2.44):
        share = (z.max(axis=1) >= bound).mean()
        assert crossing_probability(bound, LOOKS) == pytest.approx(share, abs=4 * np.sqrt(share / 40_000))


def test_one_look_changes_nothing():
    assert nominal_level(()) == nominal_level((5,)) == LEVEL
    assert adjust_for_looks(0.03, ()) == adjust_for_looks(0.03, (5,)) == 0.03


@settings(max_examples=40)
@given(st.floats(0, 1), st.sets(st.integers(1, 12), min_size=2))
def test_an_adjusted_p_is_larger_keeps_its_order_and_is_below_the_level_as_the_look_is(p, looks):
    looks = tuple(sorted(looks))
    found = adjust_for_looks(p, looks)
    assert p <= found <= min(1.0, len(looks) * p) + 1e-12
    assert found <= adjust_for_looks(min(1.0, 1.1 * p), looks) + 1e-9
    if abs(p - nominal_level(looks)) > 1e-6:
        assert (found < LEVEL) == (p < nominal_level(looks))
