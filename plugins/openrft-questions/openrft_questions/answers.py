"""The gold answer, if what was written can mean only one; and what kind of answer it is.

What could be read in two ways is refused: a wrong gold answer would be trained on, and nobody would see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from openrft import Sample, Task, boxed
from openrft_questions.cells import Bad, required, spaced
from openrft_questions.choices import LETTERS

KINDS = ("choice", "boolean", "number", "text")
LONGEST = 200  # characters of an answer that is compared as a whole
DIGITS = 12  # significant ones of a number with decimals; computed ones have 17, and no answer would match them all
_YES_NO = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WITH_UNIT = re.compile(rf"({_NUMBER.pattern})(?:\s*(?![x\u00d7*]\s*10)[^\W\d_]\S*|\s*[%\u00b0$\u20ac\u00a3]\S*)?")
_COMMAS = re.compile(r"[-+]?[\d.]*\d,\d[\d.,]*(?:[eE][-+]?\d+)?")
_LETTER = re.compile(r"\(?([A-Za-z])\)?[.:]?")
_LETTER_AND_TEXT = re.compile(r"\(?([A-Za-z])[).:]+\s+(.+)", re.DOTALL)
_grade = Task("", (), ()).grade  # the harness's own grader


def kind_of(cells: Mapping[str, Any], options: Sequence[str]) -> str:
    """The kind of answer: as the row says, else choice where there are options, else as the answer looks."""
    if "type" in cells:
        kind = str(cells["type"]).strip().lower()
        if kind not in KINDS:
            raise Bad("type", f"the type {kind[:40]!r} is none of {', '.join(KINDS)}")
        if (kind == "choice") != bool(options):
            raise Bad("type", f"the type is {kind}, and there are {len(options) or 'no'} options")
        return kind
    if options:
        return "choice"
    if isinstance(cells.get("answer"), bool):
        return "boolean"
    answer = _signed(required(cells, "answer"))
    if answer.lower() in _YES_NO:
        return "boolean"
    if _COMMAS.fullmatch(answer):
        raise Bad("answer", f"{_comma(answer)}, or give the type text if it is no number")
    if re.fullmatch(r"[A-Za-z]", answer):
        raise Bad("answer", f"the answer is the letter {answer}, without options; give the type text if that is it")
    return "number" if _NUMBER.fullmatch(answer) else "text"


def choice_of(cells: Mapping[str, Any], options: Sequence[str], labels: Sequence[str]) -> str:
    """The gold option's letter, from its label or its whole text, if it can mean only one of them."""
    value = cells.get("answer")
    answer = str(value) if isinstance(value, bool) else required(cells, "answer")
    bare = _LETTER.fullmatch(answer)
    said = {answer.upper(), bare.group(1).upper() if bare else ""}
    by_label = {i for i, label in enumerate(labels) if label in said}
    texts = [spaced(text) for text in options]
    by_text = {i for i, text in enumerate(texts) if text == spaced(answer)}
    by_text = by_text or {i for i, text in enumerate(texts) if text.lower() == spaced(answer).lower()}
    both = _LETTER_AND_TEXT.fullmatch(answer)
    if both and not by_text:
        named, text = both.group(1).upper(), spaced(both.group(2)).lower()
        by_text = {i for i, label in enumerate(labels) if label == named and texts[i].lower() == text}
    found = by_label | by_text
    counted = not by_label and answer.isdecimal() and int(answer) <= len(options)
    if len(found) == 1 and not counted:
        return LETTERS[found.pop()]
    if counted:
        raise Bad("answer", f"the answer {answer} could count from 0 or from 1, or be an option's text: write a label")
    if found:
        raise Bad("answer", f"the answer {answer[:60]!r} fits several options, by label or text")
    raise Bad("answer", f"the answer {answer[:60]!r} is neither a label nor the text of an option")


def gold_of(cells: Mapping[str, Any], kind: str) -> str:
    """The gold answer where there are no options: Yes or No, a number alone, or a text."""
    value = cells.get("answer")
    answer = ("No", "Yes")[value] if isinstance(value, bool) else required(cells, "answer")
    gold = {"boolean": _yes_no, "number": _number, "text": _text}[kind](answer)
    sample = Sample("", gold, kind=kind)  # type: ignore[arg-type]
    if not _grade(sample, boxed(gold)).correct:
        raise Bad("answer", f"the answer {answer[:60]!r} could never be met: the grader does not take it for itself")
    return gold


def _yes_no(answer: str) -> str:
    if answer.lower() not in _YES_NO:
        raise Bad("answer", f"the type is boolean, and the answer {answer[:60]!r} is not Yes, No, True or False")
    return _YES_NO[answer.lower()]


def _number(answer: str) -> str:
    answer = _signed(answer)
    found = _WITH_UNIT.fullmatch(answer)
    if not found:
        if re.search(r"\d,\d", answer):
            raise Bad("answer", _comma(answer))
        raise Bad(
            "answer", f"the type is number, and the answer {answer[:60]!r} is no single number with or without a unit"
        )
    number = found.group(1)
    mantissa = re.split("[eE]", number)[0]
    if "." in mantissa and len(re.sub(r"\D", "", mantissa).lstrip("0")) > DIGITS:
        raise Bad(
            "answer", f"the answer {number} has more than {DIGITS} digits, and all would have to be met: round it"
        )
    return number


def _text(answer: str) -> str:
    if len(answer) > LONGEST or "\n" in answer:
        raise Bad("answer", f"the answer has {len(answer)} characters: give what is to be in the box, without reasons")
    return answer


def _signed(answer: str) -> str:
    """A number's minus sign or dash as the hyphen that the grader reads."""
    return re.sub(r"^[\u2212\u2013](?=[\d.])", "-", answer)


def _comma(answer: str) -> str:
    return f"the comma in {answer[:40]!r} could stand for thousands or decimals: write it without, or with a dot"
