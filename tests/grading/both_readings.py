"""What both readings find in a completion, for tests of what is read and not of what is right."""

from __future__ import annotations

from collections.abc import Sequence

import openrft
from openrft import AnswerKind, Sample

GOLD = {"choice": "A", "boolean": "Yes", "number": "1", "expression": "1", "text": "?"}
METALS = ("iron", "osmium", "lead", "gold")


def read(
    kind: AnswerKind, completion: str, options: Sequence[str] = (), question: str = "q"
) -> tuple[str | None, str | None]:
    """The answers of the strict and of the lenient reading."""
    grade = openrft.grade(Sample(question, GOLD[kind], tuple(options), kind), completion)
    return grade.answer, (grade.lenient or grade).answer
