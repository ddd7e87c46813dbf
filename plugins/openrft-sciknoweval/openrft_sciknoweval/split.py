"""Train and test samples drawn by seed: stratified by task and subtask, and kin (see kin.py) never on both sides."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence

from openrft import Sample
from openrft_sciknoweval.kin import families

Stratum = tuple[str, str]  # the task, and the subtask that the row names


def split(samples: Sequence[Sample], train: int, test: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """At most `train` and `test` samples. Where there are fewer than both ask for, both shrink in proportion, test to
    its share and train to what is left.

    Test is drawn first, so its items stay the same when only `train` changes (and there is enough for both).
    """
    have = len(samples)
    if train + test > have:
        test = min(max(round(have * test / (train + test)), 1), max(have - 1, 0))
    groups = families(samples)
    tests = draw_groups(groups, test, random.Random(f"{seed} test"))
    taken = {sample.id for sample in tests}
    rest = [group for group in groups if group[0].id not in taken]
    return draw_groups(rest, train, random.Random(f"{seed} train")), tests


def judged_beside(
    train: Sequence[Sample], test: Sequence[Sample], judged: Sequence[Sample], share: float, room: int, seed: int
) -> list[Sample]:
    """Samples that only a judge can score, for the test side alone: `share` for each test sample, at most `room`.

    None that is kin to a train sample.
    """
    trained = {sample.id for sample in train}
    free = {id(s) for group in families([*train, *judged]) if not trained & {s.id for s in group} for s in group}
    count = min(math.ceil(share * len(test)), room)
    return draw([sample for sample in judged if id(sample) in free], count, seed)


def draw(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """`count` of the samples, stratified; all of them if there are no more."""
    if count >= len(samples):
        return list(samples)
    return draw_groups([[sample] for sample in samples], count, random.Random(f"{seed} draw"))


def draw_groups(groups: Sequence[list[Sample]], count: int, rng: random.Random) -> list[Sample]:
    """`count` samples in whole groups, each stratum in proportion to its size; in shuffled order.

    Fewer only where no group left is small enough to fill the rest.
    """
    strata: dict[Stratum, list[list[Sample]]] = defaultdict(list)
    for group in groups:
        strata[_stratum(group[0])].append(group)
    sizes = {stratum: sum(map(len, within)) for stratum, within in sorted(strata.items())}
    count = min(count, sum(sizes.values()))
    drawn: list[Sample] = []
    left: list[list[Sample]] = []
    for stratum, quota in _quotas(sizes, count).items():
        rng.shuffle(strata[stratum])
        _take(strata[stratum], quota, drawn, left)
    rng.shuffle(left)
    _take(left, count - len(drawn), drawn, [])
    rng.shuffle(drawn)
    return drawn


def _take(groups: Sequence[list[Sample]], room: int, drawn: list[Sample], left: list[list[Sample]]) -> None:
    """Move to `drawn` each group that has room, in order, and the others to `left`."""
    for group in groups:
        if len(group) <= room:
            drawn += group
            room -= len(group)
        else:
            left.append(group)


def _stratum(sample: Sample) -> Stratum:
    return sample.task, str(sample.meta.get("subtask", ""))


def _quotas(sizes: dict[Stratum, int], count: int) -> dict[Stratum, int]:
    """`count` shared out in proportion, by largest remainder."""
    total = sum(sizes.values()) or 1
    exact = {stratum: count * size / total for stratum, size in sizes.items()}
    quotas = {stratum: int(share) for stratum, share in exact.items()}
    by_remainder = sorted(exact, key=lambda stratum: (quotas[stratum] - exact[stratum], stratum))
    for stratum in by_remainder[: count - sum(quotas.values())]:
        quotas[stratum] += 1
    return quotas
