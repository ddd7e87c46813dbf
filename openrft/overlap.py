"""Which samples of two sets are so alike that one gives the other away.

Knows three kinds by itself and takes further ones from `Sample.meta["kin"]`: keys `KIND:KEY` that a task's family
writes there, equal for samples that are kin (the same block of given data, say).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence

from openrft.sample import Sample

Pairs = list[tuple[str, str]]  # (id in the one set, id in the other)


def overlaps(one: Iterable[Sample], other: Iterable[Sample]) -> dict[str, Pairs]:
    """Pairs of ids that overlap, by kind: `exact`, `text` (same after normalising), `shuffled` (same question, same
    options in another order), then the family's own kinds. A pair is listed under the first kind that fits."""
    one, other = list(one), list(other)
    words = functools.cache(_normal)  # a text is asked for by two kinds, and where a set is compared with itself twice
    kinds: dict[str, Callable[[Sample], Sequence[object]]] = {
        "exact": lambda s: [(s.question, s.options, s.answer)],
        "text": lambda s: [(words(s.question), tuple(map(words, s.options)))],
        "shuffled": lambda s: [(words(s.question), tuple(sorted(map(words, s.options))))],
    }
    for kind in _own_kinds(one, other):
        kinds[kind] = lambda s, kind=kind: [k for k in s.meta.get("kin", ()) if k.startswith(f"{kind}:")]  # type: ignore[misc]
    seen: set[tuple[str, str]] = set()
    return {kind: _pairs(one, other, keys, seen) for kind, keys in kinds.items()}


def _own_kinds(*sets: Sequence[Sample]) -> list[str]:
    marks = (mark for samples in sets for sample in samples for mark in sample.meta.get("kin", ()))
    return sorted({str(mark).partition(":")[0] for mark in marks})


def _pairs(
    one: Sequence[Sample],
    other: Sequence[Sample],
    keys: Callable[[Sample], Sequence[object]],
    seen: set[tuple[str, str]],
) -> Pairs:
    index: dict[object, list[str]] = {}
    for sample in other:
        for key in keys(sample):
            index.setdefault(key, []).append(sample.id)
    found: Pairs = []
    for sample in one:
        for key in keys(sample):
            for id_ in index.get(key, ()):
                if (sample.id, id_) not in seen:
                    seen.add((sample.id, id_))
                    found.append((sample.id, id_))
    return found


def _normal(text: str) -> str:
    """Words and numbers alone; signs and decimal points stay, as -0.2 is not 0.2."""
    words = re.sub(r"[^\w.+-]+", " ", text.lower().replace("\u2212", "-")).split()
    return " ".join(word.strip(".") for word in words if word.strip("."))
