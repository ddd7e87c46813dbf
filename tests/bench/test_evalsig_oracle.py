"""Our statistics against those of evalsig, which was written without them."""

from __future__ import annotations

import numpy as np
import pytest
from evalsig import holm, mde
from evalsig.inference.cluster_bootstrap import cluster_bootstrap_ci
from evalsig.inference.mcnemar import mcnemar_test
from evalsig.inference.paired import paired_permutation_test
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.multitest import multipletests

from openrft.bench.significance import (
    ASSUMED_DISCORDANCE,
    adjust_holm,
    detectable_difference,
    mcnemar_mid_p,
    sign_flip_p,
)
from openrft.bench.statistics import TaskScores, estimate_contrast, resample


def scores(seed, items=200, gap=0.08):
    """Two arms' mean scores over three completions, alike on items."""
    draw = np.random.default_rng(seed)
    ability = draw.random(items)
    return tuple(draw.binomial(3, np.clip(ability + shift, 0, 1)) / 3 for shift in (0, gap))


@given(st.integers(0, 12), st.integers(0, 12))
def test_mcnemars_exact_p_is_mid_p_and_half_of_what_is_as_extreme(first, second):
    pairs = [(1, 0)] * first + [(0, 1)] * second + [(1, 1)] * 5
    a, b = np.array(pairs).T
    exact = mcnemar_test(a, b).p_value
    fewer, n = min(first, second), first + second
    if first == second:  # evalsig's two-sided p counts the middle table twice, and is cut off at 1
        assert exact == 1.0
    else:
        assert mcnemar_mid_p(first, second) == pytest.approx(exact - binom.pmf(fewer, n, 0.5))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm(p_values):
    assert adjust_holm(p_values) == pytest.approx(holm(np.array(p_values)).p_adjusted)


def test_holm_is_that_of_statsmodels_to_the_bit():
    p_values = [0.2, 0.01, 0.04, 0.01, 0.9, 1e-9]
    assert adjust_holm(p_values) == list(multipletests(p_values, method="holm")[1])
    assert adjust_holm([]) == []


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_sign_flips(seed):
    # Whole numbers: evalsig compares sums without a tolerance, and thirds would part sums that are equal.
    a, b = (np.rint(3 * x) for x in scores(seed))
    theirs = paired_permutation_test(a, b, n_resamples=4000).p_value
    error = np.sqrt(theirs * (1 - theirs) / 4000) + 1e-3
    assert sign_flip_p(b - a) == pytest.approx(theirs, abs=5 * error)


@pytest.mark.parametrize("size", [1, 4])
def test_intervals_over_clusters(size):
    a, b = scores(7)
    clusters = np.arange(len(a)) // size
    theirs = cluster_bootstrap_ci(a, b, clusters, n_resamples=2000)
    ours = estimate_contrast(resample([TaskScores(np.array([a, b])[:, None], clusters, 3)]), [-1.0, 1.0])
    assert ours.value == pytest.approx(theirs.delta)
    width = theirs.ci[1] - theirs.ci[0]
    assert (ours.low, ours.high) == pytest.approx(theirs.ci, abs=0.07 * width)


def test_the_detectable_difference_of_one_seed():
    theirs = mde(np.sqrt(ASSUMED_DISCORDANCE), 500).mde
    assert detectable_difference(500) == pytest.approx(theirs)
