"""The gold answer of a row without options: Yes or No, a number, an expression, or a text.

An answer that could be read in two ways is refused: a wrong gold answer would be trained on, and nobody would notice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, cast

from openrft import AnswerKind, Sample, box_answer, grade
from openrft_questions.cells import parse_cell, to_text
from openrft_questions.kinds import (
    FOREIGN_WORDS,
    KIND_NAMES,
    KINDS,
    MAX_LENGTH,
    OPEN_NAMES,
    PLAIN,
    KindRule,
    ascii_minus,
    is_list_kind,
    parse_verdict,
    spells_number,
    strip_thousands,
)
from openrft_questions.table import BadRowError

MAX_DIGITS = 12  # significant ones of a number with decimals; computed ones have 17, and no answer would match them all
MAX_PROSE = 20_000  # characters of an answer that a judge is to grade
MAX_ACCEPTED = 200  # further right answers of one question
ANSWER_NAMES = ("ground_truth", "value", "text", "answer")  # where an object holds the answer
ALIAS_NAMES = ("aliases", "normalized_aliases")
_POINTS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}\.\d{3}(?![\d.,])")  # 1.500
SENTENCE = 8  # words of an answer that no model writes in just these words


def unpack_answer(value: Any) -> tuple[Any, list[Any]]:
    """The answer in a cell, and further right ones: a list, or an object as SQuAD, TriviaQA and verl have it."""
    value = _parse_answers(value)
    if isinstance(value, Mapping):
        named = next((value[name] for name in ANSWER_NAMES if name in value), None)
        if named is None:
            return value, []
        aliases = [one for name in ALIAS_NAMES for one in list_texts(value.get(name))]
        first, more = unpack_answer(named) if isinstance(named, list) else (named, [])
        return first, [*more, *aliases]
    if isinstance(value, list) and value and not any(isinstance(one, (list, Mapping)) for one in value):
        return value[0], value[1:]
    return value, []


def write_list(value: Any) -> Any:
    """An answer that is one list, as it is written: [1, 2]."""
    value = parse_cell(value)
    return f"[{', '.join(str(one) for one in value)}]" if isinstance(value, list) else value


def list_texts(value: Any) -> list[Any]:
    """The answers in a cell of further right answers: a list, or a text with | between them."""
    value = parse_cell(value)
    if value is None:
        return []
    if isinstance(value, str):
        return split_bars(value) or [value]
    return value if isinstance(value, list) else [value]


def _parse_answers(value: Any) -> Any:
    """A list or an object that is written in a cell. A text such as [1, 5] or {1, 2} is no list of answers but one: an
    interval, a vector or a set."""
    has_texts = not isinstance(value, str) or '"' in value or "'" in value
    return parse_cell(value) if has_texts else value


def split_bars(text: str) -> list[str]:
    """The answers in "4 | four"; none for a text that has no such mark, or another use for it, such as P(A|B)."""
    parts = [part.strip() for part in text.split("|")]
    if len(parts) < 2 or not all(parts) or any(mark in text for mark in "\\$"):
        return []
    return parts if all(part.count("(") == part.count(")") for part in parts) else []


def parse_gold(value: Any, kind: AnswerKind, rule: KindRule) -> str:
    """The gold answer as a Sample holds it. Raises BadRowError."""
    answer = ("No", "Yes")[value] if isinstance(value, bool) else to_text(value)
    if answer is None:
        raise BadRowError("no answer", f"the answer is no text but {type(value).__name__}")
    if not answer:
        raise BadRowError("no answer", "the answer is empty")
    readers = {"boolean": _parse_boolean, "number": _parse_number}
    gold = readers.get(kind, _check_text)(answer, rule)
    if len(gold) > MAX_LENGTH or "\n" in gold:
        return gold  # prose, which only a judge can grade
    if not grade(Sample("", gold, kind=kind), box_answer(gold)).correct:
        raise BadRowError("answer", _explain_unreachable(answer))
    return gold


def parse_accepted(values: list[Any], gold: str, kind: AnswerKind, rule: KindRule) -> tuple[str, ...]:
    """Further right answers, each once. Raises BadRowError."""
    if len(values) > MAX_ACCEPTED:
        raise BadRowError("answer", f"there are {len(values)} right answers; up to {MAX_ACCEPTED} are possible")
    asked = Sample("", gold, kind=kind)
    further = [one for one in values if not (kind == "number" and grade(asked, box_answer(to_text(one) or "")).correct)]
    found = dict.fromkeys(parse_gold(value, kind, rule) for value in further)  # "four" beside 4 says nothing more
    found.pop(gold, None)
    return tuple(found)


def is_sentence(gold: str, kind: str) -> bool:
    """Whether a gold answer is a sentence, which a model can know and yet put in other words."""
    return kind == "text" and len(gold.split()) >= SENTENCE


def _parse_boolean(answer: str, rule: KindRule) -> str:
    verdict = parse_verdict(answer)
    word = FOREIGN_WORDS.get(answer.lower()) if verdict is None else ("No", "Yes")[verdict]
    if word is None:
        detail = f"the type is boolean, and the answer {answer[:60]!r} is not Yes, No, True or False"
        raise BadRowError("answer", detail)
    return word


def _parse_number(answer: str, rule: KindRule) -> str:
    answer = re.sub(r"^(?:~|\u2248|about |approx\.? )\s*", "", ascii_minus(answer))
    if len(answer) > MAX_LENGTH:
        raise BadRowError("answer", f"the type is number, and the answer has {len(answer)} characters")
    if rule.points and _POINTS.search(answer):
        raise BadRowError("answer", explain_point(answer))
    if re.search(r"\d,\d", answer):
        if rule.comma is None:
            raise BadRowError("answer", explain_comma(answer))
        answer = answer.replace(".", "").replace(",", ".") if rule.comma == "decimal" else strip_thousands(answer)
    plain = PLAIN.match(answer)
    if plain and not math.isfinite(float(plain.group())):
        raise BadRowError("answer", _explain_unreachable(answer))
    if not spells_number(answer):
        detail = f"the type is number, and the answer {answer[:60]!r} is no single number with or without a unit"
        raise BadRowError("answer", detail)
    decimals = re.match(r"\D*(\d*\.\d+)", answer)
    if decimals and len(re.sub(r"\D", "", decimals.group(1)).lstrip("0")) > MAX_DIGITS:
        detail = f"the answer {answer} has more than {MAX_DIGITS} digits, and all would have to be met: round it"
        raise BadRowError("answer", detail)
    return answer


def _check_text(answer: str, rule: KindRule) -> str:
    is_prose = len(answer.split()) >= SENTENCE and len(answer) <= MAX_PROSE
    if (len(answer) > MAX_LENGTH or "\n" in answer) and not is_prose:
        detail = f"the answer has {len(answer)} characters: give what is to be in the box, without reasons"
        raise BadRowError("answer", detail)
    return answer


def explain_comma(answer: str) -> str:
    """Why a number with a comma is refused."""
    return f"the comma in {answer[:40]!r} could stand for thousands or decimals: write it without, or with a dot"


def explain_point(answer: str) -> str:
    """Why a number with a point is refused among numbers with decimal commas."""
    detail = "could stand for thousands or decimals in a file with decimal commas or semicolons"
    return f"the point in {answer[:40]!r} {detail}: write it without, or with a comma, or put commas between the cells"


def _explain_unreachable(answer: str) -> str:
    return f"the answer {answer[:60]!r} could never be met: the grader does not take it for itself"


def parse_kind(value: Any) -> AnswerKind | None:
    """The kind of answer that a row declares; None if it says only that there are no options. Raises BadRowError."""
    try:
        given = str(value).strip().lower()
    except (ValueError, RecursionError):  # an integer of thousands of digits, a list in a list in a list ...
        raise BadRowError("type", f"the type is none of {', '.join(KINDS)}") from None
    plain = re.sub(r"[\s_-]+", " ", given)
    kind = "expression" if is_list_kind(plain) else KIND_NAMES.get(plain)
    if plain in OPEN_NAMES:
        return None
    if kind is None:
        detail = f"the type {given[:40]!r} is none of {', '.join(KINDS)}"
        raise BadRowError("type", f"{detail}; --map kind= leaves this column out")
    return cast(AnswerKind, kind)
