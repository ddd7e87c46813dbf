"""From the files of one task to its samples, grouped by side of the split, with counts of what was left out.

Guesses no answer: a row that is not understood is a BadRow.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from openrft import DataError, DataRequest, Question, Sample, SourceRow, SourceTable, UsageError, escape_terminal
from openrft_questions.answers import find_gold_letter, infer_kind, parse_gold
from openrft_questions.columns import (
    BadRow,
    BadRowError,
    column_meaning,
    normalize_spaces,
    parse_options,
    require_text,
    sort_columns,
    to_text,
)
from openrft_questions.files import FAMILY, SIDES, QuestionFile, Side, find_files, load_json, read_rows

MAX_FAULTS, MAX_COLUMNS = 5, 30  # how many bad rows, and columns, a message names
DUPLICATE, CONFLICT = "exact_duplicate", "conflicting_gold"
SamplesBySide = dict[str | None, list[Sample]]  # by the side that a file or row names; None: it names none


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row that can be used."""

    sample: Sample
    side: Side | None  # None: the row does not say
    ignored: tuple[str, ...]  # its columns that are not read


def parse_row(row: Mapping[str, Any], task: str, side: Side | None = None) -> ParsedRow | BadRow:
    """The question of a row of the leaf task `task`. `side`: that of the file, which the row must not contradict."""
    try:
        return _parse_row(row, task, side)
    except BadRowError as bad:
        return BadRow(*bad.args)


def _parse_row(row: Mapping[str, Any], task: str, side: Side | None) -> ParsedRow:
    cells, lettered, ignored = sort_columns(row)
    question = require_text(cells, "question")
    given = cells.get("options")
    if isinstance(given, str) and given.startswith(("[", "{")):  # JSON in a cell of CSV
        with contextlib.suppress(ValueError, RecursionError):
            given = load_json(given)
    options, labels = parse_options(given, lettered)
    kind = infer_kind(cells, options)
    answer = find_gold_letter(cells, options, labels) if kind == "choice" else parse_gold(cells, kind)
    meta: dict[str, Any] = {}
    if "topic" in cells:
        meta["topic"] = require_text(cells, "topic")
    if "group" in cells:
        meta["leakage_groups"] = [f"group:{task}/{require_text(cells, 'group')}"]  # two files may number theirs alike
    sample = Sample(question, answer, options, cast(Any, kind), task, meta=meta)
    return ParsedRow(sample, _parse_side(cells, side), ignored)


def _parse_side(cells: Mapping[str, Any], side: Side | None) -> Side | None:
    if "split" not in cells:
        return side
    given_side = (to_text(cells["split"]) or "").lower()
    found = next((name for name in SIDES if name == given_side), None)
    if found is None:
        raise BadRowError("split", f"the split {given_side[:40]!r} is neither train nor test")
    if side and found != side:
        raise BadRowError("split", f"the row says {found}, and its file is called {side}")
    return found


def read_table(request: DataRequest, needs: Collection[str], extra: Mapping[str, Sequence[str]]) -> SourceTable:
    """Every row of the source, of whatever side, in order. Raises UsageError or DataError."""
    if request.data is None:
        raise UsageError("no questions were given.", "Name a CSV or JSON file of yours with --data.")
    rows = []
    for file in find_files(request.data).files:
        task = f"{FAMILY}/{file.leaf}"
        for place, row in read_rows(file.path):
            rows.append(_locate_row(f"{file.path.name} {place}", row, task, needs, extra))
    return SourceTable(tuple(rows))


def _locate_row(
    place: str,
    row: Mapping[str, Any] | BadRow,
    task: str,
    needs: Collection[str],
    extra: Mapping[str, Sequence[str]],
) -> SourceRow:
    if isinstance(row, BadRow):
        return SourceRow(place, None, fault=row.detail)
    wanted = {name.lower(): meaning for meaning, names in extra.items() for name in names}
    found = {wanted[name.strip().lower()]: value for name, value in row.items() if name.strip().lower() in wanted}
    own = {name: value for name, value in row.items() if name.strip().lower() not in wanted}
    try:
        cells, lettered, _ = sort_columns(own)
        text = require_text(cells, "question") if "question" in needs or "question" in cells else ""
        given = cells.get("options")
        if isinstance(given, str) and given.startswith(("[", "{")):
            given = load_json(given)
        options, labels = parse_options(given, lettered)
        if "answer" not in cells and "answer" not in needs:
            kind = "choice" if options else str(cells.get("type", "text"))
            return SourceRow(place, Question(text, options, cast(Any, kind), task), extra=found, cells=row)
        kind = infer_kind(cells, options)
        answer = find_gold_letter(cells, options, labels) if kind == "choice" else parse_gold(cells, kind)
    except BadRowError as bad:
        return SourceRow(place, None, fault=str(bad.args[1]), extra=found, cells=row)
    question = Question(text, options, cast(Any, kind), task)
    return SourceRow(place, question, Sample(text, answer, options, cast(Any, kind), task), extra=found, cells=row)


def load_samples(name: str, request: DataRequest) -> tuple[SamplesBySide, dict[str, Any]]:
    """The samples by side, and the task's notes. Raises UsageError or DataError."""
    if request.data is None:
        raise UsageError(f"{name}: no questions were given.", "Name a CSV or JSON file of yours with --data.")
    source = find_files(request.data)
    by_side: SamplesBySide = {}
    bad: Counter[str] = Counter()
    ignored: dict[str, None] = {}
    rows = 0
    for file in source.of_task(name):
        content = _read_file(file)
        rows += content.rows
        ignored |= content.ignored
        bad.update(content.bad)
        if content.bad and not request.skip_bad_rows:
            count = content.bad.total()
            more = f"; and {count - MAX_FAULTS} more" if count > MAX_FAULTS else ""
            raise DataError(
                f"{file.path}: {'; '.join(content.faults)}{more}.",
                "Fix these rows, or leave them out with --skip-bad-rows.",
            )
        for side, samples in content.by_side.items():
            by_side.setdefault(side, []).extend(samples)
    by_side, dropped, kept = _mark_defects(by_side, request.clean)
    _check_sides(name, by_side, rows)
    every = [sample for samples in by_side.values() for sample in samples]
    return by_side, {
        "source": str(source.source),
        "licence": "as your file's",
        "rows_read": rows,
        "bad_rows": dict(sorted(bad.items())),
        "columns_ignored": [escape_terminal(column) for column in ignored],
        "files_left_out": list(source.left_out),
        "defects_dropped": dropped,
        "defects_kept": kept,
        "groups": ["topic"] if any("topic" in sample.meta for sample in every) else [],
    }


@dataclass(slots=True)
class _FileContent:
    """What one file holds."""

    by_side: SamplesBySide = field(default_factory=dict)
    bad: Counter[str] = field(default_factory=Counter)  # bad rows by reason
    faults: list[str] = field(default_factory=list)  # the first bad rows in words, each with its place
    columns: dict[str, None] = field(default_factory=dict)
    ignored: dict[str, None] = field(default_factory=dict)  # columns that are not read
    rows: int = 0

    def add_bad(self, place: str, bad: BadRow) -> None:
        """Count a bad row; keep the first few in words."""
        self.bad[bad.reason] += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{place}: {escape_terminal(bad.detail)}")


def _read_file(file: QuestionFile) -> _FileContent:
    """Read one file. Raises DataError if a column is missing in all of it."""
    content = _FileContent()
    for place, row in read_rows(file.path):
        content.rows += 1
        if isinstance(row, BadRow):
            content.add_bad(place, row)
            continue
        content.columns |= dict.fromkeys(map(str, row))
        parsed = parse_row(row, f"{FAMILY}/{file.leaf}", file.side)
        if isinstance(parsed, BadRow):
            content.add_bad(place, parsed)
            continue
        content.ignored |= dict.fromkeys(parsed.ignored)
        sample = replace(parsed.sample, meta={**parsed.sample.meta, "row": f"{file.path.name} {place}"})
        content.by_side.setdefault(parsed.side, []).append(sample)
    meanings = {*map(column_meaning, content.columns)}
    for meaning in ("question", "answer") if content.columns else ():
        if meaning not in meanings:
            columns = ", ".join(map(escape_terminal, list(content.columns)[:MAX_COLUMNS]))
            raise DataError(f"{file.path}: no column is called {meaning}; there are {columns}.", f"Call one {meaning}.")
    return content


def _mark_defects(by_side: SamplesBySide, clean: bool) -> tuple[SamplesBySide, dict[str, int], dict[str, int]]:
    """Flag repeated questions and questions with two answers; with `clean`, leave them out.

    Returns the samples, and the counts of defects that were dropped and that were kept.
    """
    golds: dict[object, set[object]] = {}
    for sample in (s for samples in by_side.values() for s in samples):
        golds.setdefault(_question_key(sample), set()).add(_gold_key(sample))
    seen: Counter[tuple[str | None, str]] = Counter()
    found: Counter[str] = Counter()
    kept: SamplesBySide = {}
    for side, samples in by_side.items():
        for sample in samples:
            copy = seen[side, sample.id]
            seen[side, sample.id] += 1
            defects = [DUPLICATE] * (copy > 0) + [CONFLICT] * (len(golds[_question_key(sample)]) > 1)
            found.update(defects)
            if not (clean and defects):
                marked = replace(sample, copy_index=copy, meta={**sample.meta, "defects": defects})
                kept.setdefault(side, []).append(marked)
    counts = dict(sorted(found.items()))
    return (kept, counts, {}) if clean else (kept, {}, counts)


def _check_sides(name: str, by_side: SamplesBySide, rows: int) -> None:
    """Raises DataError if no sample is left, or if only some rows say which side they belong to."""
    if not by_side:
        raise DataError(f"{name}: none of {rows} rows is a usable question.", "A row needs a question and an answer.")
    if None in by_side and len(by_side) > 1:
        sample = by_side[None][0]
        raise DataError(
            f"{name}: some rows say whether they are train or test, and {sample.meta['row']} does not.",
            "Fill the column `split` in every row, or leave it out.",
        )
    missing = {"train", "test"} - {*by_side}
    if None not in by_side and missing:
        raise DataError(f"{name}: no row is {missing.pop()}.", "Leave `split` out to have both sides drawn.")


def _question_key(sample: Sample) -> object:
    return normalize_spaces(sample.question), tuple(sorted(map(normalize_spaces, sample.options)))


def _gold_key(sample: Sample) -> object:
    return float(sample.answer) if sample.kind == "number" else normalize_spaces(sample.gold)
