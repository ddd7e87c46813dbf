"""Rows of token ids, drawn by seed, in batches of like length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from openrft_pocket.school.chat import Piece

IGNORED = -100  # torch's label for positions without loss
BATCHES = 40  # drawn at once and sorted by length, so that rows of a batch need little padding


@dataclass(frozen=True)
class Batch:
    """Right-padded ids and labels as nested lists; labels are not shifted."""

    ids: list[list[int]]
    labels: list[list[int]]


def encode(tokenizer: Any, rows: list[list[Piece]]) -> list[tuple[list[int], list[int]]]:
    """Ids and labels of each row. Pieces end where the tokenizer splits anyway, so they may be encoded apart."""
    flat = tokenizer._tokenizer.encode_batch([text for row in rows for text, _ in row], add_special_tokens=False)
    out, at = [], 0
    for row in rows:
        ids: list[int] = []
        labels: list[int] = []
        for (_, learn), piece in zip(row, flat[at : at + len(row)], strict=True):
            ids += piece.ids
            labels += piece.ids if learn else [IGNORED] * len(piece.ids)
        at += len(row)
        out.append((ids, labels))
    return out


def pad(rows: list[tuple[list[int], list[int]]], fill: int) -> Batch:
    """(ids, labels) of each row, padded on the right to the longest: ids with `fill`, labels with IGNORED."""
    width = max(len(ids) for ids, _ in rows)
    return Batch(
        [ids + [fill] * (width - len(ids)) for ids, _ in rows],
        [labels + [IGNORED] * (width - len(labels)) for _, labels in rows],
    )


def batches(tokenizer: Any, make: Any, seed: str, start: int, size: int, clock: Any) -> Iterator[Batch]:
    """Endless batches; `make(rng, number)` draws a row, where `clock()` tells how far the course has come."""
    chunk = start
    while True:
        rng, number = Random(f"{seed} {chunk}"), clock()
        rows = encode(tokenizer, [make(rng, number) for _ in range(BATCHES * size)])
        rows.sort(key=lambda row: len(row[0]))
        groups = [rows[i : i + size] for i in range(0, len(rows), size)]
        rng.shuffle(groups)
        yield from (pad(group, tokenizer.pad_token_id) for group in groups)
        chunk += 1
