"""The decode loop: prefill each prompt once, share it over its group, drop rows as they finish.

Knows a causal language model with a key-value cache; knows nothing of chat, adapters or rewards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

KV_BYTES = 192 << 20  # keys and values in flight on a CPU; growing the cache holds it twice for a moment
KV_SHARE = 0.4  # of a GPU's free memory, for the same
COMPACT = 0.125  # share of finished rows at which the cache is compacted: each compaction copies it


@dataclass(slots=True)
class Row:
    """One completion in the making."""

    prompt: int  # index into the prompts
    tokens: list[int]
    logprobs: list[float]
    stopped: bool = False  # an end token was drawn


@torch.inference_mode()
def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    n: int,
    temperature: float,
    top_p: float,
    max_tokens: int,
    stop: Sequence[int],
    pad: int,
    seed: int,
    tick: Callable[[int], None] = lambda rows: None,
) -> list[list[Row]]:
    """`n` rows for each prompt (lists of token ids), in order. `tick(rows)` is told of finished rows.

    Every row draws from a random stream of its own, keyed by (seed, prompt index, sample index), so the other
    rows of a batch do not decide what a row says (beyond floating-point rounding).
    """
    done: list[list[Row]] = [[] for _ in prompts]
    for chunk in _chunks(prompts, n, max_tokens, _positions(model)):
        rows = _decode_chunk(model, prompts, chunk, n, temperature, top_p, max_tokens, stop, pad, seed)
        for row in rows:
            done[row.prompt].append(row)
        tick(len(rows))
    return done


def _positions(model: Any) -> int:
    """How many positions of keys and values fit the memory set aside for them."""
    config = model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = heads * (getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    each = 2 * config.num_hidden_layers * width * model.dtype.itemsize
    if model.device.type == "cuda":
        return int(KV_SHARE * torch.cuda.mem_get_info(model.device)[0] / each)
    return KV_BYTES // each


def _chunks(prompts: Sequence[Sequence[int]], n: int, max_tokens: int, budget: int) -> Iterator[list[int]]:
    """Indices of prompts of similar length whose caches fit the budget (in positions) together."""
    chunk: list[int] = []
    for i in sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i)):
        # Sorted by length, so the newest prompt is the longest: it sets the padded width of all.
        if chunk and (len(chunk) + 1) * n * (len(prompts[i]) + max_tokens) > budget:
            yield chunk
            chunk = []
        chunk.append(i)
    if chunk:
        yield chunk


def _decode_chunk(
    model: Any,
    prompts: Sequence[Sequence[int]],
    chunk: list[int],
    n: int,
    temperature: float,
    top_p: float,
    max_tokens: int,
    stop: Sequence[int],
    pad: int,
    seed: int,
) -> list[Row]:
    device = model.device
    first, cache, mask, positions = prefill(model, [prompts[i] for i in chunk], pad)
    cache.batch_repeat_interleave(n)
    rows = [Row(i, [], []) for i in chunk for _ in range(n)]
    alive = list(range(len(rows)))  # row numbers of the cache's lines
    uniform = _uniforms(rows, n, max_tokens, seed).to(device)
    logits = first[:, -1].float().repeat_interleave(n, 0)
    mask, position = mask.repeat_interleave(n, 0), positions[:, -1:].repeat_interleave(n, 0)
    stops = torch.tensor(sorted(stop), device=device)
    running = torch.ones(len(rows), dtype=torch.bool, device=device)
    for t in range(max_tokens):
        token, logprob = draw(logits, temperature, top_p, uniform[:, t])
        for line, (tok, lp, run) in enumerate(zip(token.tolist(), logprob.tolist(), running.tolist(), strict=True)):
            if run:
                rows[alive[line]].tokens.append(tok)
                rows[alive[line]].logprobs.append(lp)
        running &= ~torch.isin(token, stops)
        left = int(running.sum())
        if left == 0 or t == max_tokens - 1:
            break
        if left <= (1 - COMPACT) * len(alive):
            keep = running.nonzero()[:, 0]
            cache.batch_select_indices(keep)
            token, mask, position, uniform = token[keep], mask[keep], position[keep], uniform[keep]
            alive = [alive[i] for i in keep.tolist()]
            running = running[keep]
        mask = torch.cat([mask, mask.new_ones(len(alive), 1)], 1)
        position = position + 1
        out = model(
            input_ids=token[:, None], attention_mask=mask, position_ids=position, past_key_values=cache, use_cache=True
        )
        logits = out.logits[:, -1].float()
    ends = set(stop)
    for row in rows:
        row.stopped = row.tokens[-1] in ends
    return rows


def _uniforms(rows: list[Row], n: int, max_tokens: int, seed: int) -> torch.Tensor:
    """(rows, max_tokens) uniforms; each row from a generator keyed by (seed, prompt, sample)."""
    lines = []
    for line, row in enumerate(rows):
        generator = torch.Generator().manual_seed((seed * 1_000_003 + row.prompt) * 8191 + line % n)
        lines.append(torch.rand(max_tokens, generator=generator))
    return torch.stack(lines)


def draw(
    logits: torch.Tensor, temperature: float, top_p: float, uniform: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Next tokens (B,) by inverting the cumulative distribution at `uniform` (B,), and their log-probabilities
    under softmax(logits / temperature) before any top-p cut. Temperature 0 takes the largest logit."""
    if temperature == 0:
        logp = logits.log_softmax(-1)
        token = logits.argmax(-1)
    else:
        logp = (logits / temperature).log_softmax(-1)
        probs = logp.exp()
        if top_p < 1:
            ordered, order = probs.sort(-1, descending=True)
            ordered[ordered.cumsum(-1) - ordered >= top_p] = 0
            probs = torch.zeros_like(probs).scatter_(-1, order, ordered)
        cdf = probs.double().cumsum(-1)
        token = torch.searchsorted(cdf, (uniform.double()[:, None] * cdf[:, -1:]), right=True)[:, 0]
        token = token.clamp(max=logits.shape[-1] - 1)
    return token, logp.gather(-1, token[:, None])[:, 0]


def prefill(
    model: Any, prompts: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, DynamicCache, torch.Tensor, torch.Tensor]:
    """Run the prompts: logits after their last tokens (B, 1, V), the filled cache, mask and positions (B, width)."""
    ids, mask = left_padded(prompts, pad, model.device)
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


def left_padded(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask (B, longest) with padding on the left, so that all rows end at the same column."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(r)) + list(r) for r in rows], device=device)
    mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows], device=device)
    return ids, mask
