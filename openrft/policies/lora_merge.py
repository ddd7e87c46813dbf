"""Merge a LoRA adapter into the weights, for the length of a rollout or for good. Sampling is faster without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import Linear, LoraLayer, ParamWrapper

MAX_COPIED_PARAMETERS = 500_000_000  # beyond this, a second copy of the weights costs more than the adapter's products


@contextmanager
def merged_for_sampling(model: Any) -> Iterator[None]:
    """In this context every adapted linear layer has the weight W + BA, and the adapter is off.

    W itself is put back afterwards and not recomputed, so no rounding accumulates over the steps. Does nothing for a
    model without adapter, a large one, one with adapters on more than linear layers (experts), or one in less than
    float32, where rounding W + BA would lose most of a young adapter.
    """
    adapted: list[Any] = [m for m in model.modules() if isinstance(m, LoraLayer)]
    layers = [m for m in adapted if isinstance(m, Linear)]
    if len(layers) < len(adapted):
        yield
        return
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
    nearest would lose every change below half a unit in the last place: most of a young adapter in bfloat16. 4-bit
    weights become whole ones for the same reason: most adapters are smaller than the steps between 4-bit values.
    """
    rng: dict[torch.device, torch.Generator] = {}
    whole = True
    layers: list[Any] = [m for m in model.modules() if isinstance(m, (Linear, ParamWrapper)) or _is_on_quantised(m)]
    for layer in layers:
        base: Any = layer.get_base_layer()
        weight = layer.get_param() if isinstance(layer, ParamWrapper) else base.weight  # of experts, or of one layer
        dtype = base.compute_dtype if is_quantised(base) else weight.dtype
        if dtype == torch.float32 and not is_quantised(base):
            continue
        if weight.device not in rng:
            rng[weight.device] = torch.Generator(weight.device).manual_seed(seed)
        name = layer.active_adapters[0]
        before = _read_quantised(base) if is_quantised(base) else weight.float()
        exact = before + layer.get_delta_weight(name).float()
        merged = exact if dtype == torch.float32 else round_stochastically(exact, dtype, rng[weight.device])
        if is_quantised(base):
            whole = False
            layer.base_layer = _replace_linear(base, merged)
        else:
            weight.data.copy_(merged)  # in place: a decoder may hold several layers as one tensor
        layer.reset_lora_parameters(name, init_lora_weights=True)  # BA = 0: it is not added twice
    return model.merge_and_unload() if whole else _forget_quantisation(model.unload())


def is_quantised(layer: Any) -> bool:
    """Whether a linear layer holds 4-bit weights of bitsandbytes."""
    return hasattr(getattr(layer, "weight", None), "quant_state")


def _is_on_quantised(module: Any) -> bool:
    return isinstance(module, LoraLayer) and is_quantised(module.get_base_layer())


def _read_quantised(layer: Any) -> torch.Tensor:
    """The weight (out, in) of a linear layer of 4-bit weights, in float32."""
    from bitsandbytes.functional import dequantize_4bit

    layer.state_dict()  # on a CPU the first use has rearranged the weight; this puts it back
    return dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()  # type: ignore[no-any-return]


def _replace_linear(layer: Any, weight: torch.Tensor) -> torch.nn.Linear:
    """An ordinary linear layer with this weight and the bias of `layer`."""
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    linear.weight = torch.nn.Parameter(weight, requires_grad=False)
    linear.bias = layer.bias
    return linear


def _forget_quantisation(model: Any) -> Any:
    """The model, all of whose layers are whole, without the marks of a quantised one: it can be saved and moved."""
    model.hf_quantizer.remove_quantization_config(model)
    model.is_loaded_in_4bit = False
    return model


def round_stochastically(exact: torch.Tensor, dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    """`exact` (float32) in `dtype`, rounded up or down with the probabilities that keep its mean."""
    near = exact.to(dtype)
    toward = torch.where(exact > near.float(), torch.inf, -torch.inf).to(dtype)
    other = torch.nextafter(near, toward)
    gap = (other.float() - near.float()).abs()
    chance = torch.where(gap > 0, (exact - near.float()).abs() / gap, 0.0)
    drawn = torch.rand(exact.shape, generator=generator, device=exact.device)
    return torch.where((drawn < chance) & torch.isfinite(other), other, near)
