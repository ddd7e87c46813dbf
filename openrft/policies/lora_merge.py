"""Merge a LoRA adapter into the weights, for the length of a rollout or for good. Sampling is faster without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import Linear

MAX_COPIED_PARAMETERS = 500_000_000  # beyond this, a second copy of the weights costs more than the adapter's products


@contextmanager
def merged_for_sampling(model: Any) -> Iterator[None]:
    """In this context every adapted linear layer has the weight W + BA, and the adapter is off.

    W itself is put back afterwards and not recomputed, so no rounding accumulates over the steps. Does nothing for a
    model without adapter, a large one, or one in less than float32, where rounding W + BA would lose most of a young
    adapter.
    """
    layers = [m for m in model.modules() if isinstance(m, Linear)]
    exact = all(layer.get_base_layer().weight.dtype == torch.float32 for layer in layers)  # type: ignore[union-attr]
    if not layers or not exact or sum(p.numel() for p in model.parameters()) > MAX_COPIED_PARAMETERS:
        yield
        return
    kept: list[torch.Tensor] = [layer.get_base_layer().weight.data for layer in layers]  # type: ignore[misc]
    try:
        with torch.no_grad():
            for layer, weight in zip(layers, kept, strict=True):
                layer.get_base_layer().weight.data = weight + layer.get_delta_weight(layer.active_adapters[0])
        with model.disable_adapter():
            yield
    finally:
        for layer, weight in zip(layers, kept, strict=True):
            layer.get_base_layer().weight.data = weight


@torch.no_grad()
def merge_with_stochastic_rounding(model: Any, seed: int) -> Any:
    """The model with its adapter merged for good.

    Weights in less than float32 are rounded stochastically with this seed, which keeps W + BA in the mean. Rounding to
    nearest would lose every change below half a unit in the last place: most of a young adapter in bfloat16.
    """
    rng: dict[torch.device, torch.Generator] = {}
    for layer in (m for m in model.modules() if isinstance(m, Linear)):
        weight: Any = layer.get_base_layer().weight
        if weight.dtype == torch.float32:
            continue
        if weight.device not in rng:
            rng[weight.device] = torch.Generator(weight.device).manual_seed(seed)
        exact = weight.float() + layer.get_delta_weight(layer.active_adapters[0]).float()
        weight.data = round_stochastically(exact, weight.dtype, rng[weight.device])
        layer.reset_lora_parameters(layer.active_adapters[0], init_lora_weights=True)  # BA = 0: it is not added twice
    return model.merge_and_unload()


def round_stochastically(exact: torch.Tensor, dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    """`exact` (float32) in `dtype`, rounded up or down with the probabilities that keep its mean."""
    near = exact.to(dtype)
    toward = torch.where(exact > near.float(), torch.inf, -torch.inf).to(dtype)
    other = torch.nextafter(near, toward)
    gap = (other.float() - near.float()).abs()
    chance = torch.where(gap > 0, (exact - near.float()).abs() / gap, 0.0)
    drawn = torch.rand(exact.shape, generator=generator, device=exact.device)
    return torch.where((drawn < chance) & torch.isfinite(other), other, near)
