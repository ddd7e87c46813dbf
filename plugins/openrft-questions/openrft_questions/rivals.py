"""Further columns that may hold the right answers, beside the one that is read as the answer.

Files of a model's replies call them `answer`, too, and have the right one in `ground_truth`. A model that is trained on
another's mistakes learns them, so columns that differ are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from openrft import Sample, UsageError, box_answer, escape_terminal, grade
from openrft_questions.cells import normalize_spaces, to_text
from openrft_questions.choices import find_gold_letter, judge_choices
from openrft_questions.column_names import CERTAIN_ANSWERS, UNCERTAIN_ANSWERS, normalize_name
from openrft_questions.columns import Columns, is_empty
from openrft_questions.golds import is_sentence, unpack_answer
from openrft_questions.kinds import MAX_LENGTH, parse_verdict
from openrft_questions.options import Options
from openrft_questions.table import BadRowError

MOST = 200  # rows that are compared
_CERTAIN = frozenset(map(normalize_name, CERTAIN_ANSWERS))
_UNCERTAIN = frozenset(map(normalize_name, UNCERTAIN_ANSWERS))


class AnsweredRow(NamedTuple):
    """A row of the file beside what was read of it."""

    place: str
    cells: Mapping[str, Any]
    options: Options
    sample: Sample


def check_rivals(rows: Sequence[AnsweredRow], columns: Columns, where: str) -> None:
    """Raises UsageError if a further column that may hold the right answers has another one in some row.

    A column such as `label` may be about anything. It counts if it names options, or agrees in half of the rows.
    """
    read = next(iter((*columns.find("answer"), *columns.find("index"))), None)
    if read is None or "answer" in columns.given:
        return
    for name in columns.ignored:
        plain = normalize_name(name)
        if plain not in _CERTAIN | _UNCERTAIN:
            continue
        filled = [row for row in rows if not is_empty(row.cells.get(name))][:MOST]
        texts = [_text_of(row.cells[name]) for row in filled]
        verdicts = {text.lower() for own in texts for text in own} <= {"0", "1", "true", "false"}
        if plain in _UNCERTAIN and (verdicts or any(len(text) > MAX_LENGTH for own in texts for text in own)):
            continue  # it may say who answered right
        agrees = _compare(filled, texts)
        names_options = None not in agrees and all(row.sample.options for row in filled)
        often = 2 * agrees.count(True) >= len(agrees)
        if False in agrees and (plain in _CERTAIN or names_options or often):
            row = filled[agrees.index(False)]
            one, other = (escape_terminal(str(row.cells.get(column)))[:60] for column in (read, name))
            both = f"{escape_terminal(read)} ({one!r}) and {escape_terminal(name)} ({other!r})"
            raise UsageError(
                f"{where}, {row.place}: {both} differ. Which column holds the right answers?",
                f"Say --map answer={read} or --map answer={name}.",
            )


def _compare(rows: Sequence[AnsweredRow], texts: Sequence[Sequence[str]]) -> list[bool | None]:
    """Whether one of the texts of each row is the answer that was read; None where they may be no answer at all."""
    first = [own[0] if own else "" for own in texts]
    named = [(text, row.options) for text, row in zip(first, rows, strict=True) if row.sample.options]
    rule = judge_choices(named, None, None)
    found: list[bool | None] = []
    for row, own in zip(rows, texts, strict=True):
        if not own or (not row.sample.options and re.fullmatch("[A-Z]", own[0]) and len(row.sample.answer) > 1):
            found.append(None)  # the letter of an option that the file does not have
        elif row.sample.options:
            try:
                found.append(find_gold_letter(own[0], row.options, rule) == row.sample.answer)
            except BadRowError:
                found.append(None)
        else:
            found.append(any(_is_same(row.sample, text) for text in own))
    return found


def _is_same(sample: Sample, text: str) -> bool:
    given, other = (normalize_spaces(one).casefold().strip(" .$") for one in (sample.answer, text))
    if given == other or (parse_verdict(text) is not None and parse_verdict(text) == parse_verdict(sample.answer)):
        return True
    if sample.kind == "text":  # not numbers: 5 stands in -5 and in 0.5
        if _holds(other, given) or (not is_sentence(sample.answer, sample.kind) and _holds(given, other)):
            return True
        if any(mark in text for mark in "\\^=+*/$"):
            sample = replace(sample, kind="expression")
    return grade(sample, box_answer(text)).correct is True


def _holds(sentence: str, words: str) -> bool:
    """Whether words stand in a sentence as whole words."""
    return bool(words) and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", sentence) is not None


def _text_of(cell: Any) -> list[str]:
    """The answers that a cell holds."""
    try:
        answer, more = unpack_answer(cell)
        texts = [str(one) if isinstance(one, bool) else to_text(one) for one in (answer, *more)]
    except BadRowError:
        return []
    return [text for text in texts if text]
