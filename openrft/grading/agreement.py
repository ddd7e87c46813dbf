"""Which of several answers to one question are equal, so that they count together in a vote.

Two answers are equal if the grader would accept one where the other is the gold answer. The real gold answer is
not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from openrft.grading.readers import is_right
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.types import Sample


def number_answers(
    sample: Sample, answers: Sequence[str | None], rules: GradingRules = DEFAULT_RULES
) -> list[int | None]:
    """The group of each answer, as a list of the same length: 0, 1, ... in the order of first appearance.

    Equal answers have the same number. None (nothing could be read) stays None, which gives no vote."""
    known: list[str] = []  # the first answer of each number
    numbers: list[int | None] = []
    for answer in answers:
        if answer is None:
            numbers.append(None)
            continue
        same = next((number for number, first in enumerate(known) if _is_equal(sample, first, answer, rules)), None)
        if same is None:
            same = len(known)
            known.append(answer)
        numbers.append(same)
    return numbers


def find_plurality(numbers: Sequence[int | None]) -> int | None:
    """The number of the largest group, or of the first of several equally large ones. None if nothing could be read."""
    given = [number for number in numbers if number is not None]
    return max(dict.fromkeys(given), key=given.count, default=None)


def says_the_same(sample: Sample, one: str, other: str) -> bool:
    """Whether two things that one completion says are one answer: equal, rounded alike, or both right."""
    if _is_equal(sample, one, other, DEFAULT_RULES) or _is_equal(sample, other, one, DEFAULT_RULES):
        return True
    return all(is_right(sample, answer, DEFAULT_RULES) for answer in (one, other))


def _is_equal(sample: Sample, one: str, other: str, rules: GradingRules) -> bool:
    """Whether the grader would take one answer for the other."""
    if one == other:
        return True
    if sample.kind in ("choice", "boolean"):
        return False
    return is_right(replace(sample, answer=one, accepted=()), other, rules)
