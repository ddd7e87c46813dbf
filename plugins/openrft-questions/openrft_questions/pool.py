"""From the files of one task to its samples by side, with all that is to be told of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from openrft import DataError, DataRequest, Sample, UsageError
from openrft_questions.cells import Fault, meant, spaced
from openrft_questions.files import FAMILY, Table, tables_in
from openrft_questions.reading import rows
from openrft_questions.row import parse

SHOWN, MANY = 5, 30  # faults, and columns, that are named; of faults the rest is counted
DUPLICATE, CONFLICT = "exact_duplicate", "conflicting_gold"
Parts = dict[str | None, list[Sample]]  # by the side that a file or row names; None: it names none


def samples_of(name: str, request: DataRequest) -> tuple[Parts, dict[str, Any]]:
    """The samples by side, and what is to be told of them. Raises UsageError or DataError."""
    if request.data is None:
        raise UsageError(f"{name}: no questions were given.", "Name a CSV or JSON file of yours with --data.")
    found = tables_in(request.data)
    parts: Parts = {}
    bad: Counter[str] = Counter()
    ignored: dict[str, None] = {}
    read = 0
    for table in found.of(name):
        taken = _table(table)
        read, ignored = read + taken.rows, ignored | taken.ignored
        bad.update(fault.reason for _, fault in taken.faults)
        if taken.faults and not request.skip_bad_rows:
            shown = "; ".join(f"{place}: {fault.detail}" for place, fault in taken.faults[:SHOWN])
            more = f"; and {len(taken.faults) - SHOWN} more" if len(taken.faults) > SHOWN else ""
            raise DataError(f"{table.path}: {shown}{more}.", "Fix these rows, or leave them out with --skip-bad-rows.")
        for side, samples in taken.parts.items():
            parts.setdefault(side, []).extend(samples)
    parts, dropped, kept = _compared(parts, request.clean)
    _require(name, parts, read)
    every = [sample for samples in parts.values() for sample in samples]
    return parts, {
        "source": str(found.source),
        "licence": "as your file's",
        "rows_read": read,
        "bad_rows": dict(sorted(bad.items())),
        "columns_ignored": list(ignored),
        "files_left_out": list(found.left_out),
        "defects_dropped": dropped,
        "defects_kept": kept,
        "groups": ["topic"] if any("topic" in sample.meta for sample in every) else [],
    }


@dataclass(slots=True)
class _Taken:
    """What one file gave."""

    parts: Parts = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)  # each with its place
    columns: dict[str, None] = field(default_factory=dict)
    ignored: dict[str, None] = field(default_factory=dict)  # columns that nobody reads
    rows: int = 0


def _table(table: Table) -> _Taken:
    """Read one file. Raises DataError if a column is missing in all of it."""
    taken = _Taken()
    for place, value in rows(table.path):
        taken.rows += 1
        found = value if isinstance(value, Fault) else parse(value, f"{FAMILY}/{table.leaf}", table.side)
        taken.columns |= dict.fromkeys(() if isinstance(value, Fault) else map(str, value))
        if isinstance(found, Fault):
            taken.faults.append((place, found))
            continue
        taken.ignored |= dict.fromkeys(found.ignored)
        sample = replace(found.sample, meta={**found.sample.meta, "row": f"{table.path.name} {place}"})
        taken.parts.setdefault(found.side, []).append(sample)
    for meaning in ("question", "answer") if taken.columns else ():
        if meaning not in map(meant, taken.columns):
            has = ", ".join(list(taken.columns)[:MANY])
            raise DataError(f"{table.path}: no column is called {meaning}; there are {has}.", f"Call one {meaning}.")
    return taken


def _compared(parts: Parts, clean: bool) -> tuple[Parts, dict[str, int], dict[str, int]]:
    """The samples with what only a comparison of all shows: repeated ones, and those with two answers."""
    golds: dict[object, set[object]] = {}
    for sample in (s for samples in parts.values() for s in samples):
        golds.setdefault(_asked(sample), set()).add(_gold(sample))
    seen: Counter[tuple[str | None, str]] = Counter()
    found: Counter[str] = Counter()
    compared: Parts = {}
    for side, samples in parts.items():
        for sample in samples:
            copy = seen[side, sample.id]
            seen[side, sample.id] += 1
            defects = [DUPLICATE] * (copy > 0) + [CONFLICT] * (len(golds[_asked(sample)]) > 1)
            found.update(defects)
            if not (clean and defects):
                marked = replace(sample, copy=copy, meta={**sample.meta, "defects": defects})
                compared.setdefault(side, []).append(marked)
    counts = dict(sorted(found.items()))
    return (compared, counts, {}) if clean else (compared, {}, counts)


def _require(name: str, parts: Parts, read: int) -> None:
    """Raises DataError if nothing is left, or if it is said of some rows alone which side they belong to."""
    if not parts:
        raise DataError(f"{name}: none of {read} rows is a usable question.", "A row needs a question and an answer.")
    if None in parts and len(parts) > 1:
        sample = parts[None][0]
        raise DataError(
            f"{name}: some rows say whether they are train or test, and {sample.meta['row']} does not.",
            "Fill the column `split` in every row, or leave it out.",
        )
    missing = {"train", "test"} - {*parts}
    if None not in parts and missing:
        raise DataError(f"{name}: no row is {missing.pop()}.", "Leave `split` out to have both sides drawn.")


def _asked(sample: Sample) -> object:
    return spaced(sample.question), tuple(sorted(map(spaced, sample.options)))


def _gold(sample: Sample) -> object:
    return float(sample.answer) if sample.kind == "number" else spaced(sample.gold)
