"""The rule-based rewriter: the same facts in another of the task's wordings, options untouched."""

from __future__ import annotations

from random import Random

from openrft import Sample
from openrft_pocket.kinds import KINDS
from openrft_pocket.wording import phrase


def rewrite(sample: Sample, n: int, seed: int) -> list[str]:
    """Up to `n` stems that differ from the sample's and from each other; fewer where the kind has fewer wordings."""
    kind = KINDS[sample.meta["kind"]]
    rng = Random(f"rewrite {sample.id} {seed}")
    templates = [*kind.rewordings, *kind.wordings]
    rng.shuffle(templates)
    stems = dict.fromkeys(phrase(template, kind.slots(sample.meta["facts"]), rng) for template in templates)
    stems.pop(sample.question, None)
    return list(stems)[:n]
