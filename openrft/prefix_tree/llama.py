"""The forward pass over a forest: the model's own layers, called in order, over the nodes in one long row."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch

from openrft.prefix_tree.attention import AttentionPlan, plan_attention
from openrft.prefix_tree.layers import apply_norm, apply_rotary, rotary_angles
from openrft.prefix_tree.tree import PrefixTree


def forward(trunk: Any, forest: PrefixTree, wanted: Sequence[int]) -> torch.Tensor:
    """Last hidden states (wanted, hidden) of the nodes `wanted` (rising, each once), normed, as the trunk without its
    head has them; with gradient, if that is on. Nobody reads the last layer of the other nodes: there they are left
    out.

    trunk: what transformers calls the base model (LlamaModel), of which `readable` must be true.
    """
    keep_freed_memory()
    device = trunk.embed_tokens.weight.device
    x = trunk.embed_tokens(torch.tensor(forest.ids, device=device))
    cos, sin = (part[:, None] for part in rotary_angles(trunk, x, torch.tensor(forest.depths, device=device)))
    *layers, last = trunk.layers
    among_all, among_wanted = plan_attention(forest, (range(len(forest.ids)), wanted), x)
    for layer in layers:
        states = apply_norm(layer.input_layernorm, x)
        x = x + _attended(layer.self_attn, states, states, (cos, sin), (cos, sin), among_all)
        x = x + layer.mlp(apply_norm(layer.post_attention_layernorm, x))
    asked = torch.tensor(wanted, device=device)
    states, x = apply_norm(last.input_layernorm, x), x.index_select(0, asked)
    asking, turned = states.index_select(0, asked), (cos[asked], sin[asked])
    x = x + _attended(last.self_attn, asking, states, turned, (cos, sin), among_wanted)
    x = x + last.mlp(apply_norm(last.post_attention_layernorm, x))
    return apply_norm(trunk.norm, x)


Turns = tuple[torch.Tensor, torch.Tensor]  # cosine and sine, (nodes, 1, D) each


def _attended(
    layer: Any, asking: torch.Tensor, x: torch.Tensor, turned: Turns, turns: Turns, among: AttentionPlan
) -> torch.Tensor:
    """Attention of the nodes `asking` (A, hidden) to nodes x (N, hidden): (A, hidden)."""
    size = layer.head_dim
    q, k, v = (part.unflatten(-1, (-1, size)) for part in (layer.q_proj(asking), layer.k_proj(x), layer.v_proj(x)))
    if hasattr(layer, "q_norm"):
        q, k = apply_norm(layer.q_norm, q), apply_norm(layer.k_norm, k)
    return layer.o_proj(among.attend(apply_rotary(q, *turned), apply_rotary(k, *turns), v, layer.scaling))


# FROM forest/family.py
SUPPORTED_MODELS = {
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
}  # their layers differ in biases and norms only, which modules hold
SUPPORTED_ROPE = {
    "default",
    "linear",
    "llama3",
    "yarn",
}  # angles that do not depend on how long the sequence has become


def supports(config: Any) -> bool:
    """Whether a forward pass through the layers of a model with this config, one after the other, is the model's."""
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = getattr(config, "layer_types", None) or ()
    return (
        config.model_type in SUPPORTED_MODELS
        and rope.get("rope_type", "default") in SUPPORTED_ROPE
        and not getattr(config, "sliding_window", None)
        and all(kind == "full_attention" for kind in kinds)
    )


# FROM forest/memory.py
MOST = 31 << 20  # bytes; glibc raises its threshold up to 32 MiB


@functools.cache
def keep_freed_memory() -> None:
    """Let glibc keep blocks of up to MOST bytes when they are freed, for the next layer to use. It would give them back
    to the kernel, and each use would begin with a page fault for every 4 KiB: a fifth of the time of a small model's
    forward pass. Freeing a large block once is what tells it (mallopt(3), M_MMAP_THRESHOLD)."""
    torch.empty(MOST, dtype=torch.uint8)
