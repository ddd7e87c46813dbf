"""From the rows of one file to samples: columns are given meanings, then answers are judged by the whole column.

Guesses no answer: a row that is not understood is a BadRow.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from openrft import AnswerKind, DataRequest, Question, Sample
from openrft_questions.cells import is_chat, join_passages, parse_cell, require_text, split_chat, to_text
from openrft_questions.choices import ChoiceRule, check_index, find_gold_letter, judge_choices
from openrft_questions.columns import Cells, Columns, is_empty, normalize_name
from openrft_questions.golds import list_texts, parse_accepted, parse_gold, parse_kind, split_bars, unpack_answer
from openrft_questions.kinds import KindRule, infer_kind, judge_kinds
from openrft_questions.layouts import Layout, describe_columns
from openrft_questions.options import Options, mix_options, parse_options, split_question
from openrft_questions.recognition import recognise_columns
from openrft_questions.table import SIDES, BadRow, BadRowError, Side, Table

NO_OPTIONS: Options = ((), ())
OPTION_NUMBERS = {"label", "gold_label", "cop", "correct_option", "correct_choice"}  # columns of numbers of options


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


@dataclass(slots=True)
class _Draft:
    """A row before its answer is judged."""

    text: str  # the question, with its passage
    options: Options
    wrong: list[str]
    kind: AnswerKind | None  # as the row, the command or the layout says
    answer: Any  # None: the row has none
    accepted: list[Any]
    index: str | None
    side: Side | None
    meta: dict[str, Any]
    extra: dict[str, Any]

    @property
    def is_open(self) -> bool:
        """Whether a rubric takes the place of an answer."""
        return "rubric" in self.meta and self.answer is None and self.index is None and not self.options[0]


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
    reader = _RowReader(columns, layout, task, request, needs, side)
    drafts: list[_Draft | BadRow] = []
    for one in table.rows:
        drafts.append(one.row if isinstance(one.row, BadRow) else reader.draft(one.row, one.side))
    decimal_comma = table.decimal_comma and not (layout and layout.thousands)
    finished = _finish(drafts, task, request, layout, decimal_comma, "answer" in needs)
    says = describe_columns(columns)
    if layout:
        own = "; a rubric each" if columns.find("rubric") else ""
        says = f"{layout.name}: {layout.says}{own}"
    return ParsedTable(tuple(finished), says, tuple(columns.ignored))


class _RowReader:
    """Reads single rows of one file, without judging their answers."""

    def __init__(
        self,
        columns: Columns,
        layout: Layout | None,
        task: str,
        request: DataRequest,
        needs: Collection[str],
        side: Side | None,
    ) -> None:
        self._columns, self._layout, self._task = columns, layout, task
        self._request, self._needs, self._side = request, needs, side

    def draft(self, row: Mapping[str, Any], side: Side | None) -> _Draft | BadRow:
        """The row's parts, or why it cannot be used."""
        try:
            cells = self._columns.sort({str(name): value for name, value in row.items()})
            if self._layout and self._layout.convert:
                with contextlib.suppress(*(() if "answer" in self._needs else (BadRowError,))):
                    self._layout.convert(cells)
            return self._draft(cells, row, side)
        except BadRowError as bad:
            return BadRow(*bad.args)

    def _draft(self, cells: Cells, row: Mapping[str, Any], side: Side | None) -> _Draft:
        values = cells.values
        meta: dict[str, Any] = {}
        text = self._read_question(cells)
        options = parse_options(values.get("options"), cells.lettered)
        answer, accepted = self._read_answer(values)
        if not options[0] and not cells.wrong and isinstance(answer, str):
            text, options = split_question(text, answer)
        wrong = _read_wrong(cells.wrong, bool(options[0]))
        kind = self._read_kind(values, bool(options[0] or wrong))
        if kind == "boolean" and wrong:
            wrong = []
        index = to_text(values["index"]) if "index" in values else None
        if values.get("rubric"):
            meta["rubric"] = _read_rubric(values["rubric"])
        is_open = "rubric" in meta and not (options[0] or wrong)
        if "answer" in self._needs and answer is None and index is None and not is_open:
            raise BadRowError("no answer", "there is no answer")
        if kind is None and not wrong and self._names_option(answer):
            detail = f"the answer {answer} looks like the number of an option, and there are none"
            raise BadRowError("answer", f"{detail}: say --map options=NAME, or --kind number if it is a number")
        if "topic" in values:
            topic = parse_cell(values["topic"])
            meta["topic"] = require_text({"topic": topic[0] if isinstance(topic, list) and topic else topic}, "topic")
        if "group" in values:
            group = require_text(values, "group")
            meta["leakage_groups"] = [f"group:{self._task}/{group}"]  # two files may number theirs alike
        if values.get("solution"):
            meta["solution"] = to_text(values["solution"])
        if self._layout and self._layout.keeps_fields:
            meta |= _keep_fields(row, self._columns)
        accepted += list_texts(values.get("accepted"))
        return _Draft(
            text, options, wrong, kind, answer, accepted, index, self._read_side(values, side), meta, cells.extra
        )

    def _read_question(self, cells: Cells) -> str:
        """The question's text below its passages. An object with a stem may hold the options, too."""
        given = parse_cell(cells.values.get("question"))
        before = join_passages(cells.passages)
        if isinstance(given, Mapping) and "stem" in given:
            cells.values["question"] = given["stem"]
            if "options" not in cells.values and "choices" in given:
                cells.values["options"] = given["choices"]
        elif is_chat(given):
            text, context = split_chat(given)
            cells.values["question"], before = text, "\n\n".join(filter(None, (before, context)))
        if "question" not in cells.values and "question" not in self._needs:
            return before
        text = require_text(cells.values, "question")
        return f"{before}\n\n{text}" if before else text

    def _read_answer(self, values: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        answer, more = unpack_answer(values.get("answer"))
        if is_empty(answer) or (isinstance(answer, str) and not answer.strip()):
            return None, []
        return answer, more

    def _names_option(self, answer: Any) -> bool:
        """Whether a whole number stands in a column whose name says that it names an option."""
        names = {normalize_name(name) for name in self._columns.find("answer")}
        whole = isinstance(answer, int) or (isinstance(answer, str) and answer.isdecimal())
        known = "answer" in self._columns.given or isinstance(answer, bool)
        return whole and not known and bool(names & OPTION_NUMBERS)

    def _read_kind(self, values: Mapping[str, Any], has_options: bool) -> AnswerKind | None:
        """The kind that the command, the row or the layout says; None if none does."""
        kind: AnswerKind | None = None
        if self._request.kind is not None:
            kind = self._request.kind
        elif "kind" in values:
            kind = parse_kind(values["kind"])
        elif self._layout and self._layout.kind:
            kind = self._layout.kind
        if has_options and kind is None:
            return "choice"
        if kind is not None and (kind == "choice") != has_options and not (kind == "boolean" and has_options):
            raise BadRowError("type", f"the type is {kind}, and there are {'' if has_options else 'no '}options")
        return kind

    def _read_side(self, values: Mapping[str, Any], of_table: Side | None) -> Side | None:
        own = self._side or of_table
        if "split" not in values:
            return own
        given = (to_text(values["split"]) or "").lower()
        found = next((name for name in SIDES if name == given), None)
        if found is None:
            raise BadRowError("split", f"the split {given[:40]!r} is neither train nor test: say --split NAME")
        if own and found != own:
            raise BadRowError("split", f"the row says {found}, and its file is called {own}")
        return found


def _read_rubric(value: Any) -> Any:
    """A rubric as plain JSON: lines of text, a list, or an object. What it means is for whoever grades by it."""
    found = parse_cell(value)
    if not isinstance(found, str | list | Mapping):
        raise BadRowError(
            "rubric", f"the rubric is of the type {type(found).__name__}: write one criterion a line, or a list"
        )
    try:
        return json.loads(json.dumps(found, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError) as fault:
        raise BadRowError("rubric", f"the rubric cannot be read: {fault}") from fault


def _read_wrong(values: Sequence[Any], has_options: bool) -> list[str]:
    """The wrong answers of a row: a column each, or lists of them."""
    found = [one for value in values for one in _as_list(parse_cell(value), alone=len(values) == 1)]
    if found and has_options:
        raise BadRowError("options", "there are options in one column and wrong answers in others")
    texts = [str(one) if isinstance(one, bool) else to_text(one) for one in found]
    if not all(texts):
        raise BadRowError("options", "a wrong answer is empty or no text")
    return [str(text) for text in texts]


def _as_list(value: Any, alone: bool) -> list[Any]:
    if isinstance(value, str) and alone:  # one column for all of them
        return split_bars(value) or [value]
    return value if isinstance(value, list) else [value]


def _keep_fields(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The columns that are not read, as plain JSON."""
    kept = {name: row[name] for name in columns.ignored if not is_empty(row.get(name))}
    try:
        return {"fields": json.loads(json.dumps(kept, default=str))} if kept else {}
    except (ValueError, RecursionError):
        return {}


def _finish(
    drafts: Sequence[_Draft | BadRow],
    task: str,
    request: DataRequest,
    layout: Layout | None,
    decimal_comma: bool,
    needs_answer: bool,
) -> list[ParsedRow | BadRow]:
    """Judge the answers over the column, then read each."""
    good = [draft for draft in drafts if isinstance(draft, _Draft)]
    choices = [(_text(d.answer if d.answer is not None else d.index), d.options) for d in good if d.options[0]]
    choice_rule = judge_choices(
        [one for one in choices if one[0]], request.count_from, layout.count_from if layout else None
    )
    free = [d for d in good if not d.options[0] and not d.wrong and d.answer is not None]
    kind_rule = judge_kinds([d.answer for d in free if d.kind is None], decimal_comma)
    if layout and layout.thousands:
        kind_rule = replace(kind_rule, comma="thousands")
    elif any(d.kind is not None for d in free):
        kind_rule = replace(kind_rule, comma=judge_kinds([d.answer for d in free], decimal_comma).comma)
    finished: list[ParsedRow | BadRow] = []
    for draft in drafts:
        try:
            row = draft if isinstance(draft, BadRow) else _finish_row(draft, task, choice_rule, kind_rule, needs_answer)
        except BadRowError as bad:
            row = BadRow(*bad.args)
            if not needs_answer and isinstance(draft, _Draft) and not draft.wrong:
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
    draft: _Draft, task: str, choice_rule: ChoiceRule, kind_rule: KindRule, needs_answer: bool
) -> ParsedRow:
    text, options, answer, accepted = draft.text, draft.options, draft.answer, draft.accepted
    kind: AnswerKind | None = draft.kind
    gold: str | None = None
    more: tuple[str, ...] = ()
    if kind == "boolean" and options[0]:
        options = NO_OPTIONS
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
    if gold is not None and kind == "choice" and accepted:
        raise BadRowError("answer", "the answer names several options; one alone can be right")
    question = Question(text, options[0], cast(Any, kind or "text"), task)
    sample = None
    if gold is not None:
        sample = Sample(text, gold, options[0], cast(Any, kind), task, accepted=more, meta=draft.meta)
    return ParsedRow(question, sample, draft.side, draft.extra)


def _split_accepted(answer: str) -> tuple[str, list[Any]]:
    parts = split_bars(answer)
    return (parts[0], [*parts[1:]]) if parts else (answer, [])


def _gold_letter(draft: _Draft, answer: Any, options: Options, rule: ChoiceRule) -> str | None:
    """The letter of the right option; None for a row without an answer. Raises BadRowError."""
    named = answer if answer is not None else draft.index
    if named is None:
        return None
    letter = find_gold_letter(
        require_text({"answer": str(named) if isinstance(named, bool) else named}, "answer"), options, rule
    )
    if answer is not None and draft.index:
        check_index(draft.index, letter, options, rule)
    return letter
