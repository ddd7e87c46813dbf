"""Rows of token ids in batches of like length, drawn by number: batch k is the same whenever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from openrft_pocket.school.chat import Piece

IGNORED = -100  # torch's label for positions without loss
BATCHES = 40  # drawn at once and sorted by length, so that rows of a batch need little padding


@dataclass(frozen=True)
class Batch:
    """Right-padded ids and labels as nested lists; labels are not shifted."""

    ids: list[list[int]]
    labels: list[list[int]]


def encode(tokenizer, rows: list[list[Piece]]) -> list[tuple[list[int], list[int]]]:
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
    width = max(len(ids) for ids, _ in rows)
    return Batch(
        [ids + [fill] * (width - len(ids)) for ids, _ in rows],
        [labels + [IGNORED] * (width - len(labels)) for _, labels in rows],
    )


def batches(tokenizer, make, seed: str, start: int, size: int) -> Iterator[Batch]:
    """Batches from number `start` on; `make(rng, number)` draws a row of batch `number`."""
    chunk = start // BATCHES
    while True:
        rng = Random(f"{seed} {chunk}")
        rows = encode(tokenizer, [make(rng, chunk * BATCHES + i // size) for i in range(BATCHES * size)])
        rows.sort(key=lambda row: len(row[0]))
        groups = [rows[i : i + size] for i in range(0, len(rows), size)]
        rng.shuffle(groups)
        for number, group in enumerate(groups):
            if chunk * BATCHES + number >= start:
                yield pad(group, tokenizer.pad_token_id)
        chunk += 1
