"""Skywork-o1-Open-PRM: a value head on the last hidden state, read at the newline that ends each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from openrft_prm.checkpoint import Checkpoint
from openrft_prm.layout import Layout, encode


class Skywork:
    """Score: sigmoid(v_head.summary(hidden))."""

    def __init__(self, tokenizer: Any, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        self._weight = checkpoint.tensor("v_head.summary.weight")
        self._bias = checkpoint.tensor("v_head.summary.bias")

    def layouts(self, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
        return lay_out(self._tokenizer, pairs)

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.nn.functional.linear(hidden, self._weight, self._bias)).squeeze(-1)


def lay_out(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
    """encode(bos + problem + newline), then for each piece of the completion between newlines its own encoding and
    the newline's last id."""
    newline = tokenizer.encode("\n")[-1]
    heads = [f"{tokenizer.bos_token or ''}{problem}\n" for problem, _ in pairs]
    pieces = [completion.split("\n") for _, completion in pairs]
    ids = encode(tokenizer, [*heads, *(piece for row in pieces for piece in row if piece)])
    ids[""] = []  # the publisher's code gives a blank line its newline and no more
    found = []
    for head, row in zip(heads, pieces, strict=True):
        line, ends = list(ids[head]), []
        for piece in row:
            line += [*ids[piece], newline]
            if piece.strip():  # a blank line is read by the model but is no step
                ends.append(len(line) - 1)
        found.append(Layout(line, ends))
    return found
