"""Attention with shared key heads, a bias, and PyTorch's choice of kernels."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend

from openrft.prefix_tree import scaled_attention
from openrft.prefix_tree.scaled_attention import compute_attention, leave_out_cudnn, use_repeatable_kernels
from tests.device import Device


@pytest.mark.parametrize("key_heads", [4, 2, 1])
@pytest.mark.parametrize("biased", [False, True])
def test_it_is_softmax_over_the_keys_that_are_seen(key_heads: int, biased: bool, device: Device) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, heads, 5, 8, device=device.name) for heads in (4, key_heads, key_heads))
    unseen = torch.ones(5, 5, device=device.name).triu(1).bool()
    bias = torch.zeros(2, 1, 5, 5, device=device.name).masked_fill(unseen, -1e30) if biased else None
    every = [x.repeat_interleave(4 // key_heads, 1) for x in (k, v)]
    scores = (q @ every[0].transpose(-1, -2) * 0.3).masked_fill(unseen, -torch.inf)
    device.assert_close(compute_attention(q, k, v, bias, 0.3), scores.softmax(-1) @ every[1], atol=1e-5)


def test_on_a_gpu_a_bias_is_given_a_key_head_for_each_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fast kernel takes a bias and shared heads."""

    class OnGPU(torch.Tensor):
        is_cuda = True  # type: ignore[assignment]

    asked: list[Any] = []

    def attend(q: Any, k: Any, v: Any, bias: Any, **more: Any) -> Any:
        asked.append((k.shape[1], v.shape[1], more["enable_gqa"]))
        return F.scaled_dot_product_attention(q, k, v, bias, **more)

    q, k, v = torch.randn(1, 6, 3, 4), torch.randn(1, 2, 3, 4), torch.randn(1, 2, 3, 4)
    bias = torch.randn(1, 1, 3, 3)
    expected = compute_attention(q, k, v, bias, 0.5)
    monkeypatch.setattr(scaled_attention, "F", SimpleNamespace(scaled_dot_product_attention=attend))
    found = compute_attention(q.as_subclass(OnGPU), k, v, bias, 0.5)
    compute_attention(q.as_subclass(OnGPU), k, v, None, 0.5)  # the causal kernel takes them
    assert asked == [(6, 6, False), (2, 2, True)]
    assert torch.equal(found.as_subclass(torch.Tensor), expected)


def test_kernels_are_chosen_for_bits_that_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Any] = []
    monkeypatch.setattr(scaled_attention, "sdpa_kernel", chosen.append)
    for name in ("cpu", "cuda"):
        use_repeatable_kernels(torch.device(name))
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    use_repeatable_kernels(torch.device("cpu"))
    assert not chosen
    use_repeatable_kernels(torch.device("cuda"))
    assert chosen == [SDPBackend.MATH]


def test_cudnn_is_left_out() -> None:
    before = torch.backends.cuda.cudnn_sdp_enabled()
    try:
        leave_out_cudnn()
        assert not torch.backends.cuda.cudnn_sdp_enabled()
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)
