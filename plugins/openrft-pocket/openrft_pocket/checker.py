"""The exact step checker: is this line true of this question?

A line is sound if it is one that the true derivation contains or may contain (sums and products in any order,
facts of the question, the gold option, the gold letter). Sound arithmetic with a wrong operand is unsound, since
the line is not true of the question. Both step styles are known (kinds/prose.py); a line in any other style is unsound.
"""

from __future__ import annotations

from collections.abc import Sequence

from openrft import Sample
from openrft_pocket.kinds import KINDS
from openrft_pocket.kinds.prose import retold


def check_steps(sample: Sample, steps: Sequence[str]) -> list[bool]:
    """Soundness of each step, in order."""
    truths = KINDS[sample.meta["kind"]].truths(sample.meta["facts"], sample.options)
    truths |= {retold(line) for line in truths}
    return [step.strip() in truths for step in steps]
