"""The forward pass over a forest: the model's own layers, called in order, over the nodes in one long row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from openrft.forest.attention import Plan, plans
from openrft.forest.layers import angles, normed, rotated
from openrft.forest.memory import keep_freed
from openrft.forest.tree import Forest


def read(trunk: Any, forest: Forest, wanted: Sequence[int]) -> torch.Tensor:
    """Last hidden states (wanted, hidden) of the nodes `wanted` (rising, each once), normed, as the trunk without its
    head has them; with gradient, if that is on. Nobody reads the last layer of the other nodes: there they are left
    out.

    trunk: what transformers calls the base model (LlamaModel), of which `readable` must be true.
    """
    keep_freed()
    device = trunk.embed_tokens.weight.device
    x = trunk.embed_tokens(torch.tensor(forest.ids, device=device))
    cos, sin = (part[:, None] for part in angles(trunk, x, torch.tensor(forest.depths, device=device)))
    *layers, last = trunk.layers
    among_all, among_wanted = plans(forest, (range(len(forest.ids)), wanted), x)
    for layer in layers:
        states = normed(layer.input_layernorm, x)
        x = x + _attended(layer.self_attn, states, states, (cos, sin), (cos, sin), among_all)
        x = x + layer.mlp(normed(layer.post_attention_layernorm, x))
    asked = torch.tensor(wanted, device=device)
    states, x = normed(last.input_layernorm, x), x.index_select(0, asked)
    asking, turned = states.index_select(0, asked), (cos[asked], sin[asked])
    x = x + _attended(last.self_attn, asking, states, turned, (cos, sin), among_wanted)
    x = x + last.mlp(normed(last.post_attention_layernorm, x))
    return normed(trunk.norm, x)


Turns = tuple[torch.Tensor, torch.Tensor]  # cosine and sine, (nodes, 1, D) each


def _attended(
    layer: Any, asking: torch.Tensor, x: torch.Tensor, turned: Turns, turns: Turns, among: Plan
) -> torch.Tensor:
    """Attention of the nodes `asking` (A, hidden) to nodes x (N, hidden): (A, hidden)."""
    size = layer.head_dim
    q, k, v = (part.unflatten(-1, (-1, size)) for part in (layer.q_proj(asking), layer.k_proj(x), layer.v_proj(x)))
    if hasattr(layer, "q_norm"):
        q, k = normed(layer.q_norm, q), normed(layer.k_norm, k)
    return layer.o_proj(among.attend(rotated(q, *turned), rotated(k, *turns), v, layer.scaling))
