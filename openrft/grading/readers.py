"""One reader for each kind of answer: what a piece of text without markup says, and whether that is right."""

from __future__ import annotations

import re
from collections.abc import Callable

from openrft.grading.boolean import read_boolean
from openrft.grading.choice import read_choice
from openrft.grading.expression import is_same_expression, read_expression
from openrft.grading.finding import NOTHING, Finding, refuse
from openrft.grading.left_side import is_operation
from openrft.grading.number import explain_refusal, has_known_unit, is_same_number, read_number
from openrft.grading.rules import GradingRules
from openrft.grading.text import is_accepted_text, read_text
from openrft.types import AnswerKind, Sample

Reader = Callable[[Sample, str], Finding]
_SCALE = re.compile(r"\bp(?:OH|H|K_?\{?(?:\\mathrm\{)?[abw](?=\}|\b))")
_ASKS_SCALE = re.compile(
    r"\b(?:[Ww]hat(?:\s+is|['\u2019]s)|[Ff]ind|[Cc]alculate|[Cc]ompute|[Dd]etermine|[Ee]stimate)\s+the\s+p(?:OH|H|Ka|Kb)\b"
)
_ASKS_ANGLE = re.compile(
    r"\b(?:how\s+many|in)\s+degrees\b|\b(?:what|find|determine|calculate|compute)\b[^.?]{0,20}\bangle\b", re.IGNORECASE
)
_OF_ARC = re.compile(r"\A(?:(?!\\circ)[^'\"\u00b0])*\d\s*(?:['\"\u2032\u2033]|\^\{?\\prime)")
_NO_NUMBER = "it holds no number"


def _find_number(sample: Sample, raw: str) -> Finding:
    if raw.rstrip(" .!)").endswith("?"):
        return refuse("it is in question")
    if (answer := read_number(sample, raw)) is not None:
        if _ASKS_ANGLE.search(sample.question) and _OF_ARC.search(raw):
            return refuse("it gives minutes or seconds of arc")
        if _ASKS_SCALE.search(sample.question) and has_known_unit(answer):
            return refuse("it gives a unit, and the question asks for a number without one")
        asked, given = ({*map(_plain_scale, _SCALE.findall(text))} for text in (sample.question, raw))
        if asked and given and not asked & given:
            return refuse(f"it gives {given.pop()}, and the question asks for {asked.pop()}")
        if is_operation(raw, sample.question):
            return refuse("the left side of its equation is not what is asked")
        return Finding(answer)
    reason = explain_refusal(sample, raw)
    return NOTHING if reason == _NO_NUMBER else refuse(reason)


def _plain_scale(name: str) -> str:
    return "".join(sign for sign in name.replace("mathrm", "") if sign.isalpha())


def _find_expression(sample: Sample, raw: str) -> Finding:
    if raw.rstrip(" .!)").endswith("?"):
        return refuse("it is in question")
    if is_operation(raw, sample.question) and not any("=" in gold for gold in (sample.answer, *sample.accepted)):
        return refuse("the left side of its equation is not what is asked")
    answer, reason = read_expression(sample, raw)
    return Finding(answer, reason)


def _find_text(sample: Sample, raw: str) -> Finding:
    return Finding(read_text(sample, raw)) if raw.strip() else NOTHING


READERS: dict[AnswerKind, Reader] = {
    "choice": read_choice,
    "boolean": read_boolean,
    "number": _find_number,
    "expression": _find_expression,
    "text": _find_text,
}


def is_right(sample: Sample, answer: str, rules: GradingRules) -> bool:
    """Whether an answer, as a reader returned it, equals the gold answer or another accepted one."""
    gold = (sample.answer, *sample.accepted)
    if sample.kind in ("number", "expression"):
        rules = rules.for_sample(sample)
        is_same = is_same_number if sample.kind == "number" else is_same_expression
        return any(is_same(answer, right, rules, sample.question) for right in gold)
    return is_accepted_text(answer, sample) if sample.kind == "text" else answer in gold
