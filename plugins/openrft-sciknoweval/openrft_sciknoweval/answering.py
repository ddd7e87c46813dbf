"""How an answer is asked for and judged, by the kinds of item a task holds.

One instruction serves a whole task. The rows' own ones ("directly give the answer without any explanation") forbid
the reasoning that is to be trained, so they are kept in `Sample.meta` and not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from openrft import Sample, Task

_REASON = "Reason step by step, one step per line."
_FORMS = {
    "choice": "the letter of the right option",
    "boolean": "Yes if it holds or is true, No if not",
    "text": "the answer alone, keeping the order in which the question gives things",
}
core_grade = Task("", (), ()).grade  # the harness's own grader


def instruction(kinds: Iterable[str]) -> str | None:
    """The system instruction for items of these kinds; None = the harness's own, which is for choices."""
    held = set(kinds)
    wanted = [kind for kind in _FORMS if kind in held]
    if wanted == ["choice"]:
        return None
    if len(wanted) == 1:
        return f"{_REASON} On the last line put in \\boxed{{}}: {_FORMS[wanted[0]]}."
    where = {"choice": "where options are given", "boolean": "for a yes/no question or a hypothesis", "text": "else"}
    forms = "; ".join(f"{where[kind]}, {_FORMS[kind]}" for kind in wanted)
    return f"{_REASON} On the last line put the final answer in \\boxed{{}}: {forms}."


def grade(sample: Sample, completion: str) -> Any:
    """The harness's grade; a text is right if the final answer contains the gold answer as whole words.

    Containment is the benchmark's metric for filling. Whole words, because a plain substring would let
    `12H2 + O2 = 2H2O` pass for `2H2 + O2 = 2H2O`; the final answer only, because a chain of thought that lists
    candidates would contain the gold one by luck.
    """
    verdict = core_grade(sample, completion)
    if sample.kind != "text" or verdict.answer is None:
        return verdict
    return replace(verdict, correct=contains(verdict.answer, sample.answer))


def contains(answer: str, gold: str) -> bool:
    """Does `gold` stand in `answer`, neither cut out of a longer word or number? Spaces do not matter."""
    answer, gold = " ".join(answer.split()), " ".join(gold.split())
    return bool(gold) and re.search(rf"(?<![\w.]){re.escape(gold)}(?!\w|\.\d)", answer) is not None
