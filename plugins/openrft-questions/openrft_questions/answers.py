"""The gold answer of a row, and what kind of answer it is.

An answer that could be read in two ways is refused: a wrong gold answer would be trained on, and nobody would notice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from openrft import LETTERS, Sample, box_answer, grade
from openrft_questions.columns import BadRowError, normalize_spaces, require_text

KINDS = ("choice", "boolean", "number", "text")
MAX_LENGTH = 200  # characters of an answer that is compared as a whole
MAX_DIGITS = 12  # significant ones of a number with decimals; computed ones have 17, and no answer would match them all
_YES_NO = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WITH_UNIT = re.compile(rf"({_NUMBER.pattern})(?:\s*(?![x\u00d7*]\s*10)[^\W\d_]\S*|\s*[%\u00b0$\u20ac\u00a3]\S*)?")
_COMMAS = re.compile(r"[-+]?[\d.]*\d,\d[\d.,]*(?:[eE][-+]?\d+)?")
_LETTER = re.compile(r"\(?([A-Za-z])\)?[.:]?")
_LETTER_AND_TEXT = re.compile(r"\(?([A-Za-z])[).:]+\s+(.+)", re.DOTALL)


def infer_kind(cells: Mapping[str, Any], options: Sequence[str]) -> str:
    """The kind of answer: as the row says, else choice where there are options, else as the answer looks.

    Raises BadRowError.
    """
    if "type" in cells:
        return _declared_kind(cells, options)
    if options:
        return "choice"
    if isinstance(cells.get("answer"), bool):
        return "boolean"
    answer = _ascii_minus(require_text(cells, "answer"))
    if len(answer) > MAX_LENGTH:
        return "text"  # which refuses it; the patterns below take quadratic time
    if answer.lower() in _YES_NO:
        return "boolean"
    if _COMMAS.fullmatch(answer):
        raise BadRowError("answer", f"{_explain_comma(answer)}, or give the type text if it is no number")
    if re.fullmatch(r"[A-Za-z]", answer):
        detail = f"the answer is the letter {answer}, without options; give the type text if that is it"
        raise BadRowError("answer", detail)
    return "number" if _NUMBER.fullmatch(answer) else "text"


def _declared_kind(cells: Mapping[str, Any], options: Sequence[str]) -> str:
    try:
        kind = str(cells["type"]).strip().lower()
    except ValueError:  # an integer of thousands of digits
        raise BadRowError("type", f"the type is none of {', '.join(KINDS)}") from None
    if kind not in KINDS:
        raise BadRowError("type", f"the type {kind[:40]!r} is none of {', '.join(KINDS)}")
    if (kind == "choice") != bool(options):
        raise BadRowError("type", f"the type is {kind}, and there are {len(options) or 'no'} options")
    return kind


def find_gold_letter(cells: Mapping[str, Any], options: Sequence[str], labels: Sequence[str]) -> str:
    """The gold option's letter, from its label or its whole text. Raises BadRowError unless it is one option alone."""
    value = cells.get("answer")
    answer = str(value) if isinstance(value, bool) else require_text(cells, "answer")
    bare = _LETTER.fullmatch(answer)
    named = {answer.upper(), bare.group(1).upper() if bare else ""}
    by_label = {i for i, label in enumerate(labels) if label in named}
    texts = [normalize_spaces(text) for text in options]
    by_text = {i for i, text in enumerate(texts) if text == normalize_spaces(answer)}
    by_text = by_text or {i for i, text in enumerate(texts) if text.lower() == normalize_spaces(answer).lower()}
    both = _LETTER_AND_TEXT.fullmatch(answer)
    if both and not by_text:
        letter, rest = both.group(1).upper(), normalize_spaces(both.group(2)).lower()
        by_text = {i for i, label in enumerate(labels) if label == letter and texts[i].lower() == rest}
    found = by_label | by_text
    short = answer.isdecimal() and len(answer) <= MAX_LENGTH  # Python reads no integer of more than 4,300 digits
    counted = not by_label and short and int(answer) <= len(options)
    if len(found) == 1 and not counted:
        return LETTERS[found.pop()]
    if counted:
        detail = f"the answer {answer[:60]} could count from 0 or from 1, or be an option's text: write a label"
        raise BadRowError("answer", detail)
    if found:
        raise BadRowError("answer", f"the answer {answer[:60]!r} fits several options, by label or text")
    raise BadRowError("answer", f"the answer {answer[:60]!r} is neither a label nor the text of an option")


def parse_gold(cells: Mapping[str, Any], kind: str) -> str:
    """The gold answer where there are no options: Yes or No, a number alone, or a text. Raises BadRowError."""
    value = cells.get("answer")
    answer = ("No", "Yes")[value] if isinstance(value, bool) else require_text(cells, "answer")
    gold = {"boolean": _parse_boolean, "number": _parse_number, "text": _check_text}[kind](answer)
    sample = Sample("", gold, kind=kind)  # type: ignore[arg-type]
    if not grade(sample, box_answer(gold)).correct:
        raise BadRowError("answer", _explain_unreachable(answer))
    return gold


def _parse_boolean(answer: str) -> str:
    if answer.lower() not in _YES_NO:
        detail = f"the type is boolean, and the answer {answer[:60]!r} is not Yes, No, True or False"
        raise BadRowError("answer", detail)
    return _YES_NO[answer.lower()]


def _parse_number(answer: str) -> str:
    answer = _ascii_minus(answer)
    if len(answer) > MAX_LENGTH:
        raise BadRowError("answer", f"the type is number, and the answer has {len(answer)} characters")
    found = _WITH_UNIT.fullmatch(answer)
    if not found:
        if re.search(r"\d,\d", answer):
            raise BadRowError("answer", _explain_comma(answer))
        detail = f"the type is number, and the answer {answer[:60]!r} is no single number with or without a unit"
        raise BadRowError("answer", detail)
    number = found.group(1)
    if not math.isfinite(float(number)):
        raise BadRowError("answer", _explain_unreachable(answer))
    mantissa = re.split("[eE]", number)[0]
    if "." in mantissa and len(re.sub(r"\D", "", mantissa).lstrip("0")) > MAX_DIGITS:
        detail = f"the answer {number} has more than {MAX_DIGITS} digits, and all would have to be met: round it"
        raise BadRowError("answer", detail)
    return number


def _check_text(answer: str) -> str:
    if len(answer) > MAX_LENGTH or "\n" in answer:
        detail = f"the answer has {len(answer)} characters: give what is to be in the box, without reasons"
        raise BadRowError("answer", detail)
    return answer


def _ascii_minus(answer: str) -> str:
    """A number's minus sign or dash as the hyphen that the grader reads."""
    return re.sub(r"^[\u2212\u2013](?=[\d.])", "-", answer)


def _explain_comma(answer: str) -> str:
    return f"the comma in {answer[:40]!r} could stand for thousands or decimals: write it without, or with a dot"


def _explain_unreachable(answer: str) -> str:
    return f"the answer {answer[:60]!r} could never be met: the grader does not take it for itself"
