"""Math-Shepherd: the tag `ки` after each step; there the model says + or -."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from openrft import CheckpointError, steps_of
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.formats.vocabulary import PlusMinus
from openrft_prm.layout import Layout, marked

TAG = "ки"


class MathShepherd:
    """Input: the problem, a space, and the steps each followed by a space and TAG, one a line. Score: softmax over
    the logits of + and - at TAG."""

    def __init__(self, tokenizer: Any, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        candidates = tokenizer.encode("+ -", add_special_tokens=False)
        if len(candidates) != 2:
            raise CheckpointError(
                f"the tokenizer of {checkpoint.folder} writes '+ -' with {len(candidates)} tokens, 2 expected.",
                "Take the tokenizer published with the model.",
            )
        self._tag = tokenizer.encode(TAG)[-1]
        self._head = PlusMinus(checkpoint, *candidates)

    def layouts(self, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
        texts, marks = [], []
        for problem, completion in pairs:
            text, places = problem + " ", []
            for i, step in enumerate(steps_of(completion)):
                text += f"{chr(10) if i else ''}{step} {TAG}"
                places.append(len(text) - 1)
            texts.append(text)
            marks.append(places)
        found = marked(self._tokenizer, texts, marks, special=True)
        if any(row.ids[end] != self._tag for row in found for end in row.ends):
            raise CheckpointError(
                f"the tokenizer joins {TAG} to its neighbours.", "Take the tokenizer published with the model."
            )
        return found

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        return self._head.scores(hidden)
