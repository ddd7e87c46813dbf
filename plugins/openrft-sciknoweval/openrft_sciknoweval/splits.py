"""Train and test samples drawn by seed: stratified by task and subtask, a leakage group never on both sides.

Samples of a leakage group are so alike that they must not be on both sides of a split: they share a key.
There are three kinds of key. `item`: the same question with the same set of options. `question`: the same question
alone, unless it is a template, a wording that so many of the task's rows have that it does not tell them apart. `data`:
the same block of given data under other words. Case, spacing and punctuation never matter, but for signs and decimal
points. In data numbers count by value, and `_` is a space.
"""

from __future__ import annotations

import functools
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openrft import Sample, normalize_text, splits

TEMPLATE = 8  # rows of a task; a wording that more than these share is a template
_PARTS = re.compile(r"((?:(?<![\w.])[-+])?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)|([^\W\d_]+)")
_DATA_LINE = re.compile(r"[:=]\s*[-+\u2212]?\.?\d")  # a line of data: a name, then a number

normalize = functools.lru_cache(maxsize=1 << 14)(normalize_text)  # a task's texts are normalised several times


class GroupKey(NamedTuple):
    """What the samples of a leakage group share with each other and with no other sample."""

    kind: str  # "item", "question" or "data"
    value: object


class LeakageGroups:
    """The leakage groups among some samples."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        # Hashes in place of texts: a benchmark's questions need not be in memory twice.
        asked = Counter((sample.task, hash(normalize(sample.question))) for sample in samples)
        self._templates = {wording for wording, rows in asked.items() if rows > TEMPLATE}
        self._loose = {question for _, question in self._templates}

    def keys(self, sample: Sample) -> Iterator[GroupKey]:
        """The sample's keys. Samples that share an `item` key share the `question` key too, where they have one."""
        question = normalize(sample.question)
        if (sample.task, hash(question)) not in self._templates:
            yield GroupKey("question", question)
        if hash(question) in self._loose:
            yield GroupKey("item", (question, tuple(sorted(map(normalize, sample.options)))))
        marked = (line for line in sample.question.splitlines() if ":" in line or "=" in line)
        lines = sorted(_parse_data_line(line) for line in marked if _DATA_LINE.search(line))
        if len(lines) > 1:  # one line alone may be a constant that many questions give
            yield GroupKey("data", tuple(lines))

    def group_keys(self, sample: Sample) -> list[str]:
        """The keys that the harness cannot find by itself, as `KIND:HASH`; for `Sample.meta["leakage_groups"]`."""
        found = (key for key in self.keys(sample) if key.kind != "item")
        return [f"{key.kind}:{hashlib.sha256(repr(key.value).encode()).hexdigest()[:16]}" for key in found]


def group_samples(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples in their leakage groups, in an order that depends on the samples alone."""
    leakage = LeakageGroups(samples)
    return splits.group_by_keys(samples, (map(hash, leakage.keys(sample)) for sample in samples))


def _parse_data_line(line: str) -> tuple[str, ...]:
    """A line of data as words and numbers: `energy_above_hull: 90.00` is `energy above hull = 90.0`."""
    parts = _PARTS.findall(line.lower().replace("\u2212", "-"))
    return tuple(repr(float(number)) if number else word for number, word in parts)


def split(samples: Sequence[Sample], train: int, test: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """At most `train` and `test` samples, no leakage group on both sides; as `openrft.splits.split_groups`."""
    return splits.split_groups(group_samples(samples), train, test, seed, _stratum)


def draw(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """`count` of the samples, stratified; as `openrft.splits.draw_samples`."""
    return splits.draw_samples(samples, count, seed, _stratum)


def draw_judged(
    train: Sequence[Sample], test: Sequence[Sample], judged: Sequence[Sample], share: float, room: int, seed: int
) -> list[Sample]:
    """Samples that only a judge can score, for the test side alone: `share` for each test sample, at most `room`.

    None that shares a leakage group with a train sample.
    """
    trained = {sample.id for sample in train}
    free = {id(s) for group in group_samples([*train, *judged]) if not trained & {s.id for s in group} for s in group}
    count = min(math.ceil(share * len(test)), room)
    return draw([sample for sample in judged if id(sample) in free], count, seed)


def _stratum(sample: Sample) -> splits.Stratum:
    """The task, and the subtask that the row names."""
    return sample.task, str(sample.meta.get("subtask", ""))
