"""Per-token losses and how tokens are weighed. Pure functions; B rollouts, T tokens of the longest completion."""

from __future__ import annotations

import torch
from torch import Tensor


def clipped_surrogate(logp: Tensor, old_logp: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """-min(ratio * A, clip(ratio, 1 - clip, 1 + clip) * A), (B, T). PPO, arXiv 1707.06347, equation 7.

    Args: logp, old_logp (B, T); advantage (B, 1) or (B, T).
    """
    ratio = (logp - old_logp).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def kl_estimate(logp: Tensor, reference_logp: Tensor) -> Tensor:
    """Unbiased, never negative estimate of KL(policy || reference) a token, (B, T): r - log r - 1, r = ref / policy.

    Source: GRPO, arXiv 2402.03300, equation 4 (Schulman's k3).
    """
    log_ratio = reference_logp - logp
    return log_ratio.exp() - log_ratio - 1


def token_weights(lengths: list[int], algorithm: str, longest: int) -> list[float]:
    """Weight of each token of each rollout, so that sum(weight * loss) is the batch's loss.

    GRPO, RLOO and REINFORCE++ average over a rollout's tokens, then over rollouts (arXiv 2402.03300, equation 3);
    Dr. GRPO divides by a constant instead, so that long wrong answers are not let off (arXiv 2503.20783).
    """
    if algorithm == "dr_grpo":
        return [1 / (len(lengths) * longest)] * len(lengths)
    return [1 / (len(lengths) * length) for length in lengths]
