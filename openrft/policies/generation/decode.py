"""The decode loop: prefill each prompt once, share it within its group, drop rows as they end.

It uses a causal language model through `openrft.policies.generation.batches` and knows nothing of chat, adapters or
rewards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch

from openrft.errors import PolicyError
from openrft.policies.base import Sampling
from openrft.policies.generation.batches import count_kv_positions, make_batch
from openrft.policies.generation.own_cache import get_text_config, needs_own_cache
from openrft.policies.generation.sampling import draw_uniforms, sample_tokens
from openrft.runtime.seeds import derive_prompt_seeds

KV_BYTES = 192 << 20  # keys and values in flight on a CPU
KV_SHARE = 0.4  # the same on a GPU, as a share of the memory that the weights leave
CHECK = 32  # steps between checks of `DecodeLimits.is_over`, because each decodes every running row
COMPACT = 0.2  # share of rows that must end before the batch is compacted, because that copies the remaining rows


@dataclass(frozen=True, slots=True)
class DecodedRow:
    """One completion."""

    tokens: list[int]
    logprobs: list[float]
    stopped: bool  # its last token is an end token
    inserted: tuple[int, ...] = ()  # the indexes of tokens that were put in and not drawn


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Where a row ends, besides its token budget, and how prompts are padded."""

    stop: tuple[int, ...]  # end tokens
    context: int  # longest sequence, prompt and completion together
    pad: int
    is_over: Callable[[Sequence[int]], bool] | None = None
    # ^ whether these tokens of a row hold all of its answer, where no end token shows it. More may follow, unread


class ChunkDecoder(Protocol):
    """Another loop for the rows of some prompts, such as `openrft.policies.generation.fixed_decode.FixedDecoder`."""

    def count_kv_positions(self, prompt: int, n: int, max_tokens: int) -> int:
        """The most positions of keys and values that a prompt of this many tokens needs, with its `n` rows."""
        ...

    def decode(
        self,
        model: Any,
        prompts: Sequence[Sequence[int]],
        budgets: list[int],
        uniform: torch.Tensor,
        sampling: Sampling,
        limits: DecodeLimits,
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Tokens and log-probabilities by row; values past a row's end are undefined. `budgets` is lowered where
        `limits.is_over` ends a row. uniform (rows, tokens): a number for each draw."""
        ...


@torch.inference_mode()
def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    limits: DecodeLimits,
    tick: Callable[[int], None] = lambda rows: None,
    decoder: ChunkDecoder | None = None,
) -> list[list[DecodedRow]]:
    """`sampling.n` rows for each prompt (a list of token ids), in order; none for a prompt that fills the context.
    `tick(rows)` is called with the number of rows that finished. `decoder` replaces the loop of this file.

    Every row has its own random stream, keyed by (seed, prompt, sample index), and its own token budget. So the other
    prompts and rows of a batch do not change a row, beyond floating-point rounding. Raises PolicyError if the model's
    probabilities are not finite.
    """
    done: list[list[DecodedRow]] = [[] for _ in prompts]
    keys = derive_prompt_seeds(sampling.seed, [list(prompt) for prompt in prompts])
    fitting = [i for i, prompt in enumerate(prompts) if len(prompt) < limits.context]
    for chunk, samples in _chunks(model, prompts, fitting, sampling, decoder):
        rows = _decode_chunk(model, prompts, keys, chunk, samples, sampling, limits, decoder)
        for place, index in enumerate(chunk):
            done[index] += rows[place * len(samples) : (place + 1) * len(samples)]
        tick(len(rows))
    return done


def _budget(model: Any) -> int:
    """How many positions of keys and values fit the memory reserved for them."""
    config = get_text_config(model.config)
    attending = getattr(config, "num_attention_heads", None) or 1
    heads = getattr(config, "num_key_value_heads", None) or attending
    width = heads * (getattr(config, "head_dim", None) or config.hidden_size // attending)
    each = 2 * config.num_hidden_layers * width * model.dtype.itemsize
    if model.device.type == "cuda":
        # Total and not free memory: batches, and so the last bits, must not depend on what ran before.
        total = torch.cuda.get_device_properties(model.device).total_memory
        weights = sum(p.numel() * p.element_size() for p in model.parameters())
        return int(KV_SHARE * max(total - weights, 0) / each)
    return KV_BYTES // each


def _chunks(
    model: Any,
    prompts: Sequence[Sequence[int]],
    fitting: Sequence[int],
    sampling: Sampling,
    decoder: ChunkDecoder | None,
) -> Iterator[tuple[list[int], range]]:
    """Groups of `fitting` prompts of similar length (or of equal length, for models that cannot be padded), with the
    sample indices to draw, whose keys and values fit the budget together. If the rows of a single prompt do not fit, a
    few of them are drawn at a time."""
    count = decoder.count_kv_positions if decoder else partial(count_kv_positions, model)
    budget, chunk, every, equal = _budget(model), list[int](), range(sampling.n), needs_own_cache(model.config)
    for i in sorted(fitting, key=lambda i: (len(prompts[i]), i)):
        # Sorted by length, so the newest prompt is the longest: it sets the padded width of all.
        size = partial(count, len(prompts[i]), max_tokens=sampling.max_tokens)
        unequal = equal and chunk and len(prompts[chunk[0]]) != len(prompts[i])
        if chunk and (unequal or (len(chunk) + 1) * size(sampling.n) > budget):
            yield chunk, every
            chunk = []
        if not chunk and size(sampling.n) > budget:
            most = max((n for n in every[1:] if size(n) <= budget), default=1)
            yield from (([i], every[start : start + most]) for start in every[::most])
            continue
        chunk.append(i)
    if chunk:
        yield chunk, every


def _decode_chunk(
    model: Any,
    prompts: Sequence[Sequence[int]],
    keys: Sequence[str],
    chunk: list[int],
    samples: range,
    sampling: Sampling,
    limits: DecodeLimits,
    decoder: ChunkDecoder | None,
) -> list[DecodedRow]:
    n, chosen = len(samples), [prompts[i] for i in chunk]
    budgets = [min(sampling.max_tokens, limits.context - len(prompt)) for prompt in chosen for _ in range(n)]
    uniform = draw_uniforms([keys[i] for i in chunk], samples, sampling.max_tokens)[:, : max(budgets)]
    loop = decoder.decode if decoder else _run_loop
    drawn, logprobs = loop(model, chosen, budgets, uniform, sampling, limits)
    return _rows(drawn, logprobs, budgets, frozenset(limits.stop))


def _run_loop(
    model: Any,
    prompts: Sequence[Sequence[int]],
    budgets: list[int],
    uniform: torch.Tensor,
    sampling: Sampling,
    limits: DecodeLimits,
) -> tuple[list[list[int]], list[list[float]]]:
    """See `ChunkDecoder.decode`: each step is as large as the rows that are left, and has room for their tokens."""
    device = model.device
    batch = make_batch(model, prompts, len(budgets) // len(prompts), max(budgets), limits.pad)
    uniform = uniform.to(device)
    room = torch.tensor(budgets, device=device)
    ends = torch.zeros(batch.logits.shape[-1], dtype=torch.bool, device=device)
    ends[list(limits.stop)] = True
    tokens = torch.zeros(max(budgets), len(budgets), dtype=torch.long, device=device)
    logprobs = torch.zeros(tokens.shape, device=device)
    row = torch.arange(len(budgets), device=device)  # which row each line of the batch holds
    running = torch.ones_like(row, dtype=torch.bool)
    left = len(budgets)
    for t in range(max(budgets)):
        token, logprob = sample_tokens(batch.logits, sampling.temperature, sampling.top_p, uniform[row, t])
        # Finished rows keep writing past their end, where nothing is read.
        tokens[t, row], logprobs[t, row] = token, logprob
        running = running & ~ends[token] & (room[row] > t + 1)
        if limits.is_over and (t + 1) % CHECK == 0:
            for line in running.nonzero()[:, 0].tolist():
                which = int(row[line])
                if limits.is_over(tokens[: t + 1, which].tolist()):
                    running[line], budgets[which] = False, t + 1
        still = int(running.sum())
        if still == 0:
            break
        if still <= (1 - COMPACT) * left:
            line, left = batch.compact(running), still
            token, row, running = token[line], row[line], running[line]
        batch.step(token)
    return tokens.T.tolist(), logprobs.T.tolist()


def _rows(
    tokens: list[list[int]], logprobs: list[list[float]], budgets: list[int], stop: frozenset[int]
) -> list[DecodedRow]:
    """Each row up to its first end token or the end of its budget."""
    rows = []
    for ids, logps, budget in zip(tokens, logprobs, budgets, strict=True):
        end = next((t + 1 for t, token in enumerate(ids[:budget]) if token in stop), budget)
        rows.append(DecodedRow(ids[:end], logps[:end], ids[end - 1] in stop))
    if not all(math.isfinite(logp) for row in rows for logp in row.logprobs):
        raise PolicyError(
            "the policy's probabilities are not finite.",
            "Its weights are damaged, or its training diverged: then lower the learning rate.",
        )
    return rows
