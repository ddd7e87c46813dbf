"""Token classification with two labels: the form TRL's PRM trainer made, read at the separator that ends a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from openrft import steps_of
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.layout import Layout, encode

SEPARATOR = "\n"  # TRL's default step separator


class TwoLabel:
    """Score: the probability of label 1 at the separator's last token."""

    def __init__(self, tokenizer: Any, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        self._weight = checkpoint.tensor("score.weight")
        self._bias = checkpoint.tensor("score.bias") if "score.bias" in checkpoint.shapes else None

    def layouts(self, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
        return lay_out(self._tokenizer, pairs)

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        return torch.softmax(torch.nn.functional.linear(hidden, self._weight, self._bias), dim=-1)[:, 1]


def lay_out(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
    """Bos id (where there is one), the problem, then each step and the separator, each encoded alone without special
    tokens."""
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    separator = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    steps = [steps_of(completion) for _, completion in pairs]
    texts = [*(problem for problem, _ in pairs), *(step for row in steps for step in row)]
    ids = encode(tokenizer, texts, special=False)
    found = []
    for (problem, _), row in zip(pairs, steps, strict=True):
        line, ends = [*start, *ids[problem]], []
        for step in row:
            line += [*ids[step], *separator]
            ends.append(len(line) - 1)
        found.append(Layout(line, ends))
    return found
