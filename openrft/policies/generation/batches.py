"""A batch of rows that grow by one token per step: `n` rows for each prompt, removed as they end.

`make_batch` chooses `GroupedBatch` for the Llama family, `OwnCacheBatch` for models that manage their cache themselves
(recurrent, hybrid, multimodal), and `PlainBatch` for every other causal language model. They manage keys and
values. None samples tokens or decides when a row ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from openrft.policies.generation.grouped import GroupedBatch
from openrft.policies.generation.own_cache import OwnCacheBatch, needs_own_cache
from openrft.policies.generation.prefill import prefill
from openrft.prefix_tree import supports


class Batch(Protocol):
    """Rows in progress. A line is a position in the batch that holds a row. `logits` and `step` are by line."""

    logits: torch.Tensor
    """Next-token logits (lines, V) in float32. At first: the n lines of the first prompt, those of the second, ..."""

    def step(self, token: torch.Tensor) -> None:
        """Append a token to each line and update `logits`."""
        ...

    def compact(self, running: torch.Tensor) -> torch.Tensor:
        """Drop lines that are not `running` (lines,); there is at least one line of each kind. Returns the old line of
        each remaining line.

        Lines that have ended may be kept as padding. They stay not running.
        """
        ...


def make_batch(model: Any, prompts: Sequence[Sequence[int]], n: int, max_tokens: int, pad: int) -> Batch:
    """A batch with the prompts computed, ready for the first token of each of their `n` rows."""
    if supports(model.config):
        return GroupedBatch(model, prompts, n, max_tokens, pad)
    if needs_own_cache(model.config):
        return OwnCacheBatch(model, prompts, n)
    return PlainBatch(model, prompts, n, pad)


def count_kv_positions(model: Any, prompt: int, n: int, max_tokens: int) -> int:
    """The most positions of keys and values that a prompt of this many tokens needs, with its `n` rows."""
    return prompt + n * max_tokens if supports(model.config) else n * (prompt + max_tokens)


class PlainBatch:
    """A `Batch` in which each row has a copy of its prompt's keys and values."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], n: int, pad: int) -> None:
        self._model = model
        first, self._cache, mask, positions = prefill(model, prompts, pad)
        self._cache.batch_repeat_interleave(n)
        self.logits = first[:, -1].float().repeat_interleave(n, 0)
        self._mask = mask.repeat_interleave(n, 0)
        self._position = positions[:, -1:].repeat_interleave(n, 0)

    def step(self, token: torch.Tensor) -> None:
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(token), 1)], 1)
        self._position = self._position + 1
        out = self._model(
            input_ids=token[:, None],
            attention_mask=self._mask,
            position_ids=self._position,
            past_key_values=self._cache,
            use_cache=True,
        )
        self.logits = out.logits[:, -1].float()

    def compact(self, running: torch.Tensor) -> torch.Tensor:
        keep = running.nonzero()[:, 0]
        self._cache.batch_select_indices(keep)
        self._mask, self._position = self._mask[keep], self._position[keep]
        return keep
