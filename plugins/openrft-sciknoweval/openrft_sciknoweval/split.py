"""Train and test samples drawn by seed: stratified by task and subtask, and kin (see kin.py) never on both sides."""

from __future__ import annotations

import math
from collections.abc import Sequence

from openrft import Sample, splits
from openrft_sciknoweval.kin import families


def split(samples: Sequence[Sample], train: int, test: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """As `openrft.splits.split`."""
    return splits.split(families(samples), train, test, seed, _subtask)


def draw(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """As `openrft.splits.draw`."""
    return splits.draw(samples, count, seed, _subtask)


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


def _subtask(sample: Sample) -> splits.Stratum:
    """The task, and the subtask that the row names."""
    return sample.task, str(sample.meta.get("subtask", ""))
