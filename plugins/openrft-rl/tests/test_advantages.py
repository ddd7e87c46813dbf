"""Advantages worked by hand, where the reward lies at the end and where it is earned by steps."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_rl.algorithms import ALGORITHMS
from openrft_rl.equations.advantages import EPSILON, relative, returns_to_go, spread

REWARDS = [1.0, 0.0, 0.0, 1.0, 0.5, 0.5]
GROUPS = ["a", "a", "a", "a", "b", "b"]
COMPARING = [name for name, how in ALGORITHMS.items() if not how.critic]


def advantages(name, rewards, groups):
    """Of whole rollouts."""
    how = ALGORITHMS[name]
    return [a for (a,) in relative([(r,) for r in rewards], groups, how.baseline, how.scale)]


@pytest.mark.parametrize("name", ["grpo", "dapo", "gspo"])
def test_grpo_by_hand(name):
    deviation = math.sqrt(1 / 3)  # of 1, 0, 0, 1 with n - 1
    expected = [0.5, -0.5, -0.5, 0.5]
    assert advantages(name, REWARDS, GROUPS)[:4] == pytest.approx([x / (deviation + EPSILON) for x in expected])
    assert advantages(name, REWARDS, GROUPS)[4:] == [0.0, 0.0]


def test_dr_grpo_by_hand():
    assert advantages("dr_grpo", REWARDS, GROUPS) == [0.5, -0.5, -0.5, 0.5, 0.0, 0.0]


def test_rloo_by_hand():
    assert advantages("rloo", REWARDS, GROUPS) == pytest.approx([1 - 1 / 3, -2 / 3, -2 / 3, 1 - 1 / 3, 0.0, 0.0])
    assert advantages("rloo", [1.0], ["alone"]) == [0.0]


def test_reinforce_pp_by_hand():
    deviation = math.sqrt(sum((r - 0.5) ** 2 for r in REWARDS) / 5)
    assert advantages("reinforce++", REWARDS, GROUPS) == pytest.approx(
        [(r - 0.5) / (deviation + EPSILON) for r in REWARDS]
    )


@given(st.lists(st.tuples(st.floats(-1, 1), st.sampled_from("abc")), min_size=1), st.sampled_from(sorted(COMPARING)))
def test_advantages_are_finite_and_ignore_a_constant_shift(pairs, name):
    rewards, groups = [r for r, _ in pairs], [g for _, g in pairs]
    found = advantages(name, rewards, groups)
    assert all(map(math.isfinite, found))
    shifted = advantages(name, [r + 1 for r in rewards], groups)
    assert shifted == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("name", COMPARING)
@pytest.mark.parametrize("reward", [0.7, 0.1, 0.37])
def test_a_group_without_spread_teaches_exactly_nothing(name, reward):
    """Not a rounding error's worth: a rollout with an advantage of zero is left out of the update."""
    assert advantages(name, [reward] * 8, ["a"] * 8) == [0.0] * 8


# Two rollouts of one question. The first earned .1 and .3 by steps and .6 at the end, the second .2 and nothing.
PARTS = [(0.1, 0.3, 0.6), (0.2, 0.0)]


def test_advantages_by_steps_without_scale_by_hand():
    first, second = relative(PARTS, "aa", "group", "none")
    # Baselines: .3 of the last reward, .3 of the steps; the first rollout's two steps are held against .15 each.
    assert first == pytest.approx([0.3 + 0.4 - 0.3, 0.3 + 0.3 - 0.15, 0.3])
    assert second == pytest.approx([-0.3 + 0.2 - 0.3, -0.3])


def test_advantages_by_steps_against_the_others_by_hand():
    first, second = relative(PARTS, "aa", "others", "none")
    assert first == pytest.approx([0.6 + 0.4 - 0.2, 0.6 + 0.3 - 0.1, 0.6])
    assert second == pytest.approx([-0.6 + 0.2 - 0.4, -0.6])


def test_the_scale_is_the_deviation_of_the_returns_by_hand():
    assert [returns_to_go(p) for p in PARTS] == [pytest.approx([1.0, 0.9]), pytest.approx([0.2])]
    mean = 2.1 / 3
    deviation = math.sqrt(((1 - mean) ** 2 + (0.9 - mean) ** 2 + (0.2 - mean) ** 2) / 2)
    plain = relative(PARTS, "aa", "group", "none")
    for scale in ("group", "batch"):
        scaled = relative(PARTS, "aa", "group", scale)
        for a, b in zip(plain, scaled, strict=True):
            assert b == pytest.approx([x / (deviation + EPSILON) for x in a])


def test_a_step_as_good_as_the_average_one_is_worth_nothing():
    (first, second) = relative([(0.1, 0.1, 0.5), (0.1, 0.1, 0.5)], "aa", "group", "none")
    assert first == second == pytest.approx([0.0, 0.0, 0.0])


def test_min_form_rewards_the_steps_up_to_the_worst_one():
    """With all of a rollout's process reward at its worst step, later steps are worth less than the earlier ones."""
    good, bad = relative([(0.0, 0.3, 0.0, 0.7), (0.02, 0.0, 0.0, 0.0)], "aa", "group", "none")
    assert good[1] > good[2]
    assert good[0] > 0 > bad[0]


PARTED = st.tuples(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.sampled_from("ab"))


@given(st.lists(PARTED, min_size=1, max_size=8), st.sampled_from(sorted(COMPARING)))
def test_the_first_step_is_worth_what_the_whole_rollout_is(rows, name):
    parts, groups, how = [p for p, _ in rows], [g for _, g in rows], ALGORITHMS[name]
    by_steps = relative(parts, groups, how.baseline, "none")
    whole = relative([(math.fsum(p),) for p in parts], groups, how.baseline, "none")
    assert [a[0] for a in by_steps] == pytest.approx([a for (a,) in whole], abs=1e-9)
    assert all(math.isfinite(x) for a in relative(parts, groups, how.baseline, how.scale) for x in a)


def test_every_token_of_a_step_shares_its_advantage():
    assert spread([1.0, 2.0, 3.0], [1, 3], 6) == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    assert spread([1.0, 2.0, 3.0], [1, 1], 3) == [1.0, 1.0, 3.0]  # one token ends two steps
    assert spread([5.0], [], 2) == [5.0, 5.0]
