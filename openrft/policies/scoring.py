"""Log-probabilities and values of completions, with gradient; a group's prompt is run once and shared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch

from openrft.policies.prefill import prefill


def completion_logprobs(
    model: Any,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    pad: int,
    temperature: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """log pi(token | prompt, tokens before) at `temperature` for each completion token.

    Args: prompts and completions, B lists of token ids; rows with the same prompt should follow each other.
    Returns: (B, T) log-probabilities, zero where the mask is zero, and the mask (B, T), T the longest completion.
    Gradients flow through the shared prompt's keys and values into every member of its group.
    """
    logits, targets, mask = _predictions(model, prompts, completions, pad)
    logp = (logits.float() / temperature).log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    return logp * mask, mask


def completion_values(
    model: Any, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """V(s_t) before each completion token: `model` is a critic whose `logits` are values (B, T, 1).

    Args and mask as for `completion_logprobs`. Returns: (B, T) values, zero where the mask is zero, and the mask.
    """
    values, _, mask = _predictions(model, prompts, completions, pad)
    return values[..., 0].float() * mask, mask


def _predictions(
    model: Any, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the model says before each completion token (B, T, V), the tokens (B, T), and the mask (B, T)."""
    if any(not c for c in completions):
        raise ValueError("an empty completion has no tokens to score; leave it out")
    groups = [(list(p), len(list(rows))) for p, rows in groupby(map(tuple, prompts))]
    counts = torch.tensor([count for _, count in groups], device=model.device)
    first, cache, mask, positions = prefill(model, [p for p, _ in groups], pad)
    group_of_row = torch.repeat_interleave(torch.arange(len(groups), device=model.device), counts)
    targets, target_mask = _right_padded(completions, pad, model.device)
    logits = first[group_of_row]
    if targets.shape[1] > 1:
        cache.batch_select_indices(group_of_row)
        start = positions[group_of_row, -1:] + 1
        steps = torch.arange(targets.shape[1] - 1, device=model.device)
        rest = model(
            input_ids=targets[:, :-1],
            attention_mask=torch.cat([mask[group_of_row], target_mask[:, :-1]], 1),
            position_ids=start + steps,
            past_key_values=cache,
            use_cache=True,
        ).logits
        logits = torch.cat([logits, rest], 1)
    return logits, targets, target_mask


def _right_padded(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([list(r) + [pad] * (width - len(r)) for r in rows], device=device)
    mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows], device=device)
    return ids, mask
