"""Fold a LoRA adapter into the weights for the length of a rollout: sampling then costs what the bare model costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import Linear

LARGEST = 500_000_000  # parameters; beyond, a second copy of the weights costs more than the adapter's extra products


@contextmanager
def folded(model: Any) -> Iterator[None]:
    """Within this context every adapted linear layer is W + BA and the adapter is off. W itself is put back after, not
    recomputed, so that no rounding piles up over the steps. Does nothing for a model without adapter, or a large one.
    """
    layers = [m for m in model.modules() if isinstance(m, Linear)]
    if not layers or sum(p.numel() for p in model.parameters()) > LARGEST:
        yield
        return
    kept: list[torch.Tensor] = [layer.get_base_layer().weight.data for layer in layers]  # type: ignore[misc]
    with torch.no_grad():
        for layer, weight in zip(layers, kept, strict=True):
            layer.get_base_layer().weight.data = weight + layer.get_delta_weight(layer.active_adapters[0])
    with model.disable_adapter():
        try:
            yield
        finally:
            for layer, weight in zip(layers, kept, strict=True):
                layer.get_base_layer().weight.data = weight
