"""Which samples of two sets are so similar that knowing one gives away the other.

This file knows three kinds of match and reads further ones from `Sample.meta["leakage_groups"]`: keys `KIND:KEY` that
the task family writes there. Related samples share a key (the same block of given data, for example).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from openrft.types import Sample

Pairs = list[tuple[str, str]]  # (id in one set, id in the other)
LeakageKeys = tuple[str | bytes, ...]  # digests for the kinds in OWN, in order; then the family's keys, by kind

OWN = ("exact", "text", "shuffled")
_APART = re.compile(r"[^\w.+-]+")
_ASCII = {code: " " for code in range(128) if _APART.match(chr(code))}


class Match(NamedTuple):
    """Two samples that match: their positions in their sets, and the first kind that fits."""

    kind: str
    one: int
    other: int


def leakage_keys(sample: Sample) -> LeakageKeys:
    """The keys that matching samples share, in the order of the kinds. Texts are replaced by digests, so the keys of a
    whole benchmark need far less memory than its rows."""
    stem = "\n".join([*(turn["content"] for turn in sample.history), sample.question])
    question, options = normalize_text(stem), [normalize_text(option) for option in sample.options]
    texts: list[tuple[object, ...]] = [
        (stem, sample.options, sample.answer),
        (question, options),
        (question, sorted(options)),
    ]
    marks = [mark for mark in sample.meta.get("leakage_groups", ()) if ":" in mark and _kind(mark) not in OWN]
    return *(_digest(kind, of) for kind, of in zip(OWN, texts, strict=True)), *sorted(marks, key=_kind)


def leakage_kinds(*sets: Iterable[LeakageKeys]) -> list[str]:
    """All kinds, in the order in which they are tried: `exact`, `text` (same after normalising), `shuffled` (same
    question, same options in another order), then the family's own kinds."""
    marks = {mark for keys in sets for own in keys for mark in own[len(OWN) :]}
    return [*OWN, *sorted({_kind(str(mark)) for mark in marks})]


def find_matches(one: Sequence[LeakageKeys], other: Sequence[LeakageKeys]) -> Iterator[Match]:
    """Every matching pair, once, in the order of `one`. Memory grows with the samples, not with the pairs."""
    index = _index(other)
    for i, keys in enumerate(one):
        seen = set[int]()
        for at, key in enumerate(keys):
            for j in index.get(key, ()):
                if j not in seen:
                    seen.add(j)
                    yield Match(OWN[at] if at < len(OWN) else _kind(str(key)), i, j)


def find_overlaps(one: Iterable[Sample], other: Iterable[Sample]) -> dict[str, Pairs]:
    """Pairs of ids that overlap, by kind. A pair is listed under the first kind that fits."""
    one, other = list(one), list(other)
    left, right = [leakage_keys(sample) for sample in one], [leakage_keys(sample) for sample in other]
    found: dict[str, Pairs] = {kind: [] for kind in leakage_kinds(left, right)}
    for match in find_matches(left, right):
        found[match.kind].append((one[match.one].id, other[match.other].id))
    return found


def cluster_samples(samples: Sequence[Sample]) -> list[int]:
    """For each sample the position of the first sample in its cluster. A cluster is connected by matches."""
    return connect_by_keys(map(leakage_keys, samples))


def connect_by_keys(sets: Iterable[Iterable[Hashable]]) -> list[int]:
    """For each set of keys, the position of the first set that it is connected to by shared keys."""
    first: list[int] = []
    holder: dict[Hashable, int] = {}  # the first set that holds the key

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    for i, keys in enumerate(sets):
        first.append(i)
        for key in keys:
            low, high = sorted((root(holder.setdefault(key, i)), root(i)))
            first[high] = low
    return [root(i) for i in range(len(first))]


def _index(sets: Sequence[LeakageKeys]) -> dict[str | bytes, Sequence[int]]:
    """The positions of each key. Most keys have one position, and all keys of a sample share one tuple for it."""
    index: dict[str | bytes, Sequence[int]] = {}
    for place, keys in enumerate(sets):
        alone = (place,)
        for key in keys:
            before = index.setdefault(key, alone)
            if before is alone:
                continue
            if isinstance(before, list):
                before.append(place)
            else:
                index[key] = [*before, place]
    return index


def _kind(mark: str) -> str:
    return mark.partition(":")[0]


def _digest(kind: str, of: object) -> bytes:
    """A digest of a text and its kind. Collisions are as unlikely as those of sample ids."""
    return hashlib.blake2b(repr(of).encode(), digest_size=12, person=kind.encode()).digest()


def normalize_text(text: str) -> str:
    """Words and numbers only. Signs and decimal points stay, because -0.2 is not 0.2."""
    text = text.lower()
    # Most texts are ASCII, and `translate` is several times faster for them.
    apart = text.translate(_ASCII) if text.isascii() else _APART.sub(" ", text.replace("\u2212", "-"))
    return " ".join(word.strip(".") for word in apart.split() if word.strip("."))
