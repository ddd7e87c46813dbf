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
    """`count` samples, all different; the first ones are the same for any larger count. In a small world an
    exercise comes again in other words or with other options: to prefer unseen exercises would make some answers
    likelier than others."""
    rng = Random(f"{kind.name} {split} {seed}")
    found: dict[str, Sample] = {}
    while len(found) < count:
        facts = first = kind.draw(rng)
        while split_of(kind, kind.key(facts)) != split or kind.stratum(facts) != kind.stratum(first):
            facts = kind.draw(rng)
        sample = word(kind, task, facts, rng)
        found.setdefault(sample.id, sample)
    return list(found.values())


def word(kind: Kind, task: str, facts: dict, rng: Random) -> Sample:
    """One sample of these facts in one of the task's own wordings."""
    options, gold = kind.options(facts, rng)
    stem = phrase(rng.choice(kind.wordings), kind.slots(facts), rng)
    return Sample(
        question=stem, answer=letter(gold), options=tuple(options), task=task, meta={"kind": kind.name, "facts": facts}
    )
