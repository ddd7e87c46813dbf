"""Gather what is read in one forward. Pure.

What is read together must not decide the bits of a score: on a CPU, kernels treat a row alike in every batch as long as
rows come in blocks of BLOCK, so that a cached score equals one computed again.
"""

from __future__ import annotations

from collections.abc import Sequence

BLOCK = 16


def blocks(count: int) -> int:
    """`count` rounded up to whole blocks."""
    return -(-count // BLOCK) * BLOCK


def by_width(lengths: Sequence[int], tokens: int) -> list[tuple[int, list[int]]]:
    """(padded width, indexes of the inputs) for each forward, widest first; no forward exceeds `tokens` unless
    one input alone does. An input's width depends on its own length alone, never on its neighbours'."""
    found: dict[int, list[int]] = {}
    for i, length in enumerate(lengths):
        found.setdefault(blocks(length), []).append(i)
    batches = []
    for width in sorted(found, reverse=True):
        rows, count = found[width], max(1, tokens // width)
        batches += [(width, rows[at : at + count]) for at in range(0, len(rows), count)]
    return batches


def in_order(sizes: Sequence[int], tokens: int) -> list[list[int]]:
    """Indexes of the inputs in runs of at most `tokens` together, unless one input alone has more."""
    runs, room = list[list[int]](), 0
    for i, size in enumerate(sizes):
        if not runs or size > room:
            runs.append([])
            room = tokens
        runs[-1].append(i)
        room -= size
    return runs
