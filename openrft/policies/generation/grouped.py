"""Decoding the Llama family with shared prompts: the rows of a group share one copy of their prompt's keys and values.

    lines        group 0: row 0 ... row n-1 | group 1: row 0 ... | ...
    prompt_keys  (groups, heads, D, prompt)      one copy per group, used by all of its rows in one matrix product
    own_keys     (lines, heads, room, D)         written in place, never copied to grow

A step calls the model's own layers in order, with attention over both parts under one softmax. The forward pass of
transformers would repeat the prompt for each row and copy the whole cache at each step. For small models it would also
spend more time on Python than on arithmetic.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from openrft.policies.generation.prefill import prefill, split_prompts
from openrft.prefix_tree.llama import apply_norm, apply_rotary, rotary_angles


class GroupedBatch:
    """See `openrft.policies.generation.batches.Batch`."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], n: int, max_tokens: int, pad: int) -> None:
        self._model = model.get_base_model() if hasattr(model, "peft_config") else model
        parts = [prefill(model, part, pad) for part in split_prompts(prompts)]
        first = torch.cat([logits[:, -1] for logits, *_ in parts])
        self.logits = first.float().repeat_interleave(n, 0)
        self._groups, self._members, self._most = len(prompts), n, len(prompts)
        self._length, self._written = torch.tensor([len(p) for p in prompts], device=model.device), 0
        width = max(map(len, prompts))
        hidden = torch.arange(width, device=model.device) < width - self._length[:, None]
        blank = torch.finfo(model.dtype).min
        self._bias = (hidden * blank).to(model.dtype)[:, None, None]  # (groups, 1, 1, prompt): hides the padding
        self._prompt, self._own = [], []
        for layers in zip(*(cache.layers for _, cache, *_ in parts), strict=True):
            keys, values = (_stack([getattr(c, name) for c in layers], width) for name in ("keys", "values"))
            self._prompt.append((keys.transpose(-1, -2).contiguous(), values))
            shape = (len(prompts) * n, keys.shape[1], max_tokens, keys.shape[-1])
            self._own.append((keys.new_empty(shape), keys.new_empty(shape)))
        every = torch.arange(width + max_tokens, device=model.device)
        self._cos, self._sin = rotary_angles(self._model.model, first, every)

    def step(self, token: torch.Tensor) -> None:
        core = self._model.model
        position = (self._length + self._written).repeat_interleave(self._members)
        cos, sin = self._cos[position, None], self._sin[position, None]
        x = core.embed_tokens(token)
        for index, layer in enumerate(core.layers):
            x = x + self._attend(index, layer.self_attn, apply_norm(layer.input_layernorm, x), cos, sin)
            x = x + layer.mlp(apply_norm(layer.post_attention_layernorm, x))
        self._written += 1
        self.logits = self._model.lm_head(apply_norm(core.norm, x)).float()

    def _attend(self, index: int, layer: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """Attention of each line's newest token over its group's prompt and its own tokens: (lines, hidden)."""
        lines, at, size = len(x), self._written, layer.head_dim
        q, k, v = (p(x).view(lines, -1, size) for p in (layer.q_proj, layer.k_proj, layer.v_proj))
        if hasattr(layer, "q_norm"):
            q, k = apply_norm(layer.q_norm, q), apply_norm(layer.k_norm, k)
        heads = k.shape[1]
        both = apply_rotary(torch.cat([q * layer.scaling, k], 1), cos, sin)
        keys, values = (own[:lines] for own in self._own[index])
        keys[:, :, at], values[:, :, at] = both[:, -heads:], v
        q = both[:, :-heads].view(lines, heads, -1, size)  # (lines, key heads, queries a key head, D)
        shared_keys, shared_values = self._prompt[index]
        over_prompt = self._by_group(q) @ shared_keys + self._bias
        over_own = q @ keys[:, :, : at + 1].transpose(-1, -2)
        width = over_prompt.shape[-1]
        weights = torch.cat([self._by_line(over_prompt, q), over_own], -1).softmax(-1, dtype=torch.float32).to(q.dtype)
        out = self._by_line(self._by_group(weights[..., :width]) @ shared_values, q)
        out = out + weights[..., width:] @ values[:, :, : at + 1]
        return layer.o_proj(out.reshape(lines, -1))

    def _by_group(self, x: torch.Tensor) -> torch.Tensor:
        """(lines, key heads, queries, D) -> (groups, key heads, members * queries, D)."""
        grouped = x.view(self._groups, self._members, *x.shape[1:]).transpose(1, 2)
        return grouped.reshape(self._groups, x.shape[1], -1, x.shape[-1])

    def _by_line(self, x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """The inverse of `_by_group`: the shape of `like`, except for the last dimension."""
        members = x.view(self._groups, x.shape[1], self._members, like.shape[2], -1).transpose(1, 2)
        return members.reshape(*like.shape[:3], -1)

    def compact(self, running: torch.Tensor) -> torch.Tensor:
        flags = running.view(self._groups, self._members).tolist()
        alive = [[g * self._members + m for m, on in enumerate(row) if on] for g, row in enumerate(flags)]
        self._members = _members([len(kept) for kept in alive if kept], self._members, self._most)
        filling = running.tolist().index(False)
        lines, groups = list[int](), list[int]()
        for group, kept in enumerate(alive):
            for start in range(0, len(kept), self._members):
                part = kept[start : start + self._members]
                lines += part + [filling] * (self._members - len(part))
                groups.append(group)
        if groups != list(range(self._groups)):
            self._select_groups(torch.tensor(groups, device=running.device))
        old = torch.tensor(lines, device=running.device)
        for own in itertools.chain(*self._own):
            own[: len(lines), :, : self._written] = own[old, :, : self._written]
        return old

    def _select_groups(self, group: torch.Tensor) -> None:
        self._groups, self._length, self._bias = len(group), self._length[group], self._bias[group]
        self._prompt = [(keys[group], values[group]) for keys, values in self._prompt]


def _members(alive: Sequence[int], members: int, most: int) -> int:
    """The number of rows per group that minimises groups and lines together.

    A group with more rows left is split, which copies its prompt. A group with fewer is padded. A row and a copy of a
    prompt cost about the same time. There are never more than `most` groups, so the reserved memory suffices.
    """

    def groups(size: int) -> int:
        return sum(-(-count // size) for count in alive)

    return min((m for m in range(1, members + 1) if groups(m) <= most), key=lambda m: groups(m) * (m + 1))


def _stack(parts: Sequence[torch.Tensor], width: int) -> torch.Tensor:
    """Keys or values (B, heads, own width, D) of several batches as one tensor, padded on the left to `width`."""
    return torch.cat([F.pad(part, (0, 0, width - part.shape[2], 0)) for part in parts])
