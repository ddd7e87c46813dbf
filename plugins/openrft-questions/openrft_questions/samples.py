"""From the files of one task to its samples, grouped by side of the split, with counts of what was left out."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openrft import DataError, DataRequest, Sample, SourceRow, SourceTable, UsageError, escape_terminal
from openrft_questions.cells import normalize_spaces
from openrft_questions.golds import is_sentence
from openrft_questions.rows import ParsedRow, parse_table
from openrft_questions.sources import FAMILY, WHAT, QuestionFile, find_source, read_file
from openrft_questions.table import BadRow, Side, Table

MAX_FAULTS = 5  # how many bad rows a message names
DUPLICATE, CONFLICT = "exact_duplicate", "conflicting_gold"
SENTENCES = (
    "{count} of {all} gold answers are sentences ({place}). No model writes one word for word: give what belongs in the"
    " box, or have a judge grade the answers (plugin `graders`)."
)
SamplesBySide = dict[str | None, list[Sample]]  # by the side that a file or row names; None: it names none


def read_table(request: DataRequest, needs: Collection[str], extra: Mapping[str, Sequence[str]]) -> SourceTable:
    """Every row of the source, of whatever side, in order. Raises UsageError or DataError."""
    if request.data is None:
        raise UsageError("no questions were given.", f"Name a {WHAT} of yours with --data.")
    rows: list[SourceRow] = []
    layouts: dict[str, None] = {}
    ignored: dict[str, None] = {}
    for file in find_source(request.data).files:
        table = read_file(file, request, extra)
        parsed = parse_table(table, f"{FAMILY}/{file.leaf}", request, needs, extra, str(file.path))
        layouts[parsed.layout] = None
        ignored |= dict.fromkeys(map(escape_terminal, parsed.ignored))
        for one, row in zip(table.rows, parsed.rows, strict=True):
            place = f"{file.name} {one.place}"
            cells = {} if isinstance(one.row, BadRow) else one.row
            if isinstance(row, BadRow):
                rows.append(SourceRow(place, None, fault=escape_terminal(row.detail), cells=cells))
            else:
                rows.append(SourceRow(place, row.question, row.sample, row.fault, row.extra, cells))
    return SourceTable(tuple(rows), {"layout": "; ".join(layouts), "columns_ignored": list(ignored)})


def load_samples(name: str, request: DataRequest) -> tuple[SamplesBySide, dict[str, Any]]:
    """The samples by side, and the task's notes. Raises UsageError or DataError."""
    if request.data is None:
        raise UsageError(f"{name}: no questions were given.", f"Name a {WHAT} of yours with --data.")
    source = find_source(request.data)
    by_side: SamplesBySide = {}
    bad: Counter[str] = Counter()
    ignored: dict[str, None] = {}
    layouts: dict[str, None] = {}
    rows = 0
    revision = None
    notices: list[str] = []
    for file in source.of_task(name):
        content = _read_file(file, request)
        notices += content.notices
        rows += content.rows
        ignored |= content.ignored
        layouts[content.layout] = None
        revision = content.revision
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
    notes = {
        "source": source.name,
        "layout": "; ".join(layouts),
        "licence": "as your file's",
        "rows_read": rows,
        "bad_rows": dict(sorted(bad.items())),
        "columns_ignored": [escape_terminal(column) for column in ignored],
        "files_left_out": list(source.left_out),
        "defects_dropped": dropped,
        "defects_kept": kept,
        "groups": ["topic"] if any("topic" in sample.meta for sample in every) else [],
        "warnings": [*notices, *_list_warnings(every)],
    }
    return by_side, notes if revision is None else {**notes, "revision": revision}


def _list_warnings(samples: Sequence[Sample]) -> list[str]:
    """What may go wrong with these samples, in sentences."""
    found = [s for s in samples if is_sentence(s.answer, s.kind) and "rubric" not in s.meta]
    if not found:
        return []
    return [SENTENCES.format(count=len(found), all=len(samples), place=found[0].meta["row"])]


@dataclass(slots=True)
class _FileContent:
    """What one file holds."""

    layout: str
    ignored: dict[str, None]  # columns that are not read
    revision: str | None
    notices: list[str]
    by_side: SamplesBySide = field(default_factory=dict)
    bad: Counter[str] = field(default_factory=Counter)  # bad rows by reason
    faults: list[str] = field(default_factory=list)  # the first bad rows in words, each with its place
    rows: int = 0

    def add_bad(self, place: str, bad: BadRow) -> None:
        """Count a bad row; keep the first few in words."""
        self.bad[bad.reason] += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{place}: {escape_terminal(bad.detail)}")


def _read_file(file: QuestionFile, request: DataRequest) -> _FileContent:
    """Read one file. Raises DataError if a column is missing in all of it."""
    table = read_file(file, request)
    parsed = parse_table(table, f"{FAMILY}/{file.leaf}", request, where=str(file.path), side=file.side)
    _check_labels(file.name, table, parsed.rows)
    content = _FileContent(
        parsed.layout, dict.fromkeys(parsed.ignored), table.revision, [*table.notices, *parsed.notices]
    )
    content.rows = len(table.rows)
    for one, row in zip(table.rows, parsed.rows, strict=True):
        if isinstance(row, BadRow) or row.sample is None:
            content.add_bad(one.place, row if isinstance(row, BadRow) else BadRow("no answer", "there is no answer"))
            continue
        sample = replace(row.sample, meta={**row.sample.meta, "row": f"{file.name} {one.place}"})
        content.by_side.setdefault(row.side, []).append(sample)
    return content


def _check_labels(name: str, table: Table, rows: Sequence[ParsedRow | BadRow]) -> None:
    """Raises DataError for a split without any answer: benchmarks keep those of their test split to themselves."""
    unlabelled: dict[Side, bool] = {}
    for one, row in zip(table.rows, rows, strict=True):
        if one.side:
            bad = isinstance(row, BadRow) and row.reason == "no answer"
            unlabelled[one.side] = unlabelled.get(one.side, True) and bad
    for side in (side for side, all_bad in unlabelled.items() if all_bad):
        raise DataError(f"{name}: no row of {side} has an answer.", "Name another split: --split train:validation.")


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
    with contextlib.suppress(ValueError):  # a number with a unit, a fraction
        return float(sample.answer) if sample.kind == "number" else normalize_spaces(sample.gold)
    return normalize_spaces(sample.gold)
