"""Kappa, shares and correlations on numbers worked by hand, and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_graders.rubric.agreement import (
    compare_opinions,
    compute_kappa,
    correlate_with_length,
    estimate_mean,
    sum_by_question,
)

YES, NO = True, False


def test_kappa_by_hand() -> None:
    # 20 both yes, 5 first only, 10 second only, 15 both no: observed .7; yes in 25 and 30 of 50, so expected
    # .5 * .6 + .5 * .4 = .5; kappa (.7 - .5) / (1 - .5) = .4.
    assert compute_kappa(np.array([20.0, 5, 10, 15])) == pytest.approx(0.4)
    assert np.isnan(compute_kappa(np.array([9.0, 0, 0, 0])))
    assert compute_kappa(np.array([3.0, 0, 0, 4])) == 1
    assert compute_kappa(np.array([0.0, 2, 2, 0])) == -1


PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30)


@settings(max_examples=40, deadline=None)
@given(PAIRS)
def test_kappa_compares_disagreement_with_that_of_shuffled_opinions(pairs: list[tuple[bool, bool]]) -> None:
    """Kappa is 1 - D / E, with D the share of pairs that differ and E that of all pairs of any two answers."""
    first, second = ([side] for side in zip(*pairs, strict=True))
    found = compare_opinions(first, second, ["q"])
    assert found.verdicts == len(pairs)
    assert found.differ.value == pytest.approx(sum(a != b for a, b in pairs) / len(pairs))
    if len({*first[0], *second[0]}) == 1:
        assert found.kappa is None
    else:
        assert found.kappa is not None
        shuffled = [a != b for a in first[0] for b in second[0]]
        assert found.kappa.value == pytest.approx(1 - found.differ.value / (sum(shuffled) / len(shuffled)))
        assert found.kappa.low == found.kappa.value == found.kappa.high  # one question has nothing to resample


def test_whole_questions_are_resampled() -> None:
    """Ten answers to one of two questions say no more of the spread than one."""
    agree, differ = ((YES, NO), (YES, NO)), ((YES, NO), (NO, YES))
    once = [agree, differ]
    tenfold = [agree] * 10 + [differ] * 10
    found = [
        compare_opinions(
            [a for a, _ in rows], [b for _, b in rows], [str(i // (len(rows) // 2)) for i in range(len(rows))]
        )
        for rows in (once, tenfold)
    ]
    assert found[0].questions == found[1].questions == 2
    assert found[0].kappa is not None
    assert found[0].kappa == found[1].kappa
    assert (found[0].kappa.value, found[0].kappa.low, found[0].kappa.high) == (0, -1, 1)


def test_the_interval_covers_the_truth() -> None:
    """Verdicts of two raters who each get a true verdict wrong in 10% of cases: kappa of .64 in the long run."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(60):
        truth = rng.random((40, 5)) < 0.5
        first, second = (truth ^ (rng.random(truth.shape) < 0.1) for _ in range(2))
        rows = [[tuple(map(bool, row)) for row in side] for side in (first, second)]
        kappa = compare_opinions(*rows, [str(i) for i in range(40)]).kappa
        assert kappa is not None
        covered += kappa.low <= 0.64 <= kappa.high  # 2 * (.9 * .9 + .1 * .1) - 1
    assert 53 <= covered <= 60


def test_means_and_sums() -> None:
    assert sum_by_question(np.array([[1.0], [2], [4]]), ["b", "a", "b"]).tolist() == [[5], [2]]
    found = estimate_mean([0.5, 0.1, 0.0], ["a", "b", "b"])
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.05), pytest.approx(0.5))
    same = estimate_mean([0.0] * 5, list("abcde"))
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_length_is_compared_among_answers_that_are_equally_right() -> None:
    # Right answers are longer and score more, but neither among the right nor among the wrong does length matter.
    scores = [0.9, 0.8, 0.8, 0.9, 0.1, 0.2, 0.2, 0.1]
    lengths = [90, 80, 90, 80, 10, 20, 10, 20]
    correct: list[bool | None] = [True] * 4 + [False] * 4
    questions = list("abcdefgh")
    given_truth = correlate_with_length(scores, lengths, correct, questions)
    assert given_truth is not None
    assert given_truth.value == pytest.approx(0)
    unknown = correlate_with_length(scores, lengths, [None] * 8, questions)
    assert unknown is not None
    assert unknown.value > 0.7
    assert unknown.low > 0


def test_a_correlation_by_hand_and_none_without_spread() -> None:
    # Ranks 1, 2, 3 and 1, 3, 2: Spearman's rho 1 - 6 * 2 / (3 * 8) = .5.
    found = correlate_with_length([0.1, 0.2, 0.3], [10, 30, 20], [True] * 3, list("abc"))
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert correlate_with_length([0.5, 0.5], [1, 2], [True] * 2, list("ab")) is None
    assert correlate_with_length([0.1, 0.2], [3, 3], [None] * 2, list("ab")) is None
