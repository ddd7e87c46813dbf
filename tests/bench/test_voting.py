"""The estimators at k against the mean over every subset of k, and by hand."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrft.bench.voting import (
    MOST_SUBSETS,
    estimate_maj_at_k,
    estimate_pass_at_k,
    estimate_rm_at_k,
    estimate_weighted_vote_at_k,
)

# A completion: its score, its answer (None: unreadable, which scores 0) and its mark.
SCORES, MARKS = st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.25, 0.5, 1.0])
COMPLETIONS = st.lists(st.tuples(SCORES, st.none() | st.integers(0, 3), MARKS), min_size=1, max_size=7)


def vote(values, votes, weights, chosen):
    """The score of the answer with the most weight among the chosen completions; ties share."""
    sums = defaultdict(float)
    for i in chosen:
        if votes[i] is not None:
            sums[votes[i]] += weights[i]
    best = [answer for answer, total in sums.items() if total == max(sums.values())]
    return fmean(fmean(v for v, own in zip(values, votes, strict=True) if own == a) for a in best) if best else 0.0


def best(values, marks, chosen):
    """The mean score of the chosen completions with the highest mark."""
    return fmean(values[i] for i in chosen if marks[i] == max(marks[j] for j in chosen))


@given(COMPLETIONS)
@settings(max_examples=150, deadline=None)
def test_each_estimate_is_the_mean_over_all_subsets(completions):
    values, votes, marks = zip(*completions, strict=True)
    for k in range(1, len(values) + 1):
        subsets = list(itertools.combinations(range(len(values)), k))
        assert estimate_pass_at_k(values, k) == pytest.approx(fmean(max(values[i] for i in s) for s in subsets))
        assert estimate_rm_at_k(values, marks, k) == pytest.approx(fmean(best(values, marks, s) for s in subsets))
        equal = [1.0] * len(values)
        assert estimate_maj_at_k(values, votes, k) == pytest.approx(
            fmean(vote(values, votes, equal, s) for s in subsets)
        )
        weighted = fmean(vote(values, votes, marks, s) for s in subsets)
        assert estimate_weighted_vote_at_k(values, votes, marks, k) == pytest.approx(weighted)


@given(st.integers(1, 40), st.data())
@settings(max_examples=50, deadline=None)
def test_pass_at_k_is_the_formula_of_its_paper(n, data):
    right, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    found = estimate_pass_at_k([1.0] * right + [0.0] * (n - right), k)
    assert found == pytest.approx(1 - math.comb(n - right, k) / math.comb(n, k))


def test_by_hand():
    # Two of three completions are right. Of the three pairs one is both right; in the two others the votes tie.
    assert estimate_maj_at_k([1, 1, 0], [0, 0, 1], 2) == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert estimate_maj_at_k([1, 1, 0], [0, 0, 1], 3) == 1
    assert estimate_pass_at_k([1, 1, 0], 2) == 1
    # The wrong one is marked highest and wins the two pairs that it is in.
    assert estimate_rm_at_k([1, 1, 0], [0.2, 0.3, 0.9], 2) == pytest.approx(1 / 3)
    # An unreadable completion has no vote, so one vote decides the pairs that it is in.
    assert estimate_maj_at_k([1, 0, 0], [0, None, None], 2) == pytest.approx(2 / 3)
    assert estimate_maj_at_k([0, 0], [None, None], 2) == 0
    # One sure completion outweighs two unsure ones.
    assert estimate_weighted_vote_at_k([0, 0, 1], [0, 0, 1], [0.2, 0.2, 0.9], 3) == 1


def test_at_k_of_1_a_vote_is_the_accuracy():
    values, votes = [1.0, 0.0, 0.0, 1.0, 0.0], [0, 1, None, 0, 2]
    assert estimate_maj_at_k(values, votes, 1) == pytest.approx(fmean(values)) == estimate_pass_at_k(values, 1)


def test_many_completions_are_counted_exactly_and_drawn_subsets_are_close():
    rng = np.random.default_rng(0)
    votes = [int(v) for v in rng.choice(4, size=64, p=[0.4, 0.3, 0.2, 0.1])]
    values = [float(v == 0) for v in votes]
    drawn = [vote(values, votes, [1.0] * 64, rng.choice(64, 9, replace=False)) for _ in range(4000)]
    exact = estimate_maj_at_k(values, votes, 9)
    assert exact == pytest.approx(fmean(drawn), abs=4 * np.std(drawn) / math.sqrt(len(drawn)))
    assert math.comb(64, 9) > MOST_SUBSETS
    assert estimate_weighted_vote_at_k(values, votes, [1.0] * 64, 9) == pytest.approx(exact, abs=0.06)
    assert estimate_maj_at_k(values, votes, 64) == 1


@pytest.mark.parametrize(("k", "votes"), [(0, [0]), (2, [0]), (1, [0, 1])])
def test_what_cannot_be_estimated_is_refused(k, votes):
    with pytest.raises(ValueError, match="completions"):
        estimate_maj_at_k([1.0], votes, k)
