"""Draw train and test samples by seed: stratified, with related samples on one side. Task families may import this."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from openrft.tasks.leakage import connect_by_keys, leakage_keys
from openrft.types import Sample

Group = list[Sample]  # samples that stay together
Stratum = tuple[str, ...]  # samples are drawn from each stratum in proportion to its size
Stratify = Callable[[Sample], Stratum]


def stratify_by_task(sample: Sample) -> Stratum:
    """The leaf task."""
    return (sample.task,)


def group_related_samples(samples: Sequence[Sample]) -> list[Group]:
    """Samples grouped so that related ones stay together: those that match or share a key in `meta["leakage_groups"]`
    (`openrft.tasks.leakage`), directly or through others. The order depends on the samples alone."""
    return group_by_keys(samples, map(leakage_keys, samples))


def group_by_keys(samples: Sequence[Sample], keys: Iterable[Iterable[Hashable]]) -> list[Group]:
    """Samples grouped by shared `keys`, directly or through other samples. The order depends on the samples alone."""
    groups: dict[int, Group] = defaultdict(list)
    for sample, first in zip(samples, connect_by_keys(keys), strict=True):
        groups[first].append(sample)
    return sorted((sorted(group, key=lambda s: s.id) for group in groups.values()), key=lambda group: group[0].id)


def split_groups(
    groups: Sequence[Group], train: int, test: int, seed: int, stratum: Stratify = stratify_by_task
) -> tuple[list[Sample], list[Sample]]:
    """At most `train` and `test` samples. If there are too few for both, both shrink in proportion: test to its share,
    and train to what is left.

    Test is drawn first, so its items stay the same when only `train` changes (if there are enough for both).
    """
    have = sum(map(len, groups))
    if train + test > have:
        test = min(max(round(have * test / (train + test)), 1), max(have - 1, 0))
    tests = draw_groups(groups, test, random.Random(f"{seed} test"), stratum)
    taken = {sample.id for sample in tests}
    rest = [group for group in groups if group[0].id not in taken]
    return draw_groups(rest, train, random.Random(f"{seed} train"), stratum), tests


def draw_samples(
    samples: Sequence[Sample], count: int, seed: int, stratum: Stratify = stratify_by_task
) -> list[Sample]:
    """`count` of the samples, stratified; all of them if there are not more."""
    if count >= len(samples):
        return list(samples)
    return draw_groups([[sample] for sample in samples], count, random.Random(f"{seed} draw"), stratum)


def draw_groups(
    groups: Sequence[Group], count: int, rng: random.Random, stratum: Stratify = stratify_by_task
) -> list[Sample]:
    """`count` samples in whole groups, from each stratum in proportion to its size, in shuffled order.

    There are fewer only if no remaining group is small enough to fill the rest.
    """
    strata: dict[Stratum, list[Group]] = defaultdict(list)
    for group in groups:
        strata[stratum(group[0])].append(group)
    sizes = {name: sum(map(len, within)) for name, within in sorted(strata.items())}
    count = min(count, sum(sizes.values()))
    drawn: list[Sample] = []
    left: list[Group] = []
    for name, quota in _quotas(sizes, count).items():
        rng.shuffle(strata[name])
        _take(strata[name], quota, drawn, left)
    rng.shuffle(left)
    _take(left, count - len(drawn), drawn, [])
    rng.shuffle(drawn)
    return drawn


def _take(groups: Sequence[Group], room: int, drawn: list[Sample], left: list[Group]) -> None:
    """Move each group that fits to `drawn`, in order, and the others to `left`."""
    for group in groups:
        if len(group) <= room:
            drawn += group
            room -= len(group)
        else:
            left.append(group)


def _quotas(sizes: dict[Stratum, int], count: int) -> dict[Stratum, int]:
    """`count` divided in proportion to the sizes, by largest remainder."""
    total = sum(sizes.values()) or 1
    exact = {name: count * size / total for name, size in sizes.items()}
    quotas = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (quotas[name] - exact[name], name))
    for name in by_remainder[: count - sum(quotas.values())]:
        quotas[name] += 1
    return quotas
