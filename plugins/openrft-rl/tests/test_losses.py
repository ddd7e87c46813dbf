"""Ratios, surrogate, KL, value loss and weights, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from openrft_rl.equations.losses import (
    adapt_kl_coef,
    apply_kl_penalty,
    clipped_policy_loss,
    clipped_value_loss,
    estimate_kl,
    explained_variance,
    outside_clip,
    sequence_log_ratio,
    token_log_ratio,
    token_weights,
)


def test_clipped_surrogate_by_hand():
    log_ratio = torch.tensor([[0.0, math.log(1.5), math.log(0.5), math.log(1.5), math.log(0.5)]])
    advantage = torch.tensor([[1.0, 1.0, 1.0, -1.0, -1.0]])
    # ratio 1 -> 1; 1.5 clipped to 1.3; .5 unclipped since it is the smaller; with A < 0 the 1.5 stays: -(-1.5), and
    # the .5 is clipped to .8
    expected = torch.tensor([[-1.0, -1.3, -0.5, 1.5, 0.8]])
    torch.testing.assert_close(clipped_policy_loss(log_ratio, advantage, 0.2, 0.3), expected)
    assert outside_clip(torch.log(torch.tensor([[0.79, 0.81, 1.29, 1.31]])), 0.2, 0.3).tolist() == [
        [1.0, 0.0, 0.0, 1.0]
    ]


def test_the_gradient_on_the_sampling_policy_is_the_policy_gradient():
    logp = torch.tensor([[-0.3, -1.2]], requires_grad=True)
    log_ratio = token_log_ratio(logp, logp.detach(), torch.ones(1, 2))
    clipped_policy_loss(log_ratio, torch.tensor([[2.0, 2.0]]), 0.2, 0.2).sum().backward()
    torch.testing.assert_close(logp.grad, torch.tensor([[-2.0, -2.0]]))


def test_the_sequences_ratio_by_hand_and_a_gradient_for_each_token():
    logp = torch.tensor([[-1.0, -2.0, 0.0]], requires_grad=True)
    old, mask = torch.tensor([[-1.3, -2.1, -5.0]]), torch.tensor([[1, 1, 0]])
    log_ratio = sequence_log_ratio(logp, old, mask)
    torch.testing.assert_close(log_ratio.detach()[:, :2], torch.tensor([[0.2, 0.2]]))
    (log_ratio.exp() * torch.tensor([[3.0, -1.0, 0.0]])).sum().backward()
    torch.testing.assert_close(logp.grad, math.exp(0.2) * torch.tensor([[3.0, -1.0, 0.0]]))


def test_kl_estimate_by_hand():
    logp, reference = torch.tensor([[math.log(0.5)]]), torch.tensor([[math.log(0.25)]])
    assert estimate_kl(logp, reference).item() == pytest.approx(0.5 - math.log(0.5) - 1)
    assert estimate_kl(logp, logp).item() == 0


def test_kl_estimate_is_unbiased():
    policy, reference = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.5, 0.3, 0.2])
    expectation = (policy * estimate_kl(policy.log(), reference.log())).sum()
    torch.testing.assert_close(expectation, (policy * (policy / reference).log()).sum())


def test_the_kl_penalty_by_hand():
    rewards, logp, reference = torch.tensor([[0.0, 1.0]]), torch.tensor([[-1.0, -1.0]]), torch.tensor([[-1.5, -0.5]])
    torch.testing.assert_close(apply_kl_penalty(rewards, logp, reference, 0.1), torch.tensor([[-0.05, 1.05]]))


def test_the_weight_of_the_kl_adapts_by_hand():
    assert adapt_kl_coef(0.1, 6.6, 6.0) == pytest.approx(0.1 * 1.01)
    assert adapt_kl_coef(0.1, 60.0, 6.0) == pytest.approx(0.1 * 1.02)  # the error is clipped to .2
    assert adapt_kl_coef(0.1, 0.0, 6.0) == pytest.approx(0.1 * 0.98)
    assert adapt_kl_coef(0.1, 6.0, 6.0) == 0.1


def test_clipped_value_loss_by_hand():
    values, old, returns = torch.tensor([[0.5, 0.5, 0.9]]), torch.tensor([[0.4, 0.0, 0.0]]), torch.ones(1, 3)
    # within the clip: .5^2 / 2; moved too far: the clipped .2 is the worse, .8^2 / 2; the same at .9
    torch.testing.assert_close(clipped_value_loss(values, old, returns, 0.2), torch.tensor([[0.125, 0.32, 0.32]]))


def test_a_value_that_moved_too_far_gets_no_gradient():
    values = torch.tensor([[0.5]], requires_grad=True)
    clipped_value_loss(values, torch.zeros(1, 1), torch.ones(1, 1), 0.2).sum().backward()
    assert values.grad.item() == 0


def test_explained_variance_by_hand():
    returns = torch.tensor([0.0, 1.0, 2.0])
    assert explained_variance(returns, returns) == 1
    assert explained_variance(torch.ones(3), returns) == 0
    assert explained_variance(torch.tensor([0.0, 1.0, 1.0]), returns) == pytest.approx(1 - (2 / 9) / (2 / 3))
    assert explained_variance(torch.zeros(3), torch.ones(3)) == 0


def test_token_weights_by_hand():
    assert token_weights([2, 4], "seq-mean-token-mean") == [1 / 4, 1 / 8]
    assert token_weights([2, 4], "seq-mean-token-sum") == [1 / 2, 1 / 2]
    assert token_weights([2, 4], "token-mean") == [1 / 6, 1 / 6]
    assert token_weights([2, 4], "seq-mean-token-sum-norm") == [1 / 8, 1 / 8]
    assert token_weights([2, 4], "seq-mean-token-sum-norm", 16) == [1 / 32, 1 / 32]
