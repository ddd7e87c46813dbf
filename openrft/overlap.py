"""Which samples of two sets are so alike that one gives the other away.

Knows three kinds by itself and takes further ones from `Sample.meta["kin"]`: keys `KIND:KEY` that a task's family
writes there, equal for samples that are kin (the same block of given data, say).
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from openrft.sample import Sample

Pairs = list[tuple[str, str]]  # (id in the one set, id in the other)
Keys = Callable[[Sample], Sequence[object]]


class Match(NamedTuple):
    """Two samples that are alike, by their places in their sets, and the first kind that fits."""

    kind: str
    one: int
    other: int


def kinds_of(*sets: Iterable[Sample]) -> list[str]:
    """`exact`, `text` (same after normalising), `shuffled` (same question, same options in another order), then the
    family's own kinds: the order in which they are looked for."""
    marks = (mark for samples in sets for sample in samples for mark in sample.meta.get("kin", ()))
    return ["exact", "text", "shuffled", *sorted({str(mark).partition(":")[0] for mark in marks})]


def matches(one: Sequence[Sample], other: Sequence[Sample]) -> Iterator[Match]:
    """Every pair that is alike, once, in the order of `one`. Memory grows with the samples, not with the pairs."""
    keys = _keys(kinds_of(one, other))
    index = {kind: _index(other, of) for kind, of in keys.items()}
    for i, sample in enumerate(one):
        seen = set[int]()
        for kind, of in keys.items():
            for key in of(sample):
                for j in index[kind].get(key, ()):
                    if j not in seen:
                        seen.add(j)
                        yield Match(kind, i, j)


def overlaps(one: Iterable[Sample], other: Iterable[Sample]) -> dict[str, Pairs]:
    """Pairs of ids that overlap, by kind. A pair is listed under the first kind that fits."""
    one, other = list(one), list(other)
    found: dict[str, Pairs] = {kind: [] for kind in kinds_of(one, other)}
    for match in matches(one, other):
        found[match.kind].append((one[match.one].id, other[match.other].id))
    return found


def clusters(samples: Sequence[Sample]) -> list[int]:
    """For each sample the place of the first that is alike, or alike to one that is, and so on."""
    first = list(range(len(samples)))

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    for of in _keys(kinds_of(samples)).values():
        for places in _index(samples, of).values():
            for place in places[1:]:
                low, high = sorted((root(places[0]), root(place)))
                first[high] = low
    return [root(i) for i in range(len(samples))]


def _keys(kinds: Iterable[str]) -> dict[str, Keys]:
    """What samples that are alike have in common, by kind."""
    words = functools.cache(_normal)  # a text is asked for by two kinds, and where a set is compared with itself twice
    own: dict[str, Keys] = {
        "exact": lambda s: [(s.question, s.options, s.answer)],
        "text": lambda s: [(words(s.question), tuple(map(words, s.options)))],
        "shuffled": lambda s: [(words(s.question), tuple(sorted(map(words, s.options))))],
    }
    return {kind: own[kind] if kind in own else functools.partial(_marks, kind) for kind in kinds}


def _marks(kind: str, sample: Sample) -> list[str]:
    return [mark for mark in sample.meta.get("kin", ()) if mark.startswith(f"{kind}:")]


def _index(samples: Sequence[Sample], keys: Keys) -> dict[object, list[int]]:
    index: dict[object, list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        for key in keys(sample):
            index[key].append(place)
    return index


def _normal(text: str) -> str:
    """Words and numbers alone; signs and decimal points stay, as -0.2 is not 0.2."""
    words = re.sub(r"[^\w.+-]+", " ", text.lower().replace("\u2212", "-")).split()
    return " ".join(word.strip(".") for word in words if word.strip("."))
