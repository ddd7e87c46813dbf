"""Which samples are so alike that they must not stand on both sides of a split.

Kin share a key. There are three kinds: `item`, the same question with the same set of options; `question`, the same
question alone, unless it is a template, a wording that serves so many of the task's rows that it tells none apart;
`data`, the same block of given data under other words. Case, spacing and punctuation never matter, but for signs and
decimal points; in data numbers count by value, and `_` is a space.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openrft import Sample

TEMPLATE = 8  # rows of a task; a wording that more than these share is a template
_APART = re.compile(r"[^\w.+-]+")
_ASCII = {code: " " for code in range(128) if _APART.match(chr(code))}
_PARTS = re.compile(r"((?:(?<![\w.])[-+])?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)|([^\W\d_]+)")
_GIVEN = re.compile(r"[:=]\s*[-+\u2212]?\.?\d")  # a line of data: a name, then a number


class Key(NamedTuple):
    """What kin share with each other and with nobody else."""

    kind: str  # "item", "question" or "data"
    value: object


class Kinship:
    """Tells the kin among some samples."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        # Hashes stand for texts: a benchmark's questions need not lie in memory twice.
        asked = Counter((sample.task, hash(normal(sample.question))) for sample in samples)
        self._templates = {wording for wording, rows in asked.items() if rows > TEMPLATE}
        self._loose = {question for _, question in self._templates}

    def keys(self, sample: Sample) -> Iterator[Key]:
        """What the sample shares with its kin. Kin by `item` are kin by `question` too, where there is that key."""
        question = normal(sample.question)
        if (sample.task, hash(question)) not in self._templates:
            yield Key("question", question)
        if hash(question) in self._loose:
            yield Key("item", (question, tuple(sorted(map(normal, sample.options)))))
        marked = (line for line in sample.question.splitlines() if ":" in line or "=" in line)
        lines = sorted(_given(line) for line in marked if _GIVEN.search(line))
        if len(lines) > 1:  # one line alone may be a constant that many questions give
            yield Key("data", tuple(lines))

    def marks(self, sample: Sample) -> list[str]:
        """The keys that the harness cannot see for itself, as `KIND:HASH`; for `Sample.meta["kin"]`."""
        found = (key for key in self.keys(sample) if key.kind != "item")
        return [f"{key.kind}:{hashlib.sha256(repr(key.value).encode()).hexdigest()[:16]}" for key in found]


def families(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples grouped so that kin are together, in an order that depends on the samples alone."""
    kinship = Kinship(samples)
    parent = list(range(len(samples)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[int, int] = {}
    for i, sample in enumerate(samples):
        for key in kinship.keys(sample):
            parent[root(i)] = root(first.setdefault(hash(key), i))
    groups: dict[int, list[Sample]] = defaultdict(list)
    for i, sample in enumerate(samples):
        groups[root(i)].append(sample)
    return sorted((sorted(group, key=lambda s: s.id) for group in groups.values()), key=lambda group: group[0].id)


@functools.lru_cache(maxsize=1 << 14)  # a pool's texts are asked for several times over
def normal(text: str) -> str:
    """The text with case, punctuation and spacing aside; signs and decimal points stay, as -0.2 is not 0.2."""
    text = text.lower()
    # Most texts are ASCII, and for them this is several times as fast.
    apart = text.translate(_ASCII) if text.isascii() else _APART.sub(" ", text.replace("\u2212", "-"))
    return " ".join(filter(None, [word.strip(".") for word in apart.split()]))


def _given(line: str) -> tuple[str, ...]:
    """A line of data as words and numbers: `energy_above_hull: 90.00` is `energy above hull = 90.0`."""
    parts = _PARTS.findall(line.lower().replace("\u2212", "-"))
    return tuple(repr(float(number)) if number else word for number, word in parts)
