"""Train and test samples drawn by seed: stratified by task, and kin never on both sides.

Kin are samples with the same question and the same set of options, or with the same question alone where the
question carries the data (it is not one wording that serves a whole task), or with the same block of given data.
"""

from __future__ import annotations

import functools
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from openrft import Sample


def split(samples: Sequence[Sample], train: int, test: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """At most `train` and `test` samples. Where there are fewer than both ask for, both shrink in proportion.

    Test is drawn first, so its items stay the same when only `train` changes (and there is enough for both).
    """
    have = len(samples)
    if train + test > have:
        test = min(max(round(have * test / (train + test)), 1), max(have - 1, 0))
        train = have - test
    groups = families(samples)
    tests = _draw(groups, test, random.Random(f"{seed} test"))
    taken = {sample.id for sample in tests}
    rest = [group for group in groups if group[0].id not in taken]
    return _draw(rest, train, random.Random(f"{seed} train")), tests


def draw(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """`count` of the samples, stratified by task; all of them if there are no more."""
    if count >= len(samples):
        return list(samples)
    return _draw([[sample] for sample in samples], count, random.Random(f"{seed} draw"))


def kin_in_train(train: Sequence[Sample], test: Sequence[Sample], everything: Sequence[Sample]) -> int:
    """How many test samples have kin among the training samples; `everything` is what both were drawn from."""
    telling = _telling(everything)
    trained = {key for sample in train for key in _keys(sample, telling)}
    return sum(any(key in trained for key in _keys(sample, telling)) for sample in test)


def families(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples grouped so that kin are together, in an order that depends on the samples alone."""
    telling = _telling(samples)
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            i = parent[i]
        return i

    first: dict[object, int] = {}
    for i, sample in enumerate(samples):
        for key in _keys(sample, telling):
            parent[root(i)] = root(first.setdefault(key, i))
    groups: dict[int, list[Sample]] = defaultdict(list)
    for i, sample in enumerate(samples):
        groups[root(i)].append(sample)
    return sorted((sorted(group, key=lambda s: s.id) for group in groups.values()), key=lambda group: group[0].id)


def _telling(samples: Sequence[Sample]) -> set[str]:
    """Tasks in which a question's text tells items apart: at least half of their questions differ."""
    total = Counter(sample.task for sample in samples)
    distinct = Counter(task for task, _ in {(sample.task, normal(sample.question)) for sample in samples})
    return {task for task in total if 2 * distinct[task] >= total[task]}


def _keys(sample: Sample, telling: set[str]) -> Iterator[object]:
    """What the sample shares with its kin and with nobody else."""
    yield "item", item_key(sample)
    if sample.task in telling and "data_missing" not in sample.meta.get("defects", ()):
        yield "question", normal(sample.question)
    block = sample.question.partition("Given data:")[2]
    lines = sorted(line for line in map(normal, block.splitlines()) if line)
    if lines:
        yield "data", tuple(lines)


def _draw(groups: Sequence[list[Sample]], count: int, rng: random.Random) -> list[Sample]:
    """About `count` samples in whole groups, each task in proportion to its size; in shuffled order."""
    by_task: dict[str, list[list[Sample]]] = defaultdict(list)
    for group in groups:
        by_task[group[0].task].append(group)
    sizes = {task: sum(map(len, of_task)) for task, of_task in sorted(by_task.items())}
    drawn: list[Sample] = []
    for task, quota in _quotas(sizes, min(count, sum(sizes.values()))).items():
        rng.shuffle(by_task[task])
        for group in by_task[task]:
            if len(group) <= quota:
                drawn += group
                quota -= len(group)
    rng.shuffle(drawn)
    return drawn


def _quotas(sizes: dict[str, int], count: int) -> dict[str, int]:
    """`count` shared out in proportion, by largest remainder."""
    total = sum(sizes.values()) or 1
    exact = {task: count * size / total for task, size in sizes.items()}
    quotas = {task: int(share) for task, share in exact.items()}
    by_remainder = sorted(exact, key=lambda task: (quotas[task] - exact[task], task))
    for task in by_remainder[: count - sum(quotas.values())]:
        quotas[task] += 1
    return quotas


def item_key(sample: Sample) -> tuple[str, tuple[str, ...]]:
    """The same for two samples that ask the same: question and set of options, writing aside."""
    return normal(sample.question), tuple(sorted(map(normal, sample.options)))


@functools.lru_cache(maxsize=1 << 15)  # a pool's texts are asked for several times over
def normal(text: str) -> str:
    """The text with case, punctuation and spacing aside."""
    return re.sub(r"\W+", " ", text.lower()).strip()
