from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrft.bench.contrast_error import contrast_error, item_variance
from openrft.bench.significance import (
    ONE_TRAINING_SEED,
    adjust_holm,
    bootstrap_p,
    compare_arms,
    mcnemar_mid_p,
    sign_flip_p,
)
from openrft.bench.statistics import TaskScores, estimate_contrast, resample

GAP = np.array([1.0, -1.0])


def welch_p(first: np.ndarray, second: np.ndarray, items: tuple[float, int] = (0.0, 1)) -> float:
    """p of the t test that `contrast_error` describes."""
    means = np.stack([np.atleast_2d(first), np.atleast_2d(second)], 1)
    return contrast_error(means, np.array([1.0, -1]), items).compute_p(float(np.mean(first) - np.mean(second)))


def test_mid_p_worked_by_hand() -> None:
    # b = 1, c = 5: 2 (1 + 6)/64 - 6/64
    assert mcnemar_mid_p(1, 5) == pytest.approx(8 / 64)
    # b = c = 2: 1 - (6/16)/2
    assert mcnemar_mid_p(2, 2) == pytest.approx(1 - 6 / 32)
    assert mcnemar_mid_p(0, 0) == 1.0


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_mid_p_is_a_symmetric_probability_below_the_exact_one(b: int, c: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    p = mcnemar_mid_p(b, c)
    assert 0 <= p <= 1
    assert p == pytest.approx(mcnemar_mid_p(c, b))
    assert p <= mcnemar([[0, b], [c, 0]], exact=True).pvalue + 1e-9


def test_sign_flips_worked_by_hand() -> None:
    # Three clusters, all +1: of 8 patterns two reach |3|.
    assert sign_flip_p(np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx(2 / 8)
    assert sign_flip_p(np.array([1.0, -1.0])) == 1.0
    assert sign_flip_p(np.zeros(5)) == 1.0
    assert sign_flip_p(np.ones(40)) == pytest.approx(1 / 10_001)


@settings(deadline=None)
@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), max_size=30), st.randoms())
def test_sign_flips_do_not_mind_order(gaps: list[float], random: object) -> None:
    shuffled = list(gaps)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sign_flip_p(np.array(gaps)) == sign_flip_p(np.array(shuffled))


def test_welch_and_holm_worked_by_hand() -> None:
    # Means 2 and 5, variances 1 and 1, n = 3: t = -3 / sqrt(2/3), 4 degrees of freedom
    assert welch_p(np.array([1.0, 2, 3]), np.array([4.0, 5, 6])) == pytest.approx(0.0213, abs=1e-4)
    level = np.array([1.0, 2, 3]) / 3
    assert welch_p(level, np.full(3, 0.1) * 3) < 0.2  # no warning, though one arm never varies
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([]) == []


def pair(seeds: int, completions: int = 1, items: int = 60) -> list[TaskScores]:
    rng = np.random.default_rng(3)
    scores = rng.binomial(completions, [[[0.3]], [[0.7]]], (2, seeds, items)) / completions
    return [TaskScores(scores, np.arange(items), completions)]


@pytest.mark.parametrize(
    ("seeds", "completions", "same", "trained", "test"),
    [
        (1, 1, True, True, "McNemar mid-p over items"),
        (1, 1, False, False, "sign flips over items"),
        (1, 1, False, True, ONE_TRAINING_SEED),
        (1, 3, True, True, "sign flips over items"),
        (2, 3, False, True, "Welch over seeds and items"),
        (3, 1, False, True, "Welch over seeds and items"),
        (3, 1, True, True, "t over paired seeds and items"),
    ],
)
def test_the_test_fits_what_differs(seeds: int, completions: int, same: bool, trained: bool, test: str) -> None:
    blocks = pair(seeds, completions)
    found = compare_arms(blocks, resample(blocks), 1, 0, same, trained)
    assert found.test == test
    assert found.interval.low > 0
    assert found.p is None if test == ONE_TRAINING_SEED else found.p < 0.05


def test_the_interval_of_three_seeds_inverts_the_test() -> None:
    blocks = pair(3)
    draws = resample(blocks, replicates=100)
    made = contrast_error(draws.seed_means[0][None], np.array([-1.0, 1]), item_variance(blocks, np.array([-1.0, 1])))
    found = compare_arms(blocks, draws, 1, 0, False)
    half = made.compute_half_width(0.05)
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (found.interval.value - half, found.interval.value + half)
    )
    assert found.p == pytest.approx(made.compute_p(found.interval.value))
    # Arms that differ by nothing but one seed's luck on one of 60 items: never narrower than one pair each way
    scores = np.ones((2, 3, 60))
    scores[0, 0, 0] = 0
    still = [TaskScores(scores, np.arange(60))]
    found = compare_arms(still, resample(still, replicates=100), 0, 1, False)
    assert found.interval.high == pytest.approx(-1 / 180 + 1.96 / 62, abs=1e-4)
    assert found.p == pytest.approx(0.5, abs=0.3)


@pytest.mark.parametrize(("seeds", "seed"), [(2, 8), (3, 9)], ids=["two", "three"])
def test_few_seeds_against_vanilla_raise_no_more_false_alarms_than_they_promise(seeds: int, seed: int) -> None:
    """Vanilla has no luck of training. Of 400 benches 20 alarms are allowed; Welch's test alone raises 40 and 30."""
    rng, alarms = np.random.default_rng(seed), 0
    for _ in range(400):
        own = 1 / (1 + np.exp(-(rng.normal(0, 1, (2, 1, 500)) + rng.normal(0, 1.5, 500))))
        luck = rng.normal(0, 0.04, (2, seeds, 1)) * np.array([0, 1])[:, None, None]
        block = TaskScores(rng.binomial(3, np.clip(own + luck, 0, 1)) / 3, np.arange(500), 3)
        found = compare_arms([block], resample([block], replicates=2), 1, 0, False)
        alarms += found.p is not None and found.p < 0.05
    assert alarms <= 26


def test_the_more_cautious_of_an_exact_test_and_the_bootstrap_counts() -> None:
    # Of 40 items the first arm gets four more right: mid-p 2 (1/16) - 1/16, though four resampled items rarely vanish
    scores = np.zeros((2, 1, 40))
    scores[0, 0, :4] = 1
    blocks = [TaskScores(scores, np.arange(40))]
    draws = resample(blocks)
    assert estimate_contrast(draws, [1, -1]).low > 0
    found = compare_arms(blocks, draws, 0, 1, True)
    assert found.p == pytest.approx(1 / 16)
    assert found.interval.low == 0.0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(2, 40), st.integers(1, 3), st.booleans(), st.booleans(), st.integers(0, 999))
def test_p_and_interval_never_contradict_each_other(
    seeds: int, items: int, completions: int, same: bool, trained: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rates = rng.random((2, 1, 1)) * np.ones((1, seeds, items))
    blocks = [TaskScores(rng.binomial(completions, rates) / completions, rng.permutation(items), completions)]
    found = compare_arms(blocks, resample(blocks, replicates=400), 0, 1, same, trained)
    assert found.interval.low <= found.interval.value <= found.interval.high
    if found.p is not None:
        assert (found.p < 0.05) == (found.interval.low > 0 or found.interval.high < 0)


def test_intervals_of_three_seeds_cover_what_they_say() -> None:
    """Of 400 benches without a true difference 380 intervals should cover 0; 369 to 391 is within chance (1%)."""
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(400):
        own = rng.normal(0, 0.7, (2, 1, 200)) + rng.normal(0, 1.2, 200)
        right = 1 / (1 + np.exp(-(own + rng.normal(0, 0.07, (2, 3, 1)))))
        blocks = [TaskScores(rng.binomial(3, right) / 3, np.arange(200), 3)]
        found = compare_arms(blocks, resample(blocks, replicates=200), 0, 1, False)
        covered += found.interval.low <= 0 <= found.interval.high
    assert 369 <= covered <= 391


def test_welch_adds_up_the_luck_of_tasks_trained_apart() -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(4)
    first, second = rng.normal(0.5, 0.1, 4), rng.normal(0.6, 0.02, 4)
    assert welch_p(first, second) == pytest.approx(ttest_ind(first, second, equal_var=False).pvalue)
    # Two tasks, gaps -3 and -1, each mean with variance 1/3: t = -2 / sqrt(4 (1/3) / 4), 8 degrees of freedom
    assert welch_p(np.array([[1.0, 2, 3], [1, 2, 3]]), np.array([[4.0, 5, 6], [2, 3, 4]])) == pytest.approx(
        0.0085, abs=1e-4
    )
    rejected = [welch_p(*rng.normal(0, 1, (2, 8, 3))) < 0.05 for _ in range(2000)]
    assert 0.03 < np.mean(rejected) < 0.07


def test_item_variance_worked_by_hand() -> None:
    # Both seeds alike, gaps 1, 0, 0, -1: their variance 2/3 over 4 items
    lasting = np.array([[[1.0, 0, 1, 0]] * 2, [[0.0, 0, 1, 1]] * 2])
    assert item_variance([TaskScores(lasting, np.arange(4))], GAP) == (pytest.approx(1 / 6), 3)
    # What one seed gained on an item the other lost again: luck, and nothing that lasts
    luck = np.array([[[1.0, 0], [0, 1]], [[0.0, 0], [0, 0]]])
    assert item_variance([TaskScores(luck, np.arange(2))], GAP) == (0.0, 1)
    # Two tasks halve each one's share in the mean; copies of one item say nothing of how items differ
    copies = TaskScores(lasting, np.zeros(4, dtype=int))
    assert item_variance([TaskScores(lasting, np.arange(4)), copies], GAP) == (pytest.approx(1 / 24), 3)


def test_strengths_on_other_items_are_no_difference_in_ability() -> None:
    rng = np.random.default_rng(6)
    rejected = np.zeros(2)
    for _ in range(300):
        own = rng.normal(0, 1.5, (2, 1, 100)) + rng.normal(0, 1.5, 100)
        right = 1 / (1 + np.exp(-(own + rng.normal(0, 0.05, (2, 5, 1)))))
        block = TaskScores(rng.binomial(3, right) / 3, np.arange(100), 3)
        means = block.scores.mean(axis=2)
        rejected += [welch_p(*means, item_variance([block], GAP)) < 0.05, welch_p(*means) < 0.05]
    assert rejected[0] / 300 < 0.08
    assert rejected[1] / 300 > 0.25


def test_bootstrap_p_is_one_where_nothing_differs() -> None:
    blocks = [TaskScores(np.ones((2, 3, 20)), np.arange(20))]
    assert bootstrap_p(resample(blocks), [1, -1]) == 1.0
    assert compare_arms(blocks, resample(blocks), 0, 1, False).p == 1.0


def test_bootstrap_p_minds_how_few_seeds_there_are() -> None:
    # Of 1000 items the first arm gets 20 more right with one seed and 100 more with the other: by luck two seeds agree
    # on a winner every other time, and their interval says so.
    scores = np.zeros((2, 2, 1000))
    scores[:, :, :500] = 1
    scores[0, 0, 500:520] = scores[0, 1, 500:600] = 1
    draws = resample([TaskScores(scores, np.arange(1000))])
    found = estimate_contrast(draws, [1, -1])
    assert found.low < 0 < found.value
    assert bootstrap_p(draws, [1, -1]) > 0.05


def test_welch_holds_its_level_where_mcnemar_on_one_seed_does_not() -> None:
    rng = np.random.default_rng(5)
    rejected = np.zeros(2)
    for _ in range(200):
        ability = rng.beta(1.2, 1.5, 1500)
        answers = rng.random((2, 3, 1500)) < np.clip(ability + rng.normal(0, 0.03, (2, 3, 1)), 0, 1)
        means = answers.mean(axis=2)
        gaps = answers[0, 0].astype(int) - answers[1, 0]
        one_seed = mcnemar_mid_p(int((gaps > 0).sum()), int((gaps < 0).sum()))
        rejected += [welch_p(means[0], means[1]) < 0.05, one_seed < 0.05]
    assert rejected[0] / 200 < 0.10
    assert rejected[1] / 200 > 0.15


def test_arms_of_one_checkpoint_are_compared_within_each_seed() -> None:
    """The luck of training that both have is no difference, and the level is held."""
    rng, alarms = np.random.default_rng(8), 0
    for _ in range(200):
        own = 1 / (1 + np.exp(-(rng.normal(0, 1.5, 200) + rng.normal(0, 0.5, (2, 1, 200)))))
        right = np.clip(own + rng.normal(0, 0.1, (1, 3, 1)), 0, 1)
        block = TaskScores(rng.binomial(3, right) / 3, np.arange(200), 3)
        found = compare_arms([block], resample([block], replicates=100), 0, 1, same_checkpoint=True)
        alarms += found.p is not None and found.p < 0.05
    assert 3 <= alarms <= 20  # 10 expected
