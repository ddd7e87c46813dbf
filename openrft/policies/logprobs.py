"""Log-probabilities and values of completions, with gradient. The prompt of a group is computed once and shared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import torch
import torch.nn.functional as F

from openrft.policies.generation.prefill import prefill
from openrft.prefix_tree import build_prefix_tree, forward, supports


def compute_logprobs(
    model: Any,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    pad: int,
    temperature: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """log pi(token | prompt, tokens before) at `temperature` for each completion token.

    Args: prompts and completions, B lists of token ids; rows with the same prompt should be adjacent.
    Returns: (B, T) log-probabilities, zero where the mask is zero, and the mask (B, T). T is the longest completion.
    Gradients flow through the shared prompt's keys and values into every member of its group.
    """
    logits, mask = _predictions(model, prompts, completions, pad)
    targets = torch.tensor([token for c in completions for token in c], device=model.device)
    logp = -F.cross_entropy(logits.float() / temperature, targets, reduction="none")
    return _by_row(logp, mask), mask


def compute_values(
    model: Any, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """V(s_t) before each completion token. `model` is a critic whose `logits` are values (B, T, 1).

    Args and mask as for `compute_logprobs`. Returns: (B, T) values, zero where the mask is zero, and the mask.
    """
    values, mask = _predictions(model, prompts, completions, pad)
    return _by_row(values[..., 0].float(), mask), mask


def _by_row(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(N,) values of the tokens of all completions in order, as (B, T), zero where the mask is zero."""
    return torch.zeros_like(mask, dtype=values.dtype).masked_scatter(mask.bool(), values)


def _predictions(
    model: Any, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The model's outputs before each completion token (N, V), all completions in order, and the mask (B, T)."""
    if any(not c for c in completions):
        raise ValueError("an empty completion has no tokens to score; leave it out")
    targets, mask = _pad_right(completions, pad, model.device)
    if supports(model.config):
        return _along_trees(model, prompts, completions), mask
    return _after_prefill(model, prompts, targets, mask, pad)[mask.bool()], mask


def _along_trees(model: Any, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]) -> torch.Tensor:
    """The model's outputs before each completion token (N, V). Each distinct prefix of a group is computed once."""
    pairs = zip(map(tuple, prompts), completions, strict=True)
    groups = [[(*prompt, *c[:-1]) for _, c in rows] for prompt, rows in groupby(pairs, key=itemgetter(0))]
    tree = build_prefix_tree(groups)
    predicting = [n for path, p in zip(tree.paths, prompts, strict=True) for n in path[len(p) - 1 :]]
    wanted = sorted(set(predicting))
    number = {node: i for i, node in enumerate(wanted)}
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    outputs = base.lm_head(forward(base.model, tree, wanted))
    return outputs[torch.tensor([number[node] for node in predicting], device=model.device)]


def _after_prefill(
    model: Any, prompts: Sequence[Sequence[int]], targets: torch.Tensor, target_mask: torch.Tensor, pad: int
) -> torch.Tensor:
    """The model's outputs before each completion token (B, T, V). Each row follows its prompt's keys and values."""
    groups = [(list(p), len(list(rows))) for p, rows in groupby(map(tuple, prompts))]
    counts = torch.tensor([count for _, count in groups], device=model.device)
    first, cache, mask, positions = prefill(model, [p for p, _ in groups], pad)
    group_of_row = torch.repeat_interleave(torch.arange(len(groups), device=model.device), counts)
    if targets.shape[1] == 1:
        return first[group_of_row]
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
    return torch.cat([first[group_of_row], rest], 1)


def _pad_right(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([list(r) + [pad] * (width - len(r)) for r in rows], device=device)
    mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows], device=device)
    return ids, mask
