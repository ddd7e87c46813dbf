"""The weights of a Llama-family model as a decode step of fixed shape reads them: few large products, adapters beside.

Query, key and value are one product, gate and up are one, and the adapters' A matrices are stacked. A captured step
reads its weights at fixed addresses. So adapters are copied into tensors that stay, and `StepWeights.refresh` says
whether anything has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from openrft.prefix_tree.llama import apply_norm, apply_rotary


class StepWeights:
    """The layers of `model`, a base model in transformers' sense with a head (LlamaForCausalLM)."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.layers = [LayerWeights(layer) for layer in model.model.layers]
        self._signature: tuple[Any, ...] = ()

    def refresh(self) -> bool:
        """Take over the weights and adapters as they are now. Whether a step that was captured before is void."""
        for layer in self.layers:
            for projection in (layer.qkv, layer.out, layer.gate_up, layer.down):
                projection.refresh()
        before = self._signature
        adapters = (p.signature for layer in self.layers for p in (layer.qkv, layer.out, layer.gate_up, layer.down))
        self._signature = (*(p.data_ptr() for p in self.model.parameters()), *adapters)
        return self._signature != before


class LayerWeights:
    """One layer: its norms and its four products."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.input_norm, self.output_norm = layer.input_layernorm, layer.post_attention_layernorm
        self.q_norm, self.k_norm = getattr(attention, "q_norm", None), getattr(attention, "k_norm", None)
        self.head_dim, self.scaling, self.activation = attention.head_dim, attention.scaling, mlp.act_fn
        self.qkv = Projection(attention, ("q_proj", "k_proj", "v_proj"))
        self.out = Projection(attention, ("o_proj",))
        self.gate_up = Projection(mlp, ("gate_proj", "up_proj"))
        self.down = Projection(mlp, ("down_proj",))
        self._key_heads = attention.k_proj.out_features // attention.head_dim

    def project(
        self, x: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys and values (N, heads, D) of the normed x (N, hidden), rotated by `turns`, the cosines and sines
        (N, 1, D) of their positions."""
        qkv = self.qkv(x).view(len(x), -1, self.head_dim)
        own = self._key_heads
        q, k, v = qkv.split([qkv.shape[1] - 2 * own, own, own], 1)
        if self.q_norm is not None:
            q, k = apply_norm(self.q_norm, q), apply_norm(self.k_norm, k)
        turned = apply_rotary(torch.cat([q, k], 1), *turns)
        q, k = turned.split([turned.shape[1] - own, own], 1)
        return q, k, v

    def finish(self, attended: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The layer's output (N, hidden), in the place of x: what attention gave, added to its input x, and the
        feed-forward part."""
        x = self.out(attended, x)
        gate, up = self.gate_up(apply_norm(self.output_norm, x)).chunk(2, -1)
        return self.down(self.activation(gate) * up, x)


class Projection:
    """Linear layers of `parent` that read the same input, as one product.

    Layers that are no plain ones (4-bit weights, adapters other than LoRA) are called as they are.
    """

    def __init__(self, parent: Any, names: Sequence[str]) -> None:
        self._parent, self._names = parent, names
        self._modules: list[Any] = []
        self._parts: list[torch.Tensor] = []  # of `_weight`, one for each of several layers
        self._weight: torch.Tensor | None = None  # (out, in); None: the layers are called as they are
        self._bias: torch.Tensor | None = None
        self._down: torch.Tensor | None = None  # (ranks, in): the A matrices of all adapters
        self._up: torch.Tensor | None = None  # (out, ranks): their scaled B matrices, zero outside their own layer

    @property
    def signature(self) -> tuple[Any, ...]:
        """Where the tensors of the product are."""
        kept = (self._weight, self._bias, self._down, self._up)
        return tuple(t.data_ptr() if t is not None else None for t in kept)

    def __call__(self, x: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        """x (lines, in) -> (lines, out of all layers), plus `residual` if it is given, which is written over."""
        if self._weight is None:
            y = torch.cat([module(x) for module in self._modules], -1)
            return y if residual is None else residual + y
        if residual is None:
            y = F.linear(x, self._weight, self._bias)
        else:
            y = residual.addmm_(x, self._weight.T)  # in place: on a GPU `torch.addmm` copies its first argument
            y = y if self._bias is None else y + self._bias
        if self._down is None or self._up is None:
            return y
        return y.addmm_(F.linear(x, self._down), self._up.T)

    def refresh(self) -> None:
        """Take over the layers' weights, biases and adapters as they are now."""
        self._modules = [getattr(self._parent, name) for name in self._names]
        if not all(map(_is_plain, self._modules)):
            self._weight = self._bias = self._down = self._up = None
            return
        bases = [_get_base(module) for module in self._modules]
        self._take_weights(bases)
        self._take_biases(bases)
        self._take_adapters()

    def _take_weights(self, bases: Sequence[Any]) -> None:
        """Put the weights behind each other in one tensor. The layers' own become views of it, so that no memory is
        needed for a second copy. Outside of inference mode, because they may be trained on."""
        if len(bases) == 1:
            self._weight = bases[0].weight.data
            return
        where = [part.data_ptr() for part in self._parts]
        if self._weight is not None and where == [base.weight.data_ptr() for base in bases]:
            return
        with torch.inference_mode(False), torch.no_grad():
            self._weight = torch.cat([base.weight.data for base in bases])
            self._parts = list(self._weight.split([base.out_features for base in bases]))
            for base, part in zip(bases, self._parts, strict=True):
                base.weight.data = part

    def _take_biases(self, bases: Sequence[Any]) -> None:
        if all(base.bias is None for base in bases):
            self._bias = None
            return
        parts = [b.weight.new_zeros(b.out_features) if b.bias is None else b.bias.data for b in bases]
        self._bias = _keep(self._bias, torch.cat(parts))

    def _take_adapters(self) -> None:
        """A step adds B A x for all adapters of all layers in two products."""
        downs, ups, out, start = [], [], sum(_get_base(m).out_features for m in self._modules), 0
        for module in self._modules:
            width = _get_base(module).out_features
            for a, b, scaling in _list_adapters(module):
                downs.append(a)
                ups.append(F.pad(b * scaling, (0, 0, start, out - start - width)))
            start += width
        if not downs or self._weight is None:
            self._down = self._up = None
            return
        self._down = _keep(self._down, torch.cat(downs).to(self._weight.dtype))
        self._up = _keep(self._up, torch.cat(ups, 1).to(self._weight.dtype))


def _keep(kept: torch.Tensor | None, new: torch.Tensor) -> torch.Tensor:
    """`new`, at the address of `kept` if it has the same shape."""
    if kept is None or kept.shape != new.shape:
        return new
    return kept.copy_(new)


def _get_base(module: Any) -> Any:
    """The linear layer under an adapter, or the layer itself."""
    return module.get_base_layer() if hasattr(module, "get_base_layer") else module


def _is_plain(module: Any) -> bool:
    """Whether a layer is an ordinary linear one, with at most LoRA's usual adapters on it."""
    base = _get_base(module)
    if type(base) is not torch.nn.Linear or not base.weight.is_floating_point():
        return False
    if base is module:
        return True
    usual = type(module).__module__ == "peft.tuners.lora.layer" and type(module).__name__ == "Linear"
    return usual and not module.lora_variant and not any(module.lora_bias.values())


def _list_adapters(module: Any) -> list[tuple[torch.Tensor, torch.Tensor, float]]:
    """A (rank, in), B (out, rank) and the scaling of each active adapter of a layer."""
    if not hasattr(module, "lora_A") or module.disable_adapters or module.merged:
        return []
    names = [name for name in module.active_adapters if name in module.lora_A]
    return [(module.lora_A[n].weight.data, module.lora_B[n].weight.data, module.scaling[n]) for n in names]
