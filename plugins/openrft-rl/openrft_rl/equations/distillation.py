"""On-policy distillation: what the teacher thinks of each token that the student drew."""

from __future__ import annotations

import math

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
    if discount == 0:
        return rewards.clone()
    own = rewards.cpu()  # token after token, which a GPU does slowly
    returns, later = torch.zeros_like(own), own.new_zeros(())
    for t in reversed(range(len(own))):
        later = own[t] + discount * later
        returns[t] = later
    return returns.to(rewards.device)


def find_disagreement(rewards: Tensor) -> Tensor:
    """1 where the teacher finds the student's token less than half as likely as the student does, else 0."""
    return (rewards < -math.log(2)).float()


def compute_divergence(logits: Tensor, teacher_logits: Tensor, divergence: str) -> Tensor:
    """How far the student's next token is from the teacher's, over the whole vocabulary: (N, V), (N, V) -> (N,), nats.

    With S the student and T the teacher: forward is KL(T || S), reverse is KL(S || T), and jsd is their mean to the
    even mixture, (KL(T || M) + KL(S || M)) / 2 with M = (T + S) / 2. GKD, arXiv 2306.13649, section 2 and equation 1.
    """
    own, teachers = logits.float().log_softmax(-1), teacher_logits.float().log_softmax(-1)
    if divergence == "forward":
        return _kl(teachers, own)
    if divergence == "reverse":
        return _kl(own, teachers)
    mixture = torch.logaddexp(own, teachers) - math.log(2)
    return (_kl(teachers, mixture) + _kl(own, mixture)) / 2


def _kl(logprobs: Tensor, other: Tensor) -> Tensor:
    return (logprobs.exp() * (logprobs - other)).sum(-1)
