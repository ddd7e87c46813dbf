"""A process reward model at work: one forward a batch of completions, all their steps at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from openrft import CheckpointError
from openrft_prm.batches import batches
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.formats import build, detect
from openrft_prm.layout import Layout, padded

_BLOCK = 64  # steps judged at once


class CheckpointScorer:
    """A trunk without its vocabulary head, and the format's own head on the hidden states of the steps' ends."""

    def __init__(self, path: str, format: str, batch_tokens: int, device: str = "auto", dtype: str = "auto") -> None:
        checkpoint = Checkpoint.open(path)
        self.format_name = detect(checkpoint, format)
        self.counts: dict[str, int] = {}
        self._batch_tokens = batch_tokens
        on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
        self._device = torch.device("cuda" if on_gpu else "cpu")
        auto = torch.bfloat16 if on_gpu else torch.float32
        tokenizer, self._trunk = load(checkpoint, auto if dtype == "auto" else getattr(torch, dtype))
        self._trunk.to(self._device).eval()
        self._format = build(self.format_name, tokenizer, checkpoint)
        self._context = int(checkpoint.config.get("max_position_embeddings") or 1 << 30)

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, ...]]:
        """For each (problem, completion) one score in [0, 1] a step, in order.

        A step that ends beyond the model's context scores 0 and is counted: one that rambles on must neither end
        the run nor earn anything for what was never read.
        """
        whole = self._format.layouts(pairs)
        layouts = [_cut(layout, self._context) for layout in whole]
        scores: list[tuple[float, ...]] = [()] * len(layouts)
        for width, rows in batches([len(layout.ids) for layout in layouts], self._batch_tokens):
            flat = iter(self._forward([layouts[row] for row in rows], width))
            for row in rows:
                unread = len(whole[row].ends) - len(layouts[row].ends)
                scores[row] = (*(next(flat) for _ in layouts[row].ends), *(0.0,) * unread)
        unread = sum(len(a.ends) - len(b.ends) for a, b in zip(whole, layouts, strict=True))
        self.counts = {"steps_beyond_context": unread} if unread else {}
        return scores

    @torch.inference_mode()
    def _forward(self, layouts: Sequence[Layout], width: int) -> list[float]:
        """Scores of all steps of these layouts, one after the other."""
        ids, at = padded(layouts, width)
        # No mask: the padding is on the right, and in a causal trunk nothing looks to the right.
        hidden = self._trunk(input_ids=ids.to(self._device), use_cache=False).last_hidden_state
        at = at.to(self._device)
        picked = hidden[at[:, 0], at[:, 1]]
        return self._judge(picked.float().cpu())

    def _judge(self, hidden: torch.Tensor) -> list[float]:
        """(steps, hidden) -> a score each, through heads of one fixed shape: how many rows a kernel gets decides in
        which order it adds, and a score must not depend on its neighbours (see `batches`)."""
        steps = len(hidden)
        blocks = torch.nn.functional.pad(hidden, (0, 0, 0, -steps % _BLOCK)).split(_BLOCK)
        scores = [score for block in blocks for score in self._format.scores(block).tolist()]
        return scores[:steps]


def _cut(layout: Layout, context: int) -> Layout:
    """What of a layout fits into the model's context."""
    if len(layout.ids) <= context:
        return layout
    return Layout(layout.ids[:context], [end for end in layout.ends if end < context])


def load(checkpoint: Checkpoint, dtype: torch.dtype) -> tuple[Any, Any]:
    """Tokenizer and trunk of a checkpoint, float weights as `dtype`. Raises CheckpointError for an incomplete one."""
    try:
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=False)
            trunk, report = AutoModel.from_pretrained(
                checkpoint.folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, output_loading_info=True
            )
    except Exception as fault:
        reason = str(fault).strip().split("\n")[0] or type(fault).__name__
        raise CheckpointError(
            f"{checkpoint.folder} cannot be loaded: {reason}",
            "Give a whole transformers checkpoint: config, tokenizer and safetensors weights.",
        ) from fault
    missing = sorted(report["missing_keys"])
    if missing:
        raise CheckpointError(
            f"{checkpoint.folder} lacks {len(missing)} weights of its trunk, {missing[0]} among them.",
            "Copy or download the checkpoint again.",
        )
    return tokenizer, trunk


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers warns of every head that a trunk does not need; here that is intended."""
    level, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bar:
            transformers_logging.enable_progress_bar()
