"""Advantages worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_rl.advantages import ADVANTAGES, EPSILON, dr_grpo, grpo, reinforce_pp, rloo

REWARDS = [1.0, 0.0, 0.0, 1.0, 0.5, 0.5]
GROUPS = ["a", "a", "a", "a", "b", "b"]


def test_grpo_by_hand():
    deviation = math.sqrt(1 / 3)  # of 1, 0, 0, 1 with n - 1
    expected = [0.5, -0.5, -0.5, 0.5]
    assert grpo(REWARDS, GROUPS)[:4] == pytest.approx([x / (deviation + EPSILON) for x in expected])
    assert grpo(REWARDS, GROUPS)[4:] == [0.0, 0.0]


def test_dr_grpo_by_hand():
    assert dr_grpo(REWARDS, GROUPS) == [0.5, -0.5, -0.5, 0.5, 0.0, 0.0]


def test_rloo_by_hand():
    assert rloo(REWARDS, GROUPS) == pytest.approx([1 - 1 / 3, -2 / 3, -2 / 3, 1 - 1 / 3, 0.0, 0.0])
    assert rloo([1.0], ["alone"]) == [0.0]


def test_reinforce_pp_by_hand():
    deviation = math.sqrt(sum((r - 0.5) ** 2 for r in REWARDS) / 5)
    assert reinforce_pp(REWARDS, GROUPS) == pytest.approx([(r - 0.5) / (deviation + EPSILON) for r in REWARDS])


@given(st.lists(st.tuples(st.floats(-1, 1), st.sampled_from("abc")), min_size=1), st.sampled_from(sorted(ADVANTAGES)))
def test_advantages_are_finite_and_ignore_a_constant_shift(pairs, name):
    rewards, groups = [r for r, _ in pairs], [g for _, g in pairs]
    advantages = ADVANTAGES[name](rewards, groups)
    assert all(map(math.isfinite, advantages))
    shifted = ADVANTAGES[name]([r + 1 for r in rewards], groups)
    assert shifted == pytest.approx(advantages, abs=1e-6)


@pytest.mark.parametrize("name", ["grpo", "dr_grpo", "rloo"])
def test_a_group_without_spread_teaches_nothing(name):
    assert ADVANTAGES[name]([0.7, 0.7, 0.7], ["a"] * 3) == pytest.approx([0.0] * 3)
