from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrft.bench.statistics import TaskScores, estimate_accuracy, estimate_contrast, resample, standard_errors


def block(scores: object, clusters: object = None, completions: int = 1) -> TaskScores:
    array = np.asarray(scores, dtype=float)
    return TaskScores(array, np.arange(array.shape[2]) if clusters is None else np.asarray(clusters), completions)


def drawn(arms: int, seeds: int, items: int, seed: int = 0, rate: float = 0.5) -> TaskScores:
    return block(np.random.default_rng(seed).random((arms, seeds, items)) < rate)


shapes = st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(0, 10_000), st.floats(0, 1))


@settings(max_examples=40, deadline=None)
@given(shapes)
def test_every_interval_contains_its_estimate_and_has_width(shape: tuple[int, int, int, float]) -> None:
    seeds, items, seed, rate = shape
    draws = resample([drawn(2, seeds, items, seed, rate)], replicates=400)
    share, gain = estimate_accuracy(draws, 0), estimate_contrast(draws, [1, -1])
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert share.high - share.low > 0.001
    assert -1 <= gain.low <= gain.value <= gain.high <= 1
    assert gain.high - gain.low > 0.001


@settings(max_examples=25, deadline=None)
@given(shapes)
def test_a_delta_turned_round_is_its_mirror_image(shape: tuple[int, int, int, float]) -> None:
    seeds, items, seed, rate = shape
    draws = resample([drawn(2, seeds, items, seed, rate)], replicates=400)
    there, back = estimate_contrast(draws, [1, -1]), estimate_contrast(draws, [-1, 1])
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))


def test_the_order_of_items_and_seeds_hardly_matters() -> None:
    one = drawn(2, 3, 80)
    order = np.random.default_rng(1).permutation(80)
    other = block(one.scores[:, ::-1][:, :, order], np.arange(80))
    a, b = (estimate_contrast(resample([x]), [1, -1]) for x in (one, other))
    assert a.value == pytest.approx(b.value)
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=0.015)


def test_wilson_worked_by_hand() -> None:
    # 10 of 10 right, each its own cluster: low = n / (n + z^2) = 10 / 13.8415
    found = estimate_accuracy(resample([block(np.ones((1, 1, 10)))]), 0)
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 10 / (10 + 1.959964**2), 1.0))


def test_half_of_a_hundred_is_wilson_at_about_a_hundred() -> None:
    found = estimate_accuracy(resample([block([[[1, 0] * 50]])]), 0)
    assert (found.low, found.high) == pytest.approx((0.404, 0.596), abs=0.006)


def test_duplicates_are_one_observation() -> None:
    scores = np.repeat([[[1.0, 0.0] * 10]], 5, axis=2)
    alone = estimate_accuracy(resample([block(scores)]), 0)
    together = estimate_accuracy(resample([block(scores, np.repeat(np.arange(20), 5))]), 0)
    assert together.high - together.low > 1.8 * (alone.high - alone.low)


def test_copies_of_one_item_are_one_observation_whatever_share_is_right() -> None:
    copies = block([[[1.0] * 15 + [0.0] * 35]], np.zeros(50, dtype=int), completions=3)
    # Wilson with n = 1 at .3: (.3 + z^2 / 2 -+ z sqrt(.21 + z^2 / 4)) / (1 + z^2)
    found = estimate_accuracy(resample([copies]), 0)
    assert (found.low, found.high) == pytest.approx((0.0207, 0.8966), abs=1e-4)


def test_arms_that_agree_on_few_items_are_not_known_to_be_equal() -> None:
    # One discordant pseudo-pair each way: z / (20 + 2)
    found = estimate_contrast(resample([block(np.ones((2, 1, 20)))]), [1, -1])
    assert (found.value, found.low, found.high) == pytest.approx((0, -1.959964 / 22, 1.959964 / 22))


def test_tasks_count_equally() -> None:
    draws = resample([block(np.ones((1, 1, 10))), block(np.zeros((1, 1, 90)))])
    assert draws.estimate[0] == pytest.approx(0.5)
    assert draws.effective_clusters == pytest.approx(4 / (1 / 10 + 1 / 90))


def test_seeds_that_disagree_widen_the_interval() -> None:
    steady = np.zeros((2, 3, 100))
    steady[0, :, :30] = 1
    shaky = steady.copy()
    shaky[0, 0, :40] = 1
    shaky[0, 2, 20:30] = 0
    a, b = (estimate_contrast(resample([block(x)]), [1, -1]) for x in (steady, shaky))
    assert a.value == pytest.approx(b.value)
    assert b.high - b.low > 1.2 * (a.high - a.low)


def test_one_seed_has_item_noise_alone() -> None:
    error, of_items = standard_errors(resample([drawn(2, 1, 100)]), [1, -1])
    assert error == pytest.approx(of_items)


def test_the_same_numbers_every_time() -> None:
    assert estimate_contrast(resample([drawn(2, 3, 50)]), [1, -1]) == estimate_contrast(
        resample([drawn(2, 3, 50)]), [1, -1]
    )


def test_fast_enough_to_run_for_every_pair() -> None:
    pair = drawn(2, 5, 300)
    estimate_contrast(resample([pair], replicates=100), [1, -1])
    spent = []
    for _ in range(3):
        began = time.process_time()
        estimate_contrast(resample([pair]), [1, -1])
        spent.append(time.process_time() - began)
    assert min(spent) < 0.6  # 0.15 s on a quiet core


@pytest.mark.parametrize(("seeds", "noise"), [(1, 0.0), (3, 0.01), (3, 0.02), (5, 0.02)])
def test_coverage_of_a_true_null(seeds: int, noise: float) -> None:
    """95% intervals of a difference that is 0 hold it about 95% of the time, training noise included."""
    rng = np.random.default_rng(7)
    held, trials = 0, 150
    for _ in range(trials):
        ability = rng.beta(1.2, 1.5, 200)
        luck = rng.normal(0, noise, (2, seeds, 1))
        answers = rng.random((2, seeds, 200)) < np.clip(ability + luck, 0, 1)
        found = estimate_contrast(resample([block(answers)], replicates=500), [1, -1])
        held += found.low <= 0 <= found.high
    assert held / trials >= 0.91  # three standard errors of 150 trials below .95 would be .897
