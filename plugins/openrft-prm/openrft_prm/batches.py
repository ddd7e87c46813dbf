"""Group inputs of similar length. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def batches(lengths: Sequence[int], tokens: int, multiple: int = 16) -> list[tuple[int, list[int]]]:
    """(padded width, indexes of the inputs) for each forward, widest first; no forward exceeds `tokens` unless
    one input alone does.

    An input's width depends on its own length alone (rounded up to `multiple`), never on its neighbours': CPU
    kernels then give it the same bits in every batch, so that a cached score equals one computed again.
    """
    by_width: dict[int, list[int]] = {}
    for i, length in enumerate(lengths):
        by_width.setdefault(-(-length // multiple) * multiple, []).append(i)
    found = []
    for width in sorted(by_width, reverse=True):
        rows, count = by_width[width], max(1, tokens // width)
        found += [(width, rows[at : at + count]) for at in range(0, len(rows), count)]
    return found
