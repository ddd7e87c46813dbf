"""How wrong the critic was."""

from __future__ import annotations

import torch
from torch import Tensor


def clipped_value_loss(values: Tensor, old_values: Tensor, returns: Tensor, clip: float) -> Tensor:
    """max((V - return)^2, (V_clip - return)^2) / 2, (B, T), with V_clip at most `clip` away from the old value.

    The critic's counterpart of PPO's clip (the released code of arXiv 1707.06347): a value that has moved further than
    `clip` in one update gains nothing by moving on.
    """
    near = old_values + (values - old_values).clamp(-clip, clip)
    return torch.maximum((values - returns).square(), (near - returns).square()) / 2


def explained_variance(values: Tensor, returns: Tensor) -> float:
    """1 - Var(return - V) / Var(return) over tokens, (N,) each: 1 a perfect critic, 0 one that knows the mean at best.

    0 where all returns are equal: there is nothing to explain.
    """
    spread = returns.double().var(unbiased=False)
    left = (returns - values).double().var(unbiased=False)
    return float(1 - left / spread) if spread > 1e-12 else 0.0
