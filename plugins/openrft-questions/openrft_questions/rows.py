"""From the rows of one file to samples: columns are given meanings, then answers are judged by the whole column.

Guesses no answer: a row that is not understood is a BadRow.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from openrft import LETTERS, AnswerKind, DataRequest, Question, Sample, escape_terminal
from openrft_questions.cells import require_text, to_text
from openrft_questions.choices import ChoiceRule, check_index, find_gold_letter, judge_choices
from openrft_questions.golds import parse_accepted, parse_gold, split_bars
from openrft_questions.kinds import SHORT, KindRule, infer_kind, judge_kinds, parse_verdict
from openrft_questions.layouts import Layout, describe_columns
from openrft_questions.options import Options, mix_options
from openrft_questions.recognition import find_prose, recognise_columns
from openrft_questions.rivals import AnsweredRow, check_rivals
from openrft_questions.row_reader import Draft, RowReader
from openrft_questions.table import BadRow, BadRowError, Side, Table
from openrft_questions.tolerances import judge_tolerances

UNREAD = (
    "{where}: {names} holds whole sentences and is not read. If it belongs before the question, say"
    " --map passage={first}; if not, --map passage= ends this note."
)
NO_UNITS = "{where}: {units} is no unit that is known. These answers are graded as numbers alone."
NO_OPTIONS: Options = ((), ())


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row that can be used."""

    question: Question
    sample: Sample | None  # None: the row has no answer
    side: Side | None = None  # None: the row does not say
    extra: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""  # why its answer cannot be read, where none is needed


@dataclass(frozen=True, slots=True)
class ParsedTable:
    """The rows of one file, in its order, and how they were understood."""

    rows: tuple[ParsedRow | BadRow, ...]
    layout: str  # in words
    ignored: tuple[str, ...]  # columns that are not read
    notices: tuple[str, ...] = ()  # what may have been left out, in sentences


def parse_table(
    table: Table,
    task: str,
    request: DataRequest,
    needs: Collection[str] = ("question", "answer"),
    extra: Mapping[str, Sequence[str]] = {},
    where: str = "",
    side: Side | None = None,
) -> ParsedTable:
    """The rows of a file for the leaf task `task`. `where`: the file, for messages. `side`: that of the whole file.

    `needs` and `extra`: as in `openrft.ReadsRows`. Raises UsageError, and DataError if a needed column is missing in
    all of the file.
    """
    rows = [one.row for one in table.rows if not isinstance(one.row, BadRow)]
    columns, layout = recognise_columns(rows, request, needs, extra, where)
    judge_tolerances(rows, columns, where)
    reader = RowReader(columns, layout, task, request, needs, side)
    drafts: list[Draft | BadRow] = []
    for one in table.rows:
        drafts.append(one.row if isinstance(one.row, BadRow) else reader.draft(one.row, one.side))
    decimal_comma = table.decimal_comma and not (layout and layout.thousands)
    finished = _finish(drafts, task, request, layout, decimal_comma, "answer" in needs)
    says = describe_columns(columns)
    if layout:
        own = "; a rubric each" if columns.find("rubric") else ""
        says = f"{layout.name}: {layout.says}{own}"
    if layout is None:
        answered = [
            AnsweredRow(one.place, one.row, draft.options, row.sample)
            for one, draft, row in zip(table.rows, drafts, finished, strict=True)
            if isinstance(row, ParsedRow) and row.sample and isinstance(draft, Draft) and isinstance(one.row, Mapping)
        ]
        if "answer" in needs:
            check_rivals(answered, columns, where)
    notices = []
    if prose := () if layout else find_prose(columns, rows):
        notices.append(UNREAD.format(where=where, names=", ".join(map(escape_terminal, prose)), first=prose[0]))
    if units := [*map(escape_terminal, reader.unknown_units)][:5]:
        notices.append(NO_UNITS.format(where=where, units=", ".join(map(repr, units))))
    return ParsedTable(tuple(finished), says, tuple(columns.ignored), tuple(notices))


def _finish(
    drafts: Sequence[Draft | BadRow],
    task: str,
    request: DataRequest,
    layout: Layout | None,
    decimal_comma: bool,
    needs_answer: bool,
) -> list[ParsedRow | BadRow]:
    """Judge the answers over the column, then read each."""
    good = [draft for draft in drafts if isinstance(draft, Draft)]
    choices = [(_text(d.answer if d.answer is not None else d.index), d.options) for d in good if d.options[0]]
    choice_rule = judge_choices(
        [one for one in choices if one[0]], request.count_from, layout.count_from if layout else None
    )
    free = [d for d in good if not d.options[0] and not d.wrong and d.answer is not None]
    kind_rule = judge_kinds([d.answer for d in free if d.kind is None], decimal_comma)
    if layout and layout.thousands:
        kind_rule = replace(kind_rule, comma="thousands")
    elif any(d.kind is not None for d in free):
        of_all = judge_kinds([d.answer for d in free], decimal_comma)
        kind_rule = replace(kind_rule, comma=of_all.comma, points=of_all.points)
    finished: list[ParsedRow | BadRow] = []
    for draft in drafts:
        try:
            counts = request.count_from is not None
            row = (
                draft
                if isinstance(draft, BadRow)
                else _finish_row(draft, task, choice_rule, kind_rule, needs_answer, counts)
            )
        except BadRowError as bad:
            row = BadRow(*bad.args)
            if not needs_answer and isinstance(draft, Draft) and not draft.wrong:
                kind: AnswerKind = "choice" if draft.options[0] else draft.kind or "text"
                question = Question(draft.text, draft.options[0], kind, task)
                row = ParsedRow(question, None, draft.side, draft.extra, str(bad.args[1]))
        finished.append(row)
    return finished


def _text(answer: Any) -> str:
    """An answer that names an option as text; "" for none."""
    try:
        return str(answer) if isinstance(answer, bool) else to_text(answer) or ""
    except BadRowError:
        return ""


def _finish_row(
    draft: Draft, task: str, choice_rule: ChoiceRule, kind_rule: KindRule, needs_answer: bool, counts: bool
) -> ParsedRow:
    text, options, answer, accepted = draft.text, draft.options, draft.answer, draft.accepted
    kind: AnswerKind | None = draft.kind
    gold: str | None = None
    more: tuple[str, ...] = ()
    if kind == "boolean" and options[0]:
        answer, options = _choose_verdict(draft, answer, choice_rule, counts), NO_OPTIONS
    if kind_rule.words and kind is None and not options[0] and not draft.wrong:
        kind, options = "choice", (kind_rule.words, tuple(word.upper() for word in kind_rule.words))
        answer = _text(answer).lower() if answer is not None else None
    if draft.wrong and answer is not None:
        right = require_text({"answer": str(answer) if isinstance(answer, bool) else answer}, "answer")
        mixed, gold = mix_options(text, right, draft.wrong)
        options, kind = (mixed, options[1]), "choice"
    elif options[0]:
        gold = _gold_letter(draft, answer, options, choice_rule)
        kind = "choice"
    elif answer is not None:
        if isinstance(answer, str) and kind in (None, "text") and not accepted:
            answer, accepted = _split_accepted(answer)
        kind = kind or infer_kind(answer, kind_rule)
        gold = parse_gold(answer, kind, kind_rule)
        more = parse_accepted(accepted, gold, kind, kind_rule) if accepted else ()
    elif needs_answer and draft.is_open:
        kind, gold = "text", ""
    if gold is not None and kind == "choice" and accepted and _names_another(accepted, gold, options, choice_rule):
        raise BadRowError("answer", "the answer names several options; one alone can be right")
    question = Question(text, options[0], cast(Any, kind or "text"), task)
    sample = None
    if gold is not None:
        sample = Sample(text, gold, options[0], cast(Any, kind), task, accepted=more, meta=draft.meta)
    return ParsedRow(question, sample, draft.side, draft.extra)


def _names_another(accepted: Sequence[Any], gold: str, options: Options, rule: ChoiceRule) -> bool:
    """Whether further right answers name another option. What names none is the right one in other words."""
    named = set()
    for one in accepted:
        with contextlib.suppress(BadRowError):
            named.add(find_gold_letter(_text(one), options, rule))
    return not named <= {gold}


def _choose_verdict(draft: Draft, answer: Any, rule: ChoiceRule, counts: bool) -> Any:
    """Yes or no: what the answer says, or the option that it names by letter, or by number where the user says so.

    Raises BadRowError for 0 or 1, which may count the options or be a verdict.
    """
    says = _text(answer).lower()
    if says in ("0", "1") and not counts:
        detail = f"the answer {says} may count the options, or say {('no', 'yes')[int(says)]}"
        raise BadRowError("answer", f"{detail}: say --count-from 0 or 1, or --map options= if it says so")
    if isinstance(answer, bool) or (len(says) > 1 and parse_verdict(says) is not None) or says in SHORT:
        return answer
    letter = _gold_letter(draft, answer, draft.options, rule)
    return answer if letter is None else draft.options[0][LETTERS.index(letter)]


def _split_accepted(answer: str) -> tuple[str, list[Any]]:
    parts = split_bars(answer)
    return (parts[0], [*parts[1:]]) if parts else (answer, [])


def _gold_letter(draft: Draft, answer: Any, options: Options, rule: ChoiceRule) -> str | None:
    """The letter of the right option; None for a row without an answer. Raises BadRowError."""
    named = answer if answer is not None else draft.index
    if named is None:
        return None
    if (
        answer is not None and draft.index and re.fullmatch("[A-Za-z]", draft.index)
    ):  # a letter beside the text of the same option
        letter = find_gold_letter(draft.index, options, rule)
        if options[0][LETTERS.index(letter)] == _text(answer):
            return letter
    letter = find_gold_letter(
        require_text({"answer": str(named) if isinstance(named, bool) else named}, "answer"), options, rule
    )
    if answer is not None and draft.index:
        check_index(draft.index, letter, options, rule)
    return letter
