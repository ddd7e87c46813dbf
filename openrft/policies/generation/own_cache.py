"""Models that manage their cache themselves: recurrent and hybrid ones, and those that also read images.

Rows of a batch have prompts of the same length, because padding would change a recurrent state. The model makes its own
cache and counts its own positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import LinearAttentionCacheLayerMixin

CACHES = ("past_key_values", "cache_params", "state")  # what models call their cache
OWN_CACHES = {"minimax"}  # families of keys and values whose cache is a class of their own


def get_text_config(config: Any) -> Any:
    """The config of the text part of a model; of a text model its own."""
    return config.get_text_config(decoder=True)


def needs_own_cache(config: Any) -> bool:
    """Whether a model has layers without keys and values, a cache of its own kind, or parts besides text."""
    text = get_text_config(config)
    if text is not config or not hasattr(text, "num_attention_heads") or config.model_type in OWN_CACHES:
        return True
    return any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in DynamicCache(config=text).layers)


class OwnCacheBatch:
    """A `openrft.policies.generation.batches.Batch` of rows whose prompts have the same length."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], n: int) -> None:
        self._model = model
        ids = torch.tensor([list(prompt) for prompt in prompts], device=model.device)
        every = torch.arange(len(prompts), device=model.device).repeat_interleave(n)
        out = model(input_ids=ids, use_cache=True)
        self._name, self._cache = _find_cache(out)
        self.logits = out.logits[every, -1].float()
        self._has_rows = type(self._cache) is DynamicCache  # of other kinds not all parts can be copied by rows
        if self._has_rows:
            self._cache.reorder_cache(every)
        elif n > 1:
            self._cache = getattr(model(input_ids=ids[every], use_cache=True), self._name)

    def step(self, token: torch.Tensor) -> None:
        out = self._model(input_ids=token[:, None], use_cache=True, **{self._name: self._cache})
        self._cache = getattr(out, self._name)
        self.logits = out.logits[:, -1].float()

    def compact(self, running: torch.Tensor) -> torch.Tensor:
        if not self._has_rows:
            return torch.arange(len(running), device=running.device)
        keep = running.nonzero()[:, 0]
        self._cache.reorder_cache(keep)
        return keep


def _find_cache(out: Any) -> tuple[str, Any]:
    """The name and the value of the cache in a model's output. Raises ValueError for a model that gives none."""
    for name in CACHES:
        if getattr(out, name, None) is not None:
            return name, getattr(out, name)
    raise ValueError("its outputs hold no cache")


@torch.no_grad()
def check_own_cache(model: Any) -> None:
    """Try whether rows that grow token by token get the logits of whole sequences. Raises ValueError if not, and
    whatever the model raises."""
    prompts, rows = [[2, 3, 4], [5, 6, 7]], torch.tensor([[2, 3], [4, 5], [6, 7], [8, 9]], device=model.device)
    batch = OwnCacheBatch(model, prompts, 2)
    batch.step(rows[:, 0])
    line = batch.compact(torch.tensor([True, False, True, True], device=model.device))
    batch.step(rows[line, 1])
    whole = torch.tensor([prompts[i // 2] + rows[i].tolist() for i in line.tolist()], device=model.device)
    expected = model(input_ids=whole, use_cache=False).logits[:, -1].float()
    scale = float(expected.std()) * (0.02 if model.dtype == torch.float32 else 0.5)
    if float((batch.logits - expected).abs().max()) > max(scale, 1e-3):
        raise ValueError("its logits with a cache are not those without")
