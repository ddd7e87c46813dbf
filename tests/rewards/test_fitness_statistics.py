"""Statistics of ranking on numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from openrft.rewards import fitness_statistics


def test_auroc_by_hand_ties_count_half():
    scores, correct = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert fitness_statistics.compute_auroc(scores, correct) == 3.5 / 4  # .9 beats both, .5 beats .1 and ties with .5
    assert fitness_statistics.compute_auroc(np.ones(4), correct) == 0.5
    assert math.isnan(fitness_statistics.compute_auroc(scores, np.ones(4, dtype=bool)))


def test_within_groups_ignores_questions_that_are_all_right_or_all_wrong():
    scores, correct = np.array([0.9, 0.1, 0.8, 0.2, 0.3]), np.array([True, False, True, True, False])
    wins = fitness_statistics.count_wins_within_groups(scores, correct, ["a", "a", "b", "c", "c"])
    assert wins.tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert set(fitness_statistics.bootstrap_within_groups(wins)) == {0.0, 0.5, 1.0}
    assert fitness_statistics.count_wins_within_groups(scores, correct, list("abcde")).shape == (0, 2)


def test_the_interval_covers_chance_for_noise_and_not_for_signal():
    rng = np.random.default_rng(0)
    correct, groups = rng.random(400) < 0.5, [str(i // 4) for i in range(400)]
    low, high = fitness_statistics.percentile_interval(
        fitness_statistics.bootstrap_auroc(rng.random(400), correct, groups)
    )
    assert low < 0.5 < high
    low, high = fitness_statistics.percentile_interval(
        fitness_statistics.bootstrap_auroc(rng.random(400) + correct, correct, groups)
    )
    assert low > 0.9


def test_the_interval_leaves_out_resamples_of_one_kind():
    assert fitness_statistics.percentile_interval(np.array([0.2, math.nan, 0.2])) == (0.2, 0.2)
    assert fitness_statistics.percentile_interval(np.arange(101.0), level=0.9) == (pytest.approx(5), pytest.approx(95))


def test_calibration_error_by_hand():
    scores, correct = np.array([0.2, 0.2, 0.8, 0.8]), np.array([False, False, True, False])
    assert fitness_statistics.compute_calibration_error(scores, correct, bins=2) == pytest.approx((0.2 + 0.3) / 2)


def test_rank_correlation():
    a = np.array([1.0, 2.0, 3.0])
    assert fitness_statistics.compute_rank_correlation(a, a**3) == pytest.approx(1)
    assert fitness_statistics.compute_rank_correlation(a, -a) == pytest.approx(-1)
    assert fitness_statistics.compute_rank_correlation(a, np.ones(3)) == 0
