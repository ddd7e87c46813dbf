"""Completions of a prompt side by side in one row behind it, each blind to the others: no position is computed twice.

row        prompt prompt prompt | a a a a | b b | c c c     pad ...
position   0      1      2      | 3 4 5 6 | 3 4 | 3 4 5
sees       itself, the prompt before it and what is before it in its own completion
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

ROW = 256  # tokens of completions in a row: every token of a row is compared with every other, seen or not


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows for one forward pass, and where in them each completion token is foretold."""

    ids: torch.Tensor  # (rows, width)
    positions: torch.Tensor  # (rows, width)
    bias: torch.Tensor  # (rows, 1, width, width): 0 where a token sees another, the dtype's least number elsewhere
    keep: int  # columns from the prompts' last token on, which foretell
    row: torch.Tensor  # (N,) for each token of each completion, in order: its row
    column: torch.Tensor  # (N,) and which of the `keep` columns foretells it


def packable(completions: Sequence[Sequence[int]]) -> bool:
    """Whether the completions are short enough for several to share a row."""
    return 2 * max(map(len, completions)) <= ROW


def packed(
    prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], pad: int, dtype: torch.dtype, device: Any
) -> Packed:
    """Rows of at most ROW completion tokens; completions that follow each other with the same prompt share it."""
    rows = list(_rows(prompts, completions))
    start = max(len(prompt) for prompt, _ in rows)
    width = start + max(sum(map(len, members)) for _, members in rows)
    ids, positions, segment = ([[fill] * width for _ in rows] for fill in (pad, 0, -1))
    row_of, column_of = list[int](), list[int]()
    for number, (prompt, members) in enumerate(rows):
        first = start - len(prompt)
        ids[number][first:start], positions[number][first:start] = prompt, range(len(prompt))
        segment[number][first:start] = [0] * len(prompt)
        at = start
        for name, member in enumerate(members, 1):
            end = at + len(member)
            ids[number][at:end], segment[number][at:end] = member, [name] * len(member)
            positions[number][at:end] = range(len(prompt), len(prompt) + len(member))
            row_of += [number] * len(member)
            column_of += [0, *range(at - start + 1, end - start)]
            at = end
    as_tensor = functools.partial(torch.tensor, dtype=torch.long, device=device)
    bias = _bias(as_tensor(segment), dtype)
    columns = width - start + 1
    return Packed(as_tensor(ids), as_tensor(positions), bias, columns, as_tensor(row_of), as_tensor(column_of))


def _rows(
    prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]
) -> list[tuple[list[int], list[list[int]]]]:
    """(prompt, its completions) row by row, in order."""
    rows: list[tuple[list[int], list[list[int]]]] = []
    for prompt, pairs in groupby(zip(prompts, completions, strict=True), key=lambda pair: tuple(pair[0])):
        members: list[list[int]] = []
        rows.append((list(prompt), members))
        for _, completion in pairs:
            if members and sum(map(len, members)) + len(completion) > ROW:
                members = []
                rows.append((list(prompt), members))
            members.append(list(completion))
    return rows


def _bias(segment: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    width = segment.shape[1]
    query, key = segment[:, :, None], segment[:, None, :]
    seen = (key == query) | (key == 0)
    seen &= torch.ones(width, width, dtype=torch.bool, device=segment.device).tril()
    # Padding sees its like, so that no row of weights is empty: that would be not-a-number.
    return torch.where(seen, 0.0, torch.finfo(dtype).min).to(dtype)[:, None]
