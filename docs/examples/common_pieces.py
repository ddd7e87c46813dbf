"""The rule for reactions in SMILES, as in SciKnowEval's retrosynthesis: product and reactant have most in common."""

from __future__ import annotations

import re

from openrft import Sample

MOLECULE = re.compile(r"[A-Za-z0-9@+\-\[\]()\\/%=#$:.]+")
LENGTH = 5  # characters of a piece


def solve(sample: Sample) -> tuple[list[str], str | None]:
    """Which options have each piece of the longest molecule of the question, and how many pieces each option has.

    The steps leave the answer open. In T2 the right option has most pieces in nine of ten questions, often not alone.
    """
    molecule = max(MOLECULE.findall(sample.question), key=len)
    options = {chr(65 + i): option for i, option in enumerate(sample.options)}
    pieces = [molecule[at : at + LENGTH] for at in range(0, len(molecule) - LENGTH + 1, LENGTH)]
    found = [[name for name, option in options.items() if piece in option] for piece in pieces]
    steps = [" ".join([piece, *(names or ["no"])]) for piece, names in zip(pieces, found, strict=True)]
    return [*steps, ", ".join(f"{name} {sum(name in names for names in found)}" for name in options)], None
