"""The forward pass over a forest: the model's own layers, called in order, over the nodes in one long row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from openrft.forest.attention import Plan, plans
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
    cos, sin = (part[0, :, None] for part in trunk.rotary_emb(x, torch.tensor([forest.depths], device=device)))
    half = cos.shape[-1] // 2
    sin = torch.cat([-sin[..., :half], sin[..., half:]], -1)  # signs of the rotation, so that it is a roll
    *layers, last = trunk.layers
    among_all, among_wanted = plans(forest, (range(len(forest.ids)), wanted), x)
    for layer in layers:
        normed = _normed(layer.input_layernorm, x)
        x = x + _attended(layer.self_attn, normed, normed, (cos, sin), (cos, sin), among_all)
        x = x + layer.mlp(_normed(layer.post_attention_layernorm, x))
    asked = torch.tensor(wanted, device=device)
    normed, x = _normed(last.input_layernorm, x), x.index_select(0, asked)
    asking, turned = normed.index_select(0, asked), (cos[asked], sin[asked])
    x = x + _attended(last.self_attn, asking, normed, turned, (cos, sin), among_wanted)
    x = x + last.mlp(_normed(last.post_attention_layernorm, x))
    return _normed(trunk.norm, x)


Angles = tuple[torch.Tensor, torch.Tensor]  # cosine and sine, (nodes, 1, D) each


def _attended(
    layer: Any, asking: torch.Tensor, x: torch.Tensor, turned: Angles, angles: Angles, among: Plan
) -> torch.Tensor:
    """Attention of the nodes `asking` (A, hidden) to nodes x (N, hidden): (A, hidden)."""
    size = layer.head_dim
    q, k, v = (part.unflatten(-1, (-1, size)) for part in (layer.q_proj(asking), layer.k_proj(x), layer.v_proj(x)))
    if hasattr(layer, "q_norm"):
        q, k = _normed(layer.q_norm, q), _normed(layer.k_norm, k)
    return layer.o_proj(among.attend(_rotated(q, turned), _rotated(k, angles), v, layer.scaling))


def _rotated(x: torch.Tensor, angles: Angles) -> torch.Tensor:
    cos, sin = angles
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


def _normed(norm: Any, x: torch.Tensor) -> torch.Tensor:
    return F.rms_norm(x, x.shape[-1:], norm.weight, norm.variance_epsilon)
