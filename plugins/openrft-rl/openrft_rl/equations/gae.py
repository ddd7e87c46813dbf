"""Generalised advantage estimation: advantages from rewards and a critic's values."""

from __future__ import annotations

import torch
from torch import Tensor


def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Advantages and the returns that the critic should have foretold, each (B, T), zero where the mask is.

        delta_t = r_t + gamma V(s_{t+1}) - V(s_t)
        A_t = delta_t + gamma lam A_{t+1}
        return_t = A_t + V(s_t)

    Schulman et al., arXiv 1506.02438, equations 11 and 16; PPO, arXiv 1707.06347, equations 11 and 12. V is 0 after the
    last token, also where the token budget ended the completion: what was not said earns nothing.

    Args: rewards (B, T) of each token; values (B, T), V before each token; mask (B, T).
    """
    values = values * mask
    advantages = torch.zeros_like(values)
    after = later = torch.zeros_like(values[:, 0])  # V(s_{t+1}) and A_{t+1}
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * after - values[:, t]
        later = (delta + gamma * lam * later) * mask[:, t]
        advantages[:, t], after = later, values[:, t]
    return advantages, advantages + values


def whitened(advantages: Tensor, mask: Tensor) -> Tensor:
    """(A - mean) / standard deviation over the batch's tokens; all zero where all are equal.

    Practice of PPO since Ziegler et al. (arXiv 1909.08593); the released OpenRFT script normalises so too.
    """
    count = mask.sum()
    centred = (advantages - (advantages * mask).sum() / count) * mask
    deviation = (centred.square().sum() / count).sqrt()
    return centred / deviation if deviation > 1e-8 else torch.zeros_like(centred)
