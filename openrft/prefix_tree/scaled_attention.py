"""PyTorch's attention, asked in a way that its fast kernels for a GPU can answer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel


def compute_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor | None, scale: float
) -> torch.Tensor:
    """q (rows, heads, Q, D), k and v (rows, key heads, K, D) -> (rows, heads, Q, D).

    bias: broadcast to (rows, heads, Q, K) and added to the scores; None: causal.
    """
    shared = q.shape[1] // k.shape[1]
    if shared > 1 and bias is not None and q.is_cuda:
        # The kernel that takes a bias takes no shared heads. PyTorch would hold all scores, in float32.
        k, v = (x.repeat_interleave(shared, 1) for x in (k, v))
    return F.scaled_dot_product_attention(
        q, k, v, bias, is_causal=bias is None, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
    )


def use_repeatable_kernels(device: torch.device) -> AbstractContextManager[object]:
    """In this context attention has a gradient of the same bits every time, if PyTorch is to use deterministic kernels.

    Its fast kernels for a GPU add up the gradient in another order each time, and only warn of it.
    """
    wanted = device.type == "cuda" and torch.are_deterministic_algorithms_enabled()
    return sdpa_kernel(SDPBackend.MATH) if wanted else nullcontext()


def leave_out_cudnn() -> None:
    """Keep cuDNN's attention from being chosen, which PyTorch prefers on newer GPUs.

    It plans anew for each shape, and the rows of a prefix tree come in many. With a bias its gradient can be no number
    (https://github.com/pytorch/pytorch/issues/196678).
    """
    torch.backends.cuda.enable_cudnn_sdp(False)
