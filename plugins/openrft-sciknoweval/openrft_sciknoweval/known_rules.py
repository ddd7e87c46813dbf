"""Rules known to solve a task without understanding it: `baseline:task-rule`. Shown so that a gain can be weighed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from openrft import Sample

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Answerer = Callable[[Any], str | None]

_BARRIER = re.compile(
    r"Solute Element[^:\n]*:\s*(?P<solute>[^,\n]+),\s*Host Element[^:\n]*:\s*(?P<host>[^,\n]+),"
    r"[^\n]*?Barrier[^:=\n]*[:=]\s*(?P<barrier>[-\u2212]?\d+(?:\.\d+)?)"
)
_NUMBER = re.compile(r"[-\u2212]?\d+(?:\.\d+)?")


def lowest_barrier(train: Sequence[Sample]) -> Answerer:
    """Diffusion is fastest over the lowest barrier: the smallest number in the given data."""

    def answer(question: Any) -> str | None:
        barriers = {
            f"{row['solute'].strip()} in {row['host'].strip()}".lower(): _float(row["barrier"])
            for row in _BARRIER.finditer(question.text)
        }
        found = [barriers.get(option.strip().rstrip(".").lower()) for option in question.options]
        known = [value for value in found if value is not None]
        return LETTERS[found.index(min(known))] if known and len(known) == len(found) else None

    return answer


def second_largest(train: Sequence[Sample]) -> Answerer:
    """The wrong options were made from the right number: two below it and one above, always."""

    def answer(question: Any) -> str | None:
        values = [_float(found.group()) for found in map(_NUMBER.search, question.options) if found]
        if len(values) < max(len(question.options), 2):
            return None
        return LETTERS[sorted(range(len(values)), key=lambda i: -values[i])[1]]

    return answer


def _float(text: str) -> float:
    return float(text.replace("\u2212", "-"))


RULES = {
    "sciknoweval/L3/diffusion_rate_analysis": lowest_barrier,
    "sciknoweval/L3/molecular_property_calculation": second_largest,
}
