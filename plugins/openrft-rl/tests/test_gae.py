"""GAE by hand, and against loops written from the papers' equations in double precision."""

from __future__ import annotations

import pytest
import torch
from openrft_rl.equations.gae import gae, whitened


def test_gae_by_hand():
    rewards, values = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.5, 0.4, 0.2]])
    advantages, returns = gae(rewards, values, torch.ones(1, 3), gamma=1.0, lam=0.5)
    # deltas: .4 - .5, .2 - .4, 1 - .2; then from the back .8, -.2 + .4, -.1 + .1
    torch.testing.assert_close(advantages, torch.tensor([[0.0, 0.2, 0.8]]))
    torch.testing.assert_close(returns, torch.tensor([[0.5, 0.6, 1.0]]))


def test_lambda_one_is_the_return_less_the_value_and_lambda_zero_one_step_ahead():
    rewards, values, mask = torch.rand(2, 5), torch.rand(2, 5), torch.ones(2, 5)
    _, returns = gae(rewards, values, mask, 1.0, 1.0)
    torch.testing.assert_close(returns, rewards.flip(1).cumsum(1).flip(1))
    advantages, _ = gae(rewards, values, mask, 1.0, 0.0)
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
    advantages, returns = gae(rewards, values, mask, gamma, lam)
    for row, n in enumerate(lengths):
        expected = from_the_paper(rewards[row, :n].tolist(), values[row, :n].tolist(), gamma, lam)
        assert advantages[row, :n].tolist() == pytest.approx(expected, abs=1e-12)
        assert (returns - values)[row, :n].tolist() == pytest.approx(expected, abs=1e-12)
        assert advantages[row, n:].abs().sum() == returns[row, n:].abs().sum() == 0


def test_whitening_by_hand_counts_no_padding():
    advantages, mask = torch.tensor([[1.0, 3.0, 9.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    torch.testing.assert_close(whitened(advantages, mask), torch.tensor([[-1.0, 1.0, 0.0]]))


def test_equal_advantages_whiten_to_zero():
    assert whitened(torch.full((2, 3), 0.7), torch.ones(2, 3)).abs().max() == 0
