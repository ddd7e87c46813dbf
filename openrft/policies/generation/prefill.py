"""Run a batch of prompts once: their keys and values, and the logits of the next token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import DynamicCache

PREFILL = 4096  # prompt tokens per forward pass, so that large batches need no more memory than small ones


def prefill(
    model: Any, prompts: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, DynamicCache, torch.Tensor, torch.Tensor]:
    """Run the prompts: logits after their last tokens (B, 1, V), the filled cache, mask and positions (B, width)."""
    ids, mask = pad_left(prompts, pad, model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    cache = DynamicCache(config=model.config)
    out = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return out.logits[:, -1:], cache, mask, positions


def pad_left(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask (B, longest) with padding on the left, so that all rows end at the same column."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(r)) + list(r) for r in rows], device=device)
    mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows], device=device)
    return ids, mask


def split_prompts(prompts: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    """The prompts in order, in parts of at most PREFILL tokens including padding, or of one prompt."""
    start = 0
    for end in range(1, len(prompts) + 1):
        if end == len(prompts) or (end + 1 - start) * max(map(len, prompts[start : end + 1])) > PREFILL:
            yield prompts[start:end]
            start = end
