"""The trend of reward minus grade: a line by hand, logs where the two part and where they do not, false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from openrft.rewards.gap import MIN_GROWTH, describe_growing_gap
from openrft.rewards.gap_trend import (
    MOST_POINTS,
    autocorrelate,
    average_neighbours,
    estimate_trend,
    find_reward_gaps,
    fit_gap,
)


def log(gaps, every=1, column="gap.prm"):
    rows = [{"step": step, "reward": 0.5} for step in range(len(gaps) * every)]
    for i, gap in enumerate(gaps):
        rows[i * every][column] = float(gap)
    return rows


def test_theil_and_sens_slope_by_hand():
    # slopes of the ten pairs of (0, 0), (1, 1), (2, 9), (3, 3), (4, 4): -6 -2.5 1 1 1 1 1 1 4.5 8
    slope, low, high = estimate_trend(np.arange(5.0), np.array([0.0, 1.0, 9.0, 3.0, 4.0]))
    assert slope == 1.0  # one wild point does not move it
    assert low < 0 < 2 < high  # five points show nothing at 95%


def test_a_gap_that_grows_in_a_line():
    gap = fit_gap("prm", False, [(2 * i, -0.1 + 0.02 * i) for i in range(11)])
    assert (gap.points, gap.steps) == (11, 20)
    assert gap.start == pytest.approx(-0.1)
    assert (gap.growth, gap.low, gap.high) == (pytest.approx(0.2),) * 3
    assert gap.grows
    assert describe_growing_gap(gap) == (
        "`prm` parts from the strict grade on its training questions: its reward minus the grade goes from -0.10 to"
        " +0.10 in 20 steps (+0.20 [+0.20, +0.20])"
    )


def test_a_trifle_does_not_warn_however_certain():
    assert not fit_gap("s", False, [(i, i * MIN_GROWTH / 10) for i in range(10)]).grows
    assert fit_gap("s", False, [(i, i * MIN_GROWTH / 8) for i in range(10)]).grows


def test_a_gap_that_shrinks_or_stands_does_not_warn():
    assert not fit_gap("s", False, [(i, -0.1 * i) for i in range(10)]).grows
    flat = fit_gap("s", False, [(i, 0.3) for i in range(10)])
    assert (flat.growth, flat.low, flat.high, flat.grows) == (0, 0, 0, False)


def test_gaps_of_a_log_held_back_first_and_none_of_too_few_points():
    rng = np.random.default_rng(0)
    rows = log(0.02 * np.arange(30) + rng.normal(0, 0.05, 30))
    for i, row in enumerate(log(0.1 * np.arange(6), every=5, column="holdback.gap.prm")):
        rows[i] |= row
    found = find_reward_gaps([{**row, **({"gap.rare": 1.0} if row["step"] < 5 else {})} for row in rows])
    assert [(gap.source, gap.held_back, gap.points, gap.grows) for gap in found] == [
        ("prm", True, 6, True),
        ("prm", False, 30, True),
    ]
    assert find_reward_gaps([]) == ()


def test_a_reward_that_is_hacked_late_and_fast():
    """The included policy with a reward for length: from step 8 on it writes on and on, and nothing is right."""
    gaps = [-0.245, -0.231, -0.314, -0.259, -0.311, -0.441, -0.272, -0.096, -0.026, 0.036, 0.45, 0.797]
    (found,) = find_reward_gaps(log(gaps))
    assert found.grows
    assert found.growth > 0.5


def test_long_logs_are_averaged():
    gap = fit_gap("s", False, [(i, 0.001 * i) for i in range(1001)])
    assert (gap.points, gap.steps, gap.growth) == (1001, 1000, pytest.approx(1.0))
    assert len(average_neighbours(np.arange(1001.0))) == MOST_POINTS
    assert average_neighbours(np.arange(float(2 * MOST_POINTS)))[0] == 0.5


def test_autocorrelation_by_hand():
    assert autocorrelate(np.array([1.0, -1.0, 1.0, -1.0])) == -3 / 4
    assert autocorrelate(np.ones(5)) == 0.0


@pytest.mark.parametrize(("steps", "dependence"), [(8, 0.0), (16, 0.3), (30, 0.0), (30, 0.4)])
def test_false_alarms_are_rarer_than_one_in_twenty(steps, dependence):
    rng, alarms, trials = np.random.default_rng(steps), 0, 300
    for _ in range(trials):
        noise = rng.normal(0, 0.1, steps + 20)
        for i in range(1, len(noise)):
            noise[i] += dependence * noise[i - 1]
        alarms += find_reward_gaps(log(noise[20:]))[0].grows
    assert alarms / trials < 0.05


def test_a_gap_that_grows_is_seen_through_the_noise_of_a_default_run():
    rng, seen, trials = np.random.default_rng(1), 0, 100
    for _ in range(trials):  # 30 steps, growth .3, standard deviation of a step .08
        seen += find_reward_gaps(log(np.linspace(0, 0.3, 30) + rng.normal(0, 0.08, 30)))[0].grows
    assert seen / trials > 0.9
