"""The forward pass over a prefix tree: the model's own layers, called in order on all nodes in one sequence."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from openrft.prefix_tree.attention import AttentionPlan, plan_attention
from openrft.prefix_tree.gated_silu import apply_feed_forward
from openrft.prefix_tree.tree import PrefixTree


@dataclass(frozen=True, slots=True)
class ForwardPlan:
    """All that a forward pass needs besides the weights."""

    ids: torch.Tensor  # (nodes,)
    depths: torch.Tensor  # (nodes,)
    asked: torch.Tensor  # the nodes whose states are wanted
    among_all: AttentionPlan
    among_asked: AttentionPlan


def plan_forward(trunk: Any, tree: PrefixTree, wanted: Sequence[int]) -> ForwardPlan:
    """The plan of `forward`, which holds for every pass of this model over this tree."""
    weight = trunk.embed_tokens.weight
    ids, depths, asked = (
        torch.tensor(list(numbers), device=weight.device) for numbers in (tree.ids, tree.depths, wanted)
    )
    return ForwardPlan(ids, depths, asked, *_plan(trunk, tree, (range(len(tree.ids)), wanted), weight))


def forward(trunk: Any, tree: PrefixTree, wanted: Sequence[int], recompute: bool = False) -> torch.Tensor:
    """The normed last hidden states (wanted, hidden) of the nodes `wanted` (in rising order, each once). They carry a
    gradient if it is enabled. The last layer is computed for these nodes only, because nobody reads the others.

    trunk: the base model in transformers' sense (LlamaModel). `supports` must be true of its config.
    recompute: for the gradient keep each layer's input only, and compute the rest again (activation checkpointing,
    arXiv 1604.06174). It takes a third more time and a fraction of the memory, and gives the same numbers.
    """
    return run_plan(trunk, plan_forward(trunk, tree, wanted), recompute)


def run_plan(trunk: Any, plan: ForwardPlan, recompute: bool = False) -> torch.Tensor:
    """`forward` by a plan that was made before."""
    keep_freed_memory()
    x = trunk.embed_tokens(plan.ids)
    cos, sin = (part[:, None] for part in rotary_angles(trunk, x, plan.depths))
    *layers, last = trunk.layers
    recompute = recompute and torch.is_grad_enabled()
    for layer in layers:
        arguments = (layer, x, (cos, sin), plan.among_all)
        x = checkpoint(_apply_layer, *arguments, use_reentrant=False) if recompute else _apply_layer(*arguments)
    asked = plan.asked
    states, x = apply_norm(last.input_layernorm, x), x.index_select(0, asked)
    asking, turned = states.index_select(0, asked), (cos[asked], sin[asked])
    x = x + _attend(last.self_attn, asking, states, turned, (cos, sin), plan.among_asked)
    x = x + apply_feed_forward(last.mlp, apply_norm(last.post_attention_layernorm, x))
    return apply_norm(trunk.norm, x)


def _plan(trunk: Any, tree: PrefixTree, askings: Sequence[Sequence[int]], x: torch.Tensor) -> Sequence[AttentionPlan]:
    """By FlexAttention on a GPU if the model was loaded with it (policy.attention=flex_attention), else by branches."""
    config = trunk.config
    if x.is_cuda and config._attn_implementation == "flex_attention":
        from openrft.prefix_tree.flex import plan_flex, works_on

        layer = trunk.layers[0].self_attn
        if works_on(x.device, x.dtype, config.num_attention_heads, config.num_key_value_heads, layer.head_dim):
            return plan_flex(tree, askings, x, compiled=True)
    return plan_attention(tree, askings, x)


Turns = tuple[torch.Tensor, torch.Tensor]  # cosine and sine, (nodes, 1, D) each


def _apply_layer(layer: Any, x: torch.Tensor, turns: Turns, among: AttentionPlan) -> torch.Tensor:
    """The output (N, hidden) of a whole layer for the nodes x (N, hidden)."""
    states = apply_norm(layer.input_layernorm, x)
    x = x + _attend(layer.self_attn, states, states, turns, turns, among)
    return x + apply_feed_forward(layer.mlp, apply_norm(layer.post_attention_layernorm, x))


def _attend(
    layer: Any, asking: torch.Tensor, x: torch.Tensor, turned: Turns, turns: Turns, among: AttentionPlan
) -> torch.Tensor:
    """Attention of the querying nodes `asking` (A, hidden) to the nodes x (N, hidden): (A, hidden)."""
    size = layer.head_dim
    q, k, v = (part.unflatten(-1, (-1, size)) for part in (layer.q_proj(asking), layer.k_proj(x), layer.v_proj(x)))
    if hasattr(layer, "q_norm"):
        q, k = apply_norm(layer.q_norm, q), apply_norm(layer.k_norm, k)
    q, k = apply_rotary(q, *turned), apply_rotary(k, *turns)
    if q.is_cuda:
        return layer.o_proj(among.attend(q, k, v, layer.scaling))
    # Where products are in bfloat16, queries and keys are in float32 after the rotation. Torch's attention on CPUs
    # takes a third longer in bfloat16 than in float32.
    with torch.autocast("cpu", enabled=False):
        out = among.attend(q, k, v.to(q.dtype), layer.scaling)
    return layer.o_proj(out)


# Layers of these models differ only in biases and norms, which are in the modules themselves.
SUPPORTED_MODELS = {"llama", "mistral", "qwen2", "qwen3"}
# Angles of these kinds do not depend on the length of the sequence.
SUPPORTED_ROPE = {"default", "linear", "llama3", "yarn"}


def supports(config: Any) -> bool:
    """Whether `forward` computes what a model with this config computes."""
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = getattr(config, "layer_types", None) or ()
    return (
        config.model_type in SUPPORTED_MODELS
        and rope.get("rope_type", "default") in SUPPORTED_ROPE
        and not getattr(config, "sliding_window", None)
        and all(kind == "full_attention" for kind in kinds)
    )


MOST = 31 << 20  # bytes; glibc raises its threshold up to 32 MiB


@functools.cache
def keep_freed_memory() -> None:
    """Make glibc keep freed blocks of up to MOST bytes for the next layer.

    Otherwise it returns them to the kernel, and each use begins with a page fault per 4 KiB. That costs a fifth of the
    time of a small model's forward pass. Freeing a large block once raises the threshold (mallopt(3),
    M_MMAP_THRESHOLD).
    """
    torch.empty(MOST, dtype=torch.uint8)


def apply_norm(norm: Any, x: torch.Tensor) -> torch.Tensor:
    """The output of the module `norm` for x, computed by torch's fused kernel."""
    return F.rms_norm(x, x.shape[-1:], norm.weight, norm.variance_epsilon)


def rotary_angles(trunk: Any, like: torch.Tensor, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine (positions, D) of the rotary angles at `positions` (positions,), in the dtype of `like`. The sine
    carries the signs of the rotation, so `apply_rotary` can use `roll`."""
    cos, sin = (part[0] for part in trunk.rotary_emb(like, positions[None]))
    half = sin.shape[-1] // 2
    return cos, torch.cat([-sin[:, :half], sin[:, half:]], -1)


def apply_rotary(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Queries or keys (..., D) rotated by their angles."""
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)
