"""From a kind and a seed to samples: train and test items that never share an exercise.

An exercise (`Kind.key`) belongs to train or to test by a hash of its name, whatever the seed, so two draws with
any two seeds cannot leak into each other.
"""

from __future__ import annotations

from random import Random

from openrft import Sample, UsageError
from openrft_pocket.kinds import Kind
from openrft_pocket.kinds.kind import Split, letter, split_of
from openrft_pocket.wording import phrase

PATIENCE = 12  # the last of n equally likely samples stays out for 12 n draws once in 160,000 times


def draw_items(kind: Kind, task: str, split: Split, count: int, seed: int) -> list[Sample]:
    """`count` samples, all different; the first ones are the same for any larger count. In a small world an
    exercise comes again in other words or with other options: to prefer unseen exercises would make some answers
    likelier than others.

    Raises UsageError where there are not so many: so long a row of samples that were had already means that."""
    rng = Random(f"{kind.name} {split} {seed}")
    found: dict[str, Sample] = {}
    known = 0  # samples in a row that were had already
    while len(found) < count:
        if known > 200 + PATIENCE * len(found):
            raise UsageError(f"{task} has only {len(found)} different {split} samples.", "Ask for no more than that.")
        facts = first = kind.draw(rng)
        while split_of(kind.name, kind.key(facts)) != split or kind.stratum(facts) != kind.stratum(first):
            facts = kind.draw(rng)
        sample = word(kind, task, facts, rng)
        known = known + 1 if sample.id in found else 0
        found.setdefault(sample.id, sample)
    return list(found.values())


def word(kind: Kind, task: str, facts: dict, rng: Random) -> Sample:
    """One sample of these facts in one of the task's own wordings."""
    options, gold = kind.options(facts, rng)
    stem = phrase(rng.choice(kind.wordings), kind.slots(facts), rng)
    return Sample(
        question=stem, answer=letter(gold), options=tuple(options), task=task, meta={"kind": kind.name, "facts": facts}
    )
