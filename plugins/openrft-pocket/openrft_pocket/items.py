"""From a kind and a seed to samples: train and test items that never share an exercise.

An exercise (`Kind.key`) belongs to train or to test by a hash of its name, whatever the seed, so two draws with
any two seeds cannot leak into each other.
"""

from __future__ import annotations

import hashlib
from random import Random
from typing import Literal

from openrft import Sample
from openrft_pocket.kinds import Kind
from openrft_pocket.kinds.kind import letter
from openrft_pocket.wording import phrase

Split = Literal["train", "test"]


def split_of(kind: Kind, key: str) -> Split:
    """The half of all exercises to which this one belongs."""
    return "train" if hashlib.sha256(f"{kind.name} {key}".encode()).digest()[0] % 2 else "test"


def draw_items(kind: Kind, task: str, split: Split, count: int, seed: int) -> list[Sample]:
    """`count` samples; the first ones are the same for any larger count. An exercise comes again, in other words or
    with other options, only when there are fewer exercises than samples."""
    rng = Random(f"{kind.name} {split} {seed}")
    seen: set[str] = set()
    ids: set[str] = set()
    found: list[Sample] = []
    misses = 0
    while len(found) < count:
        facts = kind.draw(rng)
        key = kind.key(facts)
        if split_of(kind, key) != split:
            continue
        if key in seen and misses < 200:
            misses += 1
            continue
        sample = word(kind, task, facts, rng)
        if sample.id in ids:
            continue
        misses = 0
        seen.add(key)
        ids.add(sample.id)
        found.append(sample)
    return found


def word(kind: Kind, task: str, facts: dict, rng: Random) -> Sample:
    """One sample of these facts in one of the task's own wordings."""
    options, gold = kind.options(facts, rng)
    stem = phrase(rng.choice(kind.wordings), kind.slots(facts), rng)
    return Sample(
        question=stem, answer=letter(gold), options=tuple(options), task=task, meta={"kind": kind.name, "facts": facts}
    )
