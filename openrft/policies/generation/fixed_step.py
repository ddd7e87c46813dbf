"""One decode step of fixed shape for the Llama family: a token through the model, and the next one drawn.

It computes what `GroupedBatch.step` and `sample_tokens` compute, but so that it can be captured as a CUDA graph: it
reads and writes tensors that stay, its Python depends on the shape alone, and it asks the device for no value. Own keys
have room for `span` tokens, of which a mask hides those to come.
"""

from __future__ import annotations

import torch

from openrft.policies.generation.sampling import sample_tokens
from openrft.policies.generation.step_buffers import StepTensors
from openrft.policies.generation.step_weights import LayerWeights, StepWeights
from openrft.prefix_tree.llama import apply_norm


def advance(weights: StepWeights, tensors: StepTensors, span: int, temperature: float, top_p: float) -> None:
    """Run the token that each line drew last through the model, and draw the next. `span`: more than its index."""
    t, core = tensors, weights.model.model
    x = core.embed_tokens(t.token)
    turns = t.turns.index_select(0, t.length + t.at)  # (lines, 2, D)
    cos, sin = turns[:, None, 0], turns[:, None, 1]
    later = (t.slots[:span] > t.at).to(x.dtype) * torch.finfo(x.dtype).min
    bias = torch.cat([t.hidden, later.expand(len(x), -1)], -1)[:, None]  # (lines, 1, width + span)
    for index, layer in enumerate(weights.layers):
        attended = _attend(index, layer, tensors, apply_norm(layer.input_norm, x), (cos, sin), bias)
        x = layer.finish(attended, x)
    t.at.add_(1)
    draw(tensors, weights.model.lm_head(apply_norm(core.norm, x)).float(), temperature, top_p)


def draw(tensors: StepTensors, logits: torch.Tensor, temperature: float, top_p: float) -> None:
    """Draw the token number `at` of each line from logits (lines, V), and write it down."""
    t = tensors
    uniform = t.uniform.index_select(0, t.at)[0].index_select(0, t.row)
    token, logprob = sample_tokens(logits, temperature, top_p, uniform, blockwise=True)
    # Finished rows keep writing past their end, where nothing is read.
    t.tokens.index_put_((t.at, t.row), token)
    t.logprobs.index_put_((t.at, t.row), logprob)
    ended = t.ends.index_select(0, token) | (t.budget.index_select(0, t.row) <= t.at + 1)
    t.running.logical_and_(~ended)
    t.token.copy_(token)


def _attend(
    index: int,
    layer: LayerWeights,
    tensors: StepTensors,
    x: torch.Tensor,
    turns: tuple[torch.Tensor, torch.Tensor],
    bias: torch.Tensor,
) -> torch.Tensor:
    """Attention of each line's newest token over its group's prompt and its own tokens: (lines, heads * D)."""
    (prompt_keys, prompt_values), (own_keys, own_values) = tensors.prompt[index], tensors.own[index]
    heads, groups, width, size = prompt_keys.shape
    lines, span = len(x), bias.shape[-1] - width
    q, k, v = layer.project(x, turns)
    fresh = torch.cat([k, v], 1).transpose(0, 1).unsqueeze(2)  # (2 * heads, lines, 1, D)
    tensors.own[index].flatten(0, 1).index_copy_(2, tensors.at, fresh)
    queries = q.shape[1] // heads  # of each key head
    # (heads, lines, queries, D), which is also (heads, groups, members * queries, D)
    q = q.view(lines, heads, queries, size).transpose(0, 1).contiguous().view(heads * lines, queries, size)
    by_group = q.view(heads * groups, -1, size)
    over_prompt = by_group @ prompt_keys.flatten(0, 1).transpose(-1, -2)
    over_own = q @ own_keys.flatten(0, 1)[:, :span].transpose(-1, -2)
    scores = torch.cat([over_prompt.view(heads, lines, queries, width), over_own.view(heads, lines, queries, span)], -1)
    shares = torch.add(bias, scores, alpha=layer.scaling).softmax(-1)
    out = shares[..., :width].view(heads * groups, -1, width) @ prompt_values.flatten(0, 1)
    own_shares = shares[..., width:].view(heads * lines, queries, span)
    out = out.view(heads * lines, queries, size).baddbmm_(own_shares, own_values.flatten(0, 1)[:, :span])
    return out.view(heads, lines, -1).transpose(0, 1).reshape(lines, -1)
