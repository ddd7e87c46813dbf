"""The rule for diffusion rates (SciKnowEval's diffusion_rate_analysis): the lowest barrier is the fastest."""

from __future__ import annotations

import re
from collections.abc import Sequence

from openrft import Sample

TENTHS = [f"-{n}" for n in range(9, -1, -1)] + [str(n) for n in range(30)]
BARRIER = re.compile(r"Solute Element[ \d]*: (\w+), Host Element[ \d]*: (\w+), Diffusion Barrier[^:]*: (-?[\d.]+)")


def solve(sample: Sample) -> tuple[list[str], str | None]:
    """Steps to the lowest barrier. Tenths are counted up: a small model finds what it wrote, but compares badly."""
    given = {f"{solute} in {host}": value for solute, host, value in BARRIER.findall(sample.question)}
    barriers = {f"{chr(65 + i)}. {pair}": given[pair] for i, pair in enumerate(sample.options) if pair in given}
    tenths = {line: re.sub(r"\b0?\.(\d).*", r"\1", value) for line, value in barriers.items()}  # -0.38 is -3
    steps = [f"{line}: {value}, tenths {tenths[line]}" for line, value in barriers.items()]
    if len(lowest := count_up(tenths, TENTHS, steps)) > 1:  # the next digit tells, in the same way
        marks = {line: re.sub(r"\b0?\.(\d\d).*", r"\1", barriers[line]) for line in lowest}
        steps.append(", ".join(f"{line[0]} {mark}" for line, mark in marks.items()))
        digits = range(9, -1, -1) if marks[lowest[0]][0] == "-" else range(10)
        lowest = count_up(marks, [f"{tenths[lowest[0]]}{digit}" for digit in digits], steps)
    return ([*steps, f"The lowest is {lowest[0]}."], lowest[0][0]) if lowest else ([], None)


def count_up(marks: dict[str, str], scale: Sequence[str], steps: list[str]) -> list[str]:
    """The lines of the lowest mark. What was counted is added to the steps."""
    for place, mark in enumerate(scale):
        if found := [line for line in marks if marks[line] == mark]:
            steps.append("".join(f"{lower} no, " for lower in scale[:place]) + " ".join([mark, *(f[0] for f in found)]))
            return found
    return []
