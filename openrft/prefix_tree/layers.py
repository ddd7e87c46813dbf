"""Parts of the Llama family's forward pass that have no weights of their own."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F


def apply_norm(norm: Any, x: torch.Tensor) -> torch.Tensor:
    """The output of the module `norm` for x, computed by torch's fused kernel."""
    return F.rms_norm(x, x.shape[-1:], norm.weight, norm.variance_epsilon)


def rotary_angles(trunk: Any, like: torch.Tensor, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine (positions, D) of the rotary angles at `positions` (positions,), in the dtype of `like`. The sine
    carries the signs of the rotation, so `apply_rotary` can use `roll`."""
    cos, sin = (part[0] for part in trunk.rotary_emb(like, positions[None]))
    half = sin.shape[-1] // 2
    return cos, torch.cat([-sin[:, :half], sin[:, half:]], -1)


def apply_rotary(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Queries or keys (..., D) rotated by their angles."""
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)
