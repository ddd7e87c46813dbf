"""The rule for perovskites whose potentials are listed (SciKnowEval's perovskite_stability_prediction): the highest."""

from __future__ import annotations

import re

from count_down import count_down, cut

from openrft import Sample

POTENTIAL = re.compile(r"(\w+)\s*,[^\n]*First Ionization Potential[^:\n]*: ?(\d+\.?\d*)")


def solve(sample: Sample) -> tuple[list[str], str | None]:
    """Steps to the highest potential. No steps where the question lists something else, or not all options."""
    given = dict(POTENTIAL.findall(sample.question))
    if not all(option in given for option in sample.options):
        return [], None
    numbers = {chr(65 + i): given[option] for i, option in enumerate(sample.options)}
    listed = [
        f"{chr(65 + i)}. {option} {given[option]}: {cut(given[option], 0)}" for i, option in enumerate(sample.options)
    ]
    steps, letter = count_down(numbers, place=1)
    return (listed + steps, letter) if letter else ([], None)
