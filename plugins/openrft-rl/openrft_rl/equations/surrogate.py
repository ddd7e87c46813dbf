"""The clipped surrogate, the loss that all the algorithms here descend."""

from __future__ import annotations

import torch
from torch import Tensor


def clipped_surrogate(log_ratio: Tensor, advantage: Tensor, clip_low: float, clip_high: float) -> Tensor:
    """-min(ratio A, clip(ratio, 1 - clip_low, 1 + clip_high) A), (B, T).

    PPO, arXiv 1707.06347, equation 7, where both clips are one epsilon; DAPO, arXiv 2503.14476, equation 10, where the
    higher one leaves unlikely tokens room to grow.
    """
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip_low, 1 + clip_high) * advantage)


def clipped(log_ratio: Tensor, clip_low: float, clip_high: float) -> Tensor:
    """Whether each token's ratio lies outside the clip, (B, T) of 0 and 1."""
    ratio = log_ratio.detach().exp()
    return ((ratio < 1 - clip_low) | (ratio > 1 + clip_high)).float()
