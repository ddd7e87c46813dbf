"""Losses worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from openrft_rl.losses import clipped_surrogate, kl_estimate, token_weights


def test_clipped_surrogate_by_hand():
    old = torch.zeros(1, 4)
    logp = torch.tensor([[0.0, math.log(1.5), math.log(0.5), math.log(1.5)]])
    advantage = torch.tensor([[1.0, 1.0, 1.0, -1.0]])
    # ratio 1 -> 1; 1.5 clipped to 1.2; 0.5 unclipped since it is the smaller; with A < 0 the 1.5 stays: -(-1.5)
    expected = torch.tensor([[-1.0, -1.2, -0.5, 1.5]])
    torch.testing.assert_close(clipped_surrogate(logp, old, advantage, 0.2), expected)


def test_the_gradient_on_the_sampling_policy_is_the_policy_gradient():
    logp = torch.tensor([[-0.3, -1.2]], requires_grad=True)
    clipped_surrogate(logp, logp.detach(), torch.tensor([[2.0]]), 0.2).sum().backward()
    torch.testing.assert_close(logp.grad, torch.tensor([[-2.0, -2.0]]))


def test_kl_estimate_by_hand():
    logp, reference = torch.tensor([[math.log(0.5)]]), torch.tensor([[math.log(0.25)]])
    assert kl_estimate(logp, reference).item() == pytest.approx(0.5 - math.log(0.5) - 1)
    assert kl_estimate(logp, logp).item() == 0


def test_kl_estimate_is_unbiased():
    policy, reference = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.5, 0.3, 0.2])
    expectation = (policy * kl_estimate(policy.log(), reference.log())).sum()
    torch.testing.assert_close(expectation, (policy * (policy / reference).log()).sum())


def test_token_weights_by_hand():
    assert token_weights([2, 4], "grpo", 4) == [1 / 4, 1 / 8]
    assert token_weights([2, 4], "dr_grpo", 4) == [1 / 8, 1 / 8]
