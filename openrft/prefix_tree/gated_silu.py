"""The gate of a feed-forward block, silu(gate) * up (SwiGLU, arXiv 2002.05202), which keeps less for its gradient.

Autograd keeps gate, up and silu(gate), the largest activations of a layer. Here silu(gate) is computed again, which
costs nearly nothing. As in Liger Kernel (arXiv 2410.10989).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from transformers.activations import SiLUActivation


def apply_feed_forward(block: Any, x: torch.Tensor) -> torch.Tensor:
    """What transformers' block of `gate_proj`, `up_proj` and `down_proj` gives for x (N, hidden): (N, hidden).

    The output has the same bits, and in float32 the gradient, too. Where autocast computes in bfloat16, gate and up are
    kept in bfloat16.
    """
    if not isinstance(block.act_fn, SiLUActivation):
        return block(x)  # type: ignore[no-any-return]
    gate, up = block.gate_proj(x), block.up_proj(x)
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else gate.dtype
    return block.down_proj(_GatedSilu.apply(gate, up, dtype))  # type: ignore[no-any-return]


class _GatedSilu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor, kept: torch.dtype) -> torch.Tensor:
        ctx.save_for_backward(gate.to(kept), up.to(kept))
        return F.silu(gate) * up

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:  # type: ignore[override]
        gate, up = (x.to(grad.dtype) for x in ctx.saved_tensors)
        return torch.ops.aten.silu_backward(grad * up, gate), grad * F.silu(gate), None
