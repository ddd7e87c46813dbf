"""Questions: which of the training samples a step of RL asks. Pure functions, every draw keyed."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from openrft.arm import derived_seed
from openrft.sample import Sample


def batch_of(train: Sequence[Sample], size: int, step: int, seed: int) -> list[Sample]:
    """The step's questions: the train split shuffled anew each epoch, cut into batches; the last one wraps around."""
    size = min(size, len(train))
    batch: list[Sample] = []
    at = step * size
    while len(batch) < size:
        epoch, offset = divmod(at, len(train))
        order = list(range(len(train)))
        random.Random(derived_seed(seed, "order", epoch)).shuffle(order)
        take = order[offset : offset + size - len(batch)]
        batch += [train[i] for i in take]
        at += len(take)
    return batch


def further(
    train: Sequence[Sample], size: int, asked: Collection[str], step: int, turn: int, seed: int
) -> list[Sample]:
    """Up to `size` questions at random, none of those whose ids this step has `asked` already."""
    left = [s for s in train if s.id not in asked]
    random.Random(derived_seed(seed, "further", step, turn)).shuffle(left)
    return left[:size]
