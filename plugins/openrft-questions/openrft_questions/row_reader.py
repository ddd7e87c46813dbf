"""One row of a file by itself: its cells, by the meanings of their columns. Its answer is judged later."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openrft import LETTERS, AnswerKind, DataRequest, is_unit
from openrft_questions.cells import is_chat, join_passages, parse_cell, require_text, split_chat, to_text
from openrft_questions.column_names import OPTION_NUMBERS, normalize_name
from openrft_questions.columns import Cells, Columns, is_empty
from openrft_questions.golds import list_texts, parse_kind, split_bars, unpack_answer, write_list
from openrft_questions.kinds import is_list_kind, is_plain_number, parse_flag
from openrft_questions.layouts import Layout
from openrft_questions.options import Options, cut_repeated_options, find_marked_option, parse_options, split_question
from openrft_questions.table import SIDES, BadRow, BadRowError, Side
from openrft_questions.tolerances import read_tolerance, split_tolerance


@dataclass(slots=True)
class Draft:
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


NO_UNITS = ("none", "dimensionless", "unitless", "no unit", "n/a", "na", "number", "pure number")
PLACEHOLDERS = ("n/a", "#n/a", "nan", "tbd", "todo", "?", "??", "null")  # what stands in cells that nobody filled
_LATEX = re.compile(r"\\(?:mathrm|text|rm|,|;| )|[$~{}]")
_POWER = re.compile(r"\s*(?:\\times|x|\u00d7|\*)?\s*10\s*\^\s*([-+]?\d{1,3})\s*(?:\\times|\u00d7|\*|\\cdot)?\s*")


class RowReader:
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
        self.unknown_units: dict[str, None] = {}  # cells of a column of units that name none; filled by `draft`

    def draft(self, row: Mapping[str, Any], side: Side | None) -> Draft | BadRow:
        """The row's parts, or why it cannot be used."""
        try:
            cells = self._columns.sort({str(name): value for name, value in row.items()})
            if self._layout and self._layout.convert:
                with contextlib.suppress(*(() if "answer" in self._needs else (BadRowError,))):
                    self._layout.convert(cells)
            return self._draft(cells, row, side)
        except BadRowError as bad:
            return BadRow(*bad.args)

    def _draft(self, cells: Cells, row: Mapping[str, Any], side: Side | None) -> Draft:
        values = cells.values
        meta: dict[str, Any] = {}
        text = self._read_question(cells)
        options = parse_options(values.get("options"), cells.lettered)
        if options[0] and options[0] == tuple(LETTERS[: len(options[0])]) and isinstance(values.get("answer"), str):
            stem, own = split_question(text, values["answer"])  # the columns hold the letters, the question the texts
            if len(own[0]) == len(options[0]):
                text, options = stem, own
        text = cut_repeated_options(text, options[0])
        if "answer" not in values and (marked := find_marked_option(values.get("options"))):
            values["answer"] = marked
        if "flag" in values and not parse_flag(values["flag"]):
            detail = f"the column {self._columns.find('flag')[0]!r} says that this answer is wrong"
            advice = "give each question one row, with the wrong answers in wrong_1, wrong_2, ..."
            raise BadRowError("answer", f"{detail}: {advice}")
        named = values.get("kind")
        is_text = self._request.kind == "text" or (isinstance(named, str) and named.strip().lower() == "text")
        answer, accepted = self._read_answer(values, bool(options[0] or cells.wrong), is_text)
        answer = self._add_unit(answer, _find_unit(values), bool(options[0] or cells.wrong))
        if not options[0] and not cells.wrong and isinstance(answer, str):
            text, options = split_question(text, answer)
        wrong = _read_wrong(cells.wrong, self._columns.wrong_mark, bool(options[0]))
        kind = self._read_kind(values, bool(options[0] or wrong))
        if kind == "boolean" and wrong:
            wrong = []
        index = to_text(values["index"]) if "index" in values else None
        tolerance: Mapping[str, float] = {}
        if not (options[0] or wrong) and kind in (None, "number"):
            answer, tolerance = split_tolerance(answer)
        if tolerance := read_tolerance(values, self._columns) or tolerance:
            meta["tolerance"] = tolerance
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
        if solution := _read_solution(values.get("solution")):
            meta["solution"] = solution
        if self._layout and self._layout.keeps_fields:
            meta |= _keep_fields(row, self._columns)
        accepted += list_texts(values.get("accepted"))
        return Draft(
            text, options, wrong, kind, answer, accepted, index, self._read_side(values, side), meta, cells.extra
        )

    def _read_question(self, cells: Cells) -> str:
        """The question's text below its passages. An object with a stem may hold the options, too."""
        given = parse_cell(cells.values.get("question"))
        before = join_passages([one for one in cells.passages if str(one).strip().lower() not in PLACEHOLDERS])
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

    def _read_answer(self, values: Mapping[str, Any], has_options: bool, is_text: bool) -> tuple[Any, list[Any]]:
        if is_list_kind(values.get("kind")) and not has_options:
            return write_list(values.get("answer")), []
        answer, more = unpack_answer(values.get("answer"))
        if is_empty(answer) or (isinstance(answer, str) and not answer.strip()):
            return None, []
        if isinstance(answer, str) and answer.strip().lower() in PLACEHOLDERS and not has_options and not is_text:
            if "answer" in self._needs:
                detail = f"the answer {answer.strip()!r} stands for none; if it is one, give the row the type text"
                raise BadRowError("no answer", detail)
            return None, []
        return answer, more

    def _add_unit(self, answer: Any, unit: Any, has_options: bool) -> Any:
        """A number with the unit that the row has for it. `Unit 3: cells` is of another kind."""
        name = given = (to_text(unit) or "") if unit is not None else ""
        if name.lower() in NO_UNITS:
            return answer
        if "\\" in name or re.fullmatch(r"\$[^$]+\$", name):
            name = _LATEX.sub("", name)
        number = None if isinstance(answer, bool) else to_text(answer)
        if not name or not number or not is_plain_number(number):
            return answer
        if power := _POWER.match(name):
            if "e" in number.lower():
                raise BadRowError("answer", f"the answer {number} and its unit {name} both have a power of ten")
            number, name = f"{number}e{power[1]}", name[power.end() :].strip()
        if is_unit(name):
            return f"{number} {name}"
        if name and not has_options and not re.match(r"(?:unit|einheit|lesson|chapter)?\W*\d|[^\w%]*$", name, re.I):
            self.unknown_units[given] = None
        return number if power else answer

    def _names_option(self, answer: Any) -> bool:
        """Whether a whole number stands in a column whose name says that it names an option."""
        names = {normalize_name(name) for name in self._columns.find("answer")}
        whole = isinstance(answer, int) or (isinstance(answer, str) and answer.isdecimal())
        known = "answer" in self._columns.given or isinstance(answer, bool)
        return whole and not known and not names.isdisjoint(map(normalize_name, OPTION_NUMBERS))

    def _read_kind(self, values: Mapping[str, Any], has_options: bool) -> AnswerKind | None:
        """The kind that the command, the row or the layout says; None if none does."""
        kind: AnswerKind | None = None
        if self._request.kind is not None:
            kind = self._request.kind
        elif "kind" in values and not (has_options and is_list_kind(values["kind"])):
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


def _find_unit(values: Mapping[str, Any]) -> Any:
    """The unit in a cell of its own, or in an object that holds the answer."""
    answer = parse_cell(values.get("answer"))
    return values.get("unit", answer.get("unit") if isinstance(answer, Mapping) else None)


def _read_solution(cell: Any) -> str:
    """The text of a solution, a line to each step of a list; "" for none."""
    given = parse_cell(cell)
    steps = given if isinstance(given, list) else [given]
    with contextlib.suppress(BadRowError):  # what is broken here is no reason to refuse the question
        return "\n".join(text for step in steps if (text := to_text(step)))
    return ""


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


def _read_wrong(values: Sequence[Any], mark: str, has_options: bool) -> list[str]:
    """The wrong answers of a row: a column each, or lists of them, or texts with a mark between them."""
    found = [one for value in values for one in _as_list(parse_cell(value), mark)]
    if found and has_options:
        raise BadRowError("options", "there are options in one column and wrong answers in others")
    texts = [str(one) if isinstance(one, bool) else to_text(one) for one in found]
    if not all(texts):
        raise BadRowError("options", "a wrong answer is empty or no text")
    return [str(text) for text in texts]


def _as_list(value: Any, mark: str) -> list[Any]:
    if isinstance(value, str) and mark == "," and "," in value:
        detail = f"it is not clear whether {value[:60]!r} is one wrong answer or several"
        raise BadRowError("options", f"{detail}: give each a column (wrong_1, wrong_2, ...), or put a bar (|) between")
    if isinstance(value, str) and mark == "|":
        return split_bars(value) or [value]
    if isinstance(value, str) and mark in (";", "\uff1b", "\u3001", "\n"):
        return [part.strip() for part in value.split(mark) if part.strip()]
    return value if isinstance(value, list) else [value]


def _keep_fields(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The columns that are not read, as plain JSON."""
    kept = {name: row[name] for name in columns.ignored if not is_empty(row.get(name))}
    try:
        return {"fields": json.loads(json.dumps(kept, default=str))} if kept else {}
    except (ValueError, RecursionError):
        return {}
