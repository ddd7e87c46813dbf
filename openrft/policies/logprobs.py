"""Log-probabilities and values of completions, with gradient. The prompt of a group is computed once and shared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from openrft.policies.generation.own_cache import needs_own_cache
from openrft.policies.generation.prefill import prefill
from openrft.prefix_tree import build_prefix_tree, get_plan, plan_forward, run_plan, supports

LOGITS_BYTES = 256 << 20  # of float32 logits at once


def compute_logprobs(
    model: Any,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    pad: int,
    temperature: float = 1.0,
    recompute: bool = False,
    across_prompts: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """log pi(token | prompt, tokens before) at `temperature` for each completion token.

    Args: prompts and completions, B lists of token ids; rows with the same prompt should be adjacent. recompute: keep
    fewer activations for the gradient and compute the others again (models with a forward pass over trees only).
    across_prompts: what the prompts of all rows have in common is computed once too, which rounds otherwise (likewise).
    Returns: (B, T) log-probabilities, zero where the mask is zero, and the mask (B, T). T is the longest completion.
    Gradients flow through the shared prompt's keys and values into every member of its group.
    """
    _refuse_empty(completions)
    rows, mask = _pad_right(completions, pad, model.device)
    targets = torch.tensor([token for c in completions for token in c], device=model.device)
    if not supports(model.config):
        logits = _predict(model, prompts, rows, mask, pad)[mask.bool()]
        return _by_row(_log_softmax(logits, targets, temperature), mask), mask
    states, at = _along_trees(model, prompts, completions, recompute, across_prompts)
    logp = _score_tokens(_base(model).lm_head, states, at, targets, temperature)
    return _by_row(logp, mask), mask


def _score_tokens(
    head: Any, states: torch.Tensor, at: torch.Tensor, targets: torch.Tensor, temperature: float
) -> torch.Tensor:
    """log pi (N,) of the tokens `targets` (N,), each predicted from the hidden state `states[at]` (nodes, hidden).

    The vocabulary's logits are held for some nodes at a time, also for the gradient, which computes them again: for
    20,000 tokens and 128,000 words they would take 10 GB.
    """
    size = max(1, LOGITS_BYTES // (4 * int(head.weight.shape[0])))

    def score(part: torch.Tensor, inside: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits = head(part)
        each_once = len(inside) == len(part) and bool((inside[1:] > inside[:-1]).all())
        return _log_softmax(logits if each_once else logits[inside], tokens, temperature)

    if len(states) <= size:
        return score(states, at, targets)

    logp = torch.zeros(len(targets), device=states.device)
    for first in range(0, len(states), size):
        chosen = ((at >= first) & (at < first + size)).nonzero()[:, 0]
        part = (states[first : first + size], at[chosen] - first, targets[chosen])
        scored = checkpoint(score, *part, use_reentrant=False) if torch.is_grad_enabled() else score(*part)
        logp = logp.index_put((chosen,), scored)
    return logp


def _log_softmax(logits: torch.Tensor, targets: torch.Tensor, temperature: float) -> torch.Tensor:
    """log pi (N,) of the tokens `targets` (N,) from logits (N, V), in float32."""
    logits = logits.float()
    return -F.cross_entropy(logits if temperature == 1 else logits / temperature, targets, reduction="none")


def compute_logits(
    model: Any,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    pad: int,
    recompute: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits before each completion token (N, V), those of all completions in order, and the mask (B, T).

    Args as for `compute_logprobs`, with the same gradient. All N rows of the vocabulary are held at once.
    """
    _refuse_empty(completions)
    rows, mask = _pad_right(completions, pad, model.device)
    if not supports(model.config):
        return _predict(model, prompts, rows, mask, pad)[mask.bool()], mask
    states, at = _along_trees(model, prompts, completions, recompute)
    logits: torch.Tensor = _base(model).lm_head(states)[at]
    return logits, mask


def compute_values(
    model: Any, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """V(s_t) before each completion token. `model` is a critic whose `logits` are values (B, T, 1).

    Args and mask as for `compute_logprobs`. Returns: (B, T) values, zero where the mask is zero, and the mask.
    """
    _refuse_empty(completions)
    rows, mask = _pad_right(completions, pad, model.device)
    if supports(model.config):
        states, at = _along_trees(model, prompts, completions)
        values = _base(model).lm_head(states)[at]
    else:
        values = _predict(model, prompts, rows, mask, pad)[mask.bool()]
    return _by_row(values[..., 0].float(), mask), mask


def _by_row(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(N,) values of the tokens of all completions in order, as (B, T), zero where the mask is zero."""
    return torch.zeros_like(mask, dtype=values.dtype).masked_scatter(mask.bool(), values)


def _refuse_empty(completions: Sequence[Sequence[int]]) -> None:
    if any(not c for c in completions):
        raise ValueError("an empty completion has no tokens to score; leave it out")


def _base(model: Any) -> Any:
    """The causal language model without PEFT's cover. Its adapters stay in it."""
    return model.get_base_model() if hasattr(model, "peft_config") else model


def _along_trees(
    model: Any,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    recompute: bool = False,
    across_prompts: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states (nodes, hidden), and for each completion token the one that predicts it (N,). Each distinct prefix
    of a group is computed once; `across_prompts`: of all rows."""
    rows = [(tuple(prompt), tuple(completion)) for prompt, completion in zip(prompts, completions, strict=True)]
    trunk = _base(model).model
    weight = trunk.embed_tokens.weight

    def make() -> tuple[tuple[Any, torch.Tensor], int]:
        groups = [[(*prompt, *c[:-1]) for prompt, c in group] for _, group in groupby(rows, key=itemgetter(0))]
        if across_prompts:
            groups = [[row for group in groups for row in group]]
        tree = build_prefix_tree(groups)
        predicting = [n for path, (p, _) in zip(tree.paths, rows, strict=True) for n in path[len(p) - 1 :]]
        wanted = sorted(set(predicting))
        number = {node: i for i, node in enumerate(wanted)}
        at = torch.tensor([number[node] for node in predicting], device=model.device)
        return (plan_forward(trunk, tree, wanted), at), len(tree.ids)

    plan, at = get_plan((tuple(rows), across_prompts, id(trunk), weight.device, weight.dtype), make)
    return run_plan(trunk, plan, recompute), at


def _predict(
    model: Any, prompts: Sequence[Sequence[int]], targets: torch.Tensor, target_mask: torch.Tensor, pad: int
) -> torch.Tensor:
    """The model's outputs before each completion token (B, T, V), by transformers' own forward pass."""
    if not needs_own_cache(model.config):
        return _after_prefill(model, prompts, targets, target_mask, pad)
    # Padding is on the right, after everything that is read, so no state depends on it.
    lengths = [len(p) for p in prompts]
    rows = [[*p, *t[m.bool()].tolist()] for p, t, m in zip(prompts, targets, target_mask, strict=True)]
    ids, mask = _pad_right(rows, pad, model.device)
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    steps = torch.arange(targets.shape[1], device=model.device)
    before = torch.tensor(lengths, device=model.device)[:, None] - 1 + steps
    before = before.clamp(max=logits.shape[1] - 1)  # rows that are shorter have no token there, and are masked
    return logits[torch.arange(len(rows), device=model.device)[:, None], before]  # type: ignore[no-any-return]


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
