"""Advantages worked by hand: rewards at the end, rewards by steps, and GAE against loops written from the papers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from openrft_rl.algorithms import ALGORITHMS
from openrft_rl.equations.advantages import (
    EPSILON,
    compute_gae,
    compute_relative_advantages,
    expand_to_tokens,
    returns_to_go,
    whiten,
)

REWARDS = [1.0, 0.0, 0.0, 1.0, 0.5, 0.5]
GROUPS = ["a", "a", "a", "a", "b", "b"]
COMPARING = [name for name, spec in ALGORITHMS.items() if not spec.uses_critic]


def advantages(name, rewards, groups):
    """Of whole rollouts."""
    spec = ALGORITHMS[name]
    return [
        a for (a,) in compute_relative_advantages([(r,) for r in rewards], groups, spec.baseline, spec.scale_rewards)
    ]


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
    first, second = compute_relative_advantages(PARTS, "aa", "group", "none")
    # Baselines: .3 of the last reward, .3 of the steps; the first rollout's two steps are held against .15 each.
    assert first == pytest.approx([0.3 + 0.4 - 0.3, 0.3 + 0.3 - 0.15, 0.3])
    assert second == pytest.approx([-0.3 + 0.2 - 0.3, -0.3])


def test_advantages_by_steps_against_the_others_by_hand():
    first, second = compute_relative_advantages(PARTS, "aa", "leave_one_out", "none")
    assert first == pytest.approx([0.6 + 0.4 - 0.2, 0.6 + 0.3 - 0.1, 0.6])
    assert second == pytest.approx([-0.6 + 0.2 - 0.4, -0.6])


def test_the_scale_is_the_deviation_of_the_returns_by_hand():
    assert [returns_to_go(p) for p in PARTS] == [pytest.approx([1.0, 0.9]), pytest.approx([0.2])]
    mean = 2.1 / 3
    deviation = math.sqrt(((1 - mean) ** 2 + (0.9 - mean) ** 2 + (0.2 - mean) ** 2) / 2)
    plain = compute_relative_advantages(PARTS, "aa", "group", "none")
    for scale in ("group", "batch"):
        scaled = compute_relative_advantages(PARTS, "aa", "group", scale)
        for a, b in zip(plain, scaled, strict=True):
            assert b == pytest.approx([x / (deviation + EPSILON) for x in a])


def test_a_step_as_good_as_the_average_one_is_worth_nothing():
    (first, second) = compute_relative_advantages([(0.1, 0.1, 0.5), (0.1, 0.1, 0.5)], "aa", "group", "none")
    assert first == second == pytest.approx([0.0, 0.0, 0.0])


def test_min_form_rewards_the_steps_up_to_the_worst_one():
    """With all of a rollout's process reward at its worst step, later steps are worth less than the earlier ones."""
    good, bad = compute_relative_advantages([(0.0, 0.3, 0.0, 0.7), (0.02, 0.0, 0.0, 0.0)], "aa", "group", "none")
    assert good[1] > good[2]
    assert good[0] > 0 > bad[0]


PARTED = st.tuples(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.sampled_from("ab"))


@given(st.lists(PARTED, min_size=1, max_size=8), st.sampled_from(sorted(COMPARING)))
def test_the_first_step_is_worth_what_the_whole_rollout_is(rows, name):
    parts, groups, spec = [p for p, _ in rows], [g for _, g in rows], ALGORITHMS[name]
    by_steps = compute_relative_advantages(parts, groups, spec.baseline, "none")
    whole = compute_relative_advantages([(math.fsum(p),) for p in parts], groups, spec.baseline, "none")
    assert [a[0] for a in by_steps] == pytest.approx([a for (a,) in whole], abs=1e-9)
    assert all(
        math.isfinite(x)
        for a in compute_relative_advantages(parts, groups, spec.baseline, spec.scale_rewards)
        for x in a
    )


def test_every_token_of_a_step_shares_its_advantage():
    assert expand_to_tokens([1.0, 2.0, 3.0], [1, 3], 6) == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    assert expand_to_tokens([1.0, 2.0, 3.0], [1, 1], 3) == [1.0, 1.0, 3.0]  # one token ends two steps
    assert expand_to_tokens([5.0], [], 2) == [5.0, 5.0]


def test_gae_by_hand():
    rewards, values = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.5, 0.4, 0.2]])
    advantages, returns = compute_gae(rewards, values, torch.ones(1, 3), gamma=1.0, lam=0.5)
    # deltas: .4 - .5, .2 - .4, 1 - .2; then from the back .8, -.2 + .4, -.1 + .1
    torch.testing.assert_close(advantages, torch.tensor([[0.0, 0.2, 0.8]]))
    torch.testing.assert_close(returns, torch.tensor([[0.5, 0.6, 1.0]]))


def test_lambda_one_is_the_return_less_the_value_and_lambda_zero_one_step_ahead():
    rewards, values, mask = torch.rand(2, 5), torch.rand(2, 5), torch.ones(2, 5)
    _, returns = compute_gae(rewards, values, mask, 1.0, 1.0)
    torch.testing.assert_close(returns, rewards.flip(1).cumsum(1).flip(1))
    advantages, _ = compute_gae(rewards, values, mask, 1.0, 0.0)
    after = torch.cat([values[:, 1:], torch.zeros(2, 1)], 1)
    torch.testing.assert_close(advantages, rewards + after - values)


def from_the_paper(rewards, values, gamma, lam):
    """arXiv 1506.02438, equation 16: A_t = sum_l (gamma lam)^l delta_{t+l}; equation 11: delta."""
    length = len(rewards)
    deltas = [rewards[t] + gamma * (values[t + 1] if t + 1 < length else 0.0) - values[t] for t in range(length)]
    return [sum((gamma * lam) ** k * deltas[t + k] for k in range(length - t)) for t in range(length)]


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.5), (1.0, 1.0), (0.99, 0.0)])
def test_gae_equals_the_papers_sum_whatever_the_padding(gamma, lam):
    generator = torch.Generator().manual_seed(0)
    rewards, values = (torch.randn(3, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    lengths = [7, 4, 1]
    mask = torch.tensor([[float(t < n) for t in range(7)] for n in lengths], dtype=torch.float64)
    advantages, returns = compute_gae(rewards, values, mask, gamma, lam)
    for row, n in enumerate(lengths):
        expected = from_the_paper(rewards[row, :n].tolist(), values[row, :n].tolist(), gamma, lam)
        assert advantages[row, :n].tolist() == pytest.approx(expected, abs=1e-12)
        assert (returns - values)[row, :n].tolist() == pytest.approx(expected, abs=1e-12)
        assert advantages[row, n:].abs().sum() == returns[row, n:].abs().sum() == 0


def test_whitening_by_hand_counts_no_padding():
    advantages, mask = torch.tensor([[1.0, 3.0, 9.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    torch.testing.assert_close(whiten(advantages, mask), torch.tensor([[-1.0, 1.0, 0.0]]))


def test_equal_advantages_whiten_to_zero():
    assert whiten(torch.full((2, 3), 0.7), torch.ones(2, 3)).abs().max() == 0
