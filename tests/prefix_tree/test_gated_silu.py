"""The feed-forward block that keeps less, against transformers' own."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP

from openrft.prefix_tree.gated_silu import apply_feed_forward

HIDDEN, INNER, NODES = 32, 96, 40


def build_block(device, activation="silu"):
    torch.manual_seed(0)
    config = LlamaConfig(hidden_size=HIDDEN, intermediate_size=INNER, hidden_act=activation)
    return LlamaMLP(config).to(device.name)


def run(block, x, apply):
    """The output, the gradients of all inputs, and the bytes kept for them besides the weights and x."""
    weights = {w.untyped_storage().data_ptr() for w in (*block.parameters(), x)}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = tensor, storage.nbytes()  # the tensor, so that its address stays its own
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = apply(block, x)
    gradients = torch.autograd.grad(out.square().sum(), [x, *block.parameters()])
    return out.detach(), gradients, sum(size for _, size in kept.values())


@pytest.fixture
def x(device):
    torch.manual_seed(1)
    return torch.randn(NODES, HIDDEN, device=device.name, requires_grad=True)


def test_same_numbers_and_silu_of_the_gate_is_not_kept(device, x):
    block = build_block(device)
    out, gradients, kept = run(block, x, apply_feed_forward)
    plain, expected, more = run(block, x, lambda block, x: block(x))
    assert torch.equal(out, plain)
    for gradient, right in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, right, rtol=0 if device.same_bits else 1e-5, atol=1e-7 * device.rounding)
    # transformers' keeps gate, up, silu(gate) and their product, which the last weights need; ours not silu(gate).
    assert more - kept == 4 * NODES * INNER


def test_autocast_keeps_gate_and_up_in_bfloat16(device, x):
    block = build_block(device)
    exact = run(block, x, lambda block, x: block(x))[1]
    with torch.autocast(device.name, torch.bfloat16, cache_enabled=False):
        out, gradients, _ = run(block, x, apply_feed_forward)
        plain, expected, _ = run(block, x, lambda block, x: block(x))
    assert torch.equal(out, plain)
    for gradient, right, true in zip(gradients, expected, exact, strict=True):
        coarseness = (right - true).norm()  # of autocast itself
        assert (gradient - true).norm() <= 1.2 * coarseness + 1e-3 * true.norm()


def test_another_activation_is_computed_by_transformers(device, x):
    block = build_block(device, "gelu")
    assert torch.equal(apply_feed_forward(block, x), block(x))
