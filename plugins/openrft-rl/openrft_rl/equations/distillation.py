"""Distillation on policy: what the teacher thinks of each token that the student drew."""

from __future__ import annotations

import torch
from torch import Tensor


def reverse_kl_rewards(logprobs: Tensor, teacher_logprobs: Tensor) -> Tensor:
    """log pi_teacher(token) - log pi(token) of the tokens that the student drew, any shape.

    Minus its mean is an unbiased estimate of KL(student || teacher) per token. MiniLLM, arXiv 2306.08543, section 2.2;
    GKD, arXiv 2306.13649, section 3, with the student's own completions and the reverse KL.
    """
    return teacher_logprobs - logprobs


def discounted_returns(rewards: Tensor, discount: float) -> Tensor:
    """G_t = r_t + discount G_{t+1}, (T,), and 0 after the last token.

    At 0 a token answers for itself alone, as the gradient of GKD has it (which does not flow through the drawing of
    tokens). At 1 it answers for all that follow, as in MiniLLM, arXiv 2306.08543, equation 3.
    """
    returns, later = torch.zeros_like(rewards), rewards.new_zeros(())
    for t in reversed(range(len(rewards))):
        later = rewards[t] + discount * later
        returns[t] = later
    return returns


def find_disagreement(rewards: Tensor) -> Tensor:
    """1 where the teacher finds the student's token less than half as likely as the student does, else 0."""
    return (rewards < -torch.log(torch.tensor(2.0))).float()
