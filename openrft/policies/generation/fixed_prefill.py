"""The prompts of a decode step of fixed shape, run once through the layers as the step reads them.

transformers' forward pass with an adapter would launch some three times as many kernels, which for a small model takes
longer than the first dozens of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from openrft.policies.generation.prefill import pad_left
from openrft.policies.generation.step_buffers import StepTensors
from openrft.policies.generation.step_weights import StepWeights
from openrft.prefix_tree.llama import apply_norm, rotary_angles
from openrft.prefix_tree.scaled_attention import compute_attention

PASS = 16_384  # prompt tokens of a forward pass, padding included


def run_prompts(weights: StepWeights, tensors: StepTensors, prompts: Sequence[Sequence[int]], pad: int) -> torch.Tensor:
    """Write the prompts' lengths, masks, angles, keys and values into the tensors: the logits (lines, V) of the first
    tokens. Groups without a prompt get length 0."""
    t, shape, device = tensors, tensors.shape, tensors.at.device
    lengths = torch.tensor([len(p) for p in prompts] + [0] * (shape.groups - len(prompts)), device=device)
    t.length.copy_(lengths.repeat_interleave(shape.members))
    columns, least = torch.arange(shape.width, device=device), torch.finfo(t.hidden.dtype).min
    t.hidden.zero_().masked_fill_(columns < shape.width - t.length[:, None], least)
    like = t.hidden.new_empty(0)
    cos, sin = rotary_angles(weights.model.model, like, torch.arange(len(t.turns), device=device))
    t.turns.copy_(torch.stack([cos, sin], 1))
    ids, _ = pad_left([*prompts, [pad] * shape.width], pad, device)  # the last row makes it as wide as the bucket
    size = max(1, PASS // shape.width)
    starts = range(0, len(prompts), size)
    first = [_run(weights, t, ids[:-1][start : start + size], start, lengths[start:]) for start in starts]
    filling = first[0].new_zeros(shape.groups - len(prompts), first[0].shape[-1])
    return torch.cat([*first, filling]).repeat_interleave(shape.members, 0)


def _run(
    weights: StepWeights, tensors: StepTensors, ids: torch.Tensor, start: int, lengths: torch.Tensor
) -> torch.Tensor:
    """Run prompts (B, width), the first of which is that of group `start`: logits (B, V) after their last tokens."""
    t, core, (rows, width) = tensors, weights.model.model, ids.shape
    columns = torch.arange(width, device=ids.device)
    missing = width - lengths[:rows, None]  # (B, 1)
    turns = t.turns[(columns - missing).clamp(min=0)].flatten(0, 1)  # (B * width, 2, D)
    unseen = (columns > columns[:, None]) | (columns < missing)[:, None]  # (B, width, width)
    unseen &= columns != columns[:, None]  # padding sees itself: kernels differ in what they give where nothing is seen
    bias = torch.zeros_like(unseen, dtype=t.hidden.dtype).masked_fill_(unseen, torch.finfo(t.hidden.dtype).min)
    x = core.embed_tokens(ids).flatten(0, 1)
    for index, layer in enumerate(weights.layers):
        parts = layer.project(apply_norm(layer.input_norm, x), (turns[:, None, 0], turns[:, None, 1]))
        q, k, v = (part.unflatten(0, (rows, width)).transpose(1, 2) for part in parts)  # (B, heads, width, D)
        place = t.prompt[index, :, :, start : start + rows]
        place[0], place[1] = k.transpose(0, 1), v.transpose(0, 1)
        attended = compute_attention(q, k, v, bias[:, None], layer.scaling)
        x = layer.finish(attended.transpose(1, 2).flatten(2).flatten(0, 1), x)
    last = x.view(rows, width, -1)[:, -1]
    return weights.model.lm_head(apply_norm(core.norm, last)).float()  # type: ignore[no-any-return]
