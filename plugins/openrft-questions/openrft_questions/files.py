"""The files behind `--data`: which there are, what their tasks are called, and how each is read into rows.

Knows CSV, JSON and JSON Lines. Knows nothing of what a row's columns mean.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from openrft import DataError, escape_terminal
from openrft_questions.columns import BadRow

FAMILY = "questions"
ALL = f"{FAMILY}/all"  # the task of every file's questions together
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
Side = Literal["train", "test"]
SIDES: tuple[Side, ...] = ("train", "test")
Located = tuple[str, Mapping[str, Any] | BadRow]  # "line 3" of CSV and JSON Lines, "row 3" of a JSON array
MAX_CELL = 1 << 24  # characters that a cell may have; the csv module's own limit is 131,072
MAX_DIGITS = 300  # a longer integer is kept as text: beyond about 308 digits it is no float, beyond 4,300 no int
_SIDE = re.compile(r"(?<![a-z])(?:train(?:ing)?|test(?:ing)?|val(?:id|idation)?|dev|eval(?:uation)?)(?![a-z])")
_SEP = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's own first line


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """One file of questions."""

    path: Path
    leaf: str  # the last part of its task's name
    side: Side | None = None  # that of all its rows; None = each row says, or none does


@dataclass(frozen=True, slots=True)
class QuestionFiles:
    """The files of one source."""

    source: Path
    files: tuple[QuestionFile, ...]
    left_out: tuple[str, ...] = ()  # names of files beside a train and a test file

    def of_task(self, task: str) -> Sequence[QuestionFile]:
        """The files of one task by its whole name. Raises DataError if there are none."""
        found = self.files if task == ALL else [file for file in self.files if f"{FAMILY}/{file.leaf}" == task]
        if not found:
            raise DataError(
                f"{self.source} has no questions called {escape_terminal(task)}.",
                "`openrft tasks list --data` shows all.",
            )
        return found

    def describe(self, leaf: str) -> str:
        """The names of the files behind a task."""
        return " and ".join(file.path.name for file in self.files if file.leaf == leaf)


def find_files(source: str) -> QuestionFiles:
    """The files behind `--data`: itself, or those in the folder. Raises DataError."""
    try:
        return _find_files(source, Path(source).expanduser())
    except RuntimeError as fault:  # no such user
        raise DataError(f"{source}: there is no such user.", "Name a CSV or JSON file with --data.") from fault
    except OSError as fault:  # a name that is too long, a folder that cannot be read
        reason = fault.strerror or type(fault).__name__
        shown = source if len(source) <= 255 else f"{source[:60]}... ({len(source)} characters)"
        raise DataError(f"{shown}: {reason}.", "Name a CSV or JSON file that can be read with --data.") from fault


def _find_files(source: str, path: Path) -> QuestionFiles:
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{source}: not a file of questions by its name.", f"These are: {', '.join(SUFFIXES)}.")
        return QuestionFiles(path, (QuestionFile(path, path.stem),))
    if not path.is_dir():
        raise DataError(f"{source}: there is no such file or folder.", "Name a CSV or JSON file with --data.")
    files = sorted(
        file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file() and file.name[0] != "."
    )
    if not files:
        raise DataError(f"{source} has no file of questions.", f"These are: {', '.join(SUFFIXES)}.")
    twice = [stem for stem, count in Counter(file.stem.lower() for file in files).items() if count > 1]
    if twice:
        raise DataError(f"{source} has several files called {escape_terminal(twice[0])}.", "Rename one.")
    by_stem = {file.stem.lower(): file for file in files}
    if {*SIDES} <= {*by_stem}:
        sides = tuple(QuestionFile(by_stem[side], path.resolve().name, side) for side in SIDES)
        return QuestionFiles(path, sides, tuple(file.name for file in files if file.stem.lower() not in SIDES))
    if len(files) > 1 and "all" in by_stem:
        raise DataError(f"{by_stem['all']}: all is the name of the files together.", "Rename it.")
    one_side = [file for file in files if _SIDE.search(file.stem.lower())]
    if len(files) > 1 and one_side:
        raise DataError(
            f"{escape_terminal(str(one_side[0]))} is one side of a split by its name, and would be mixed with the"
            " others.",
            "Call two files train and test (others are then left out), or put a column `split` into one file.",
        )
    return QuestionFiles(path, tuple(QuestionFile(file, file.stem) for file in files))


def read_rows(path: Path) -> Iterator[Located]:
    """Every row of the file with its place. Raises DataError for a file that cannot be read, or has none."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror or fault}.", "Give a file that can be read.") from fault
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        raise DataError(f"{path}, line {line}: not UTF-8.", "Save it as UTF-8 (in Excel: `CSV UTF-8`).") from fault
    reader = {".csv": _read_csv, ".tsv": _read_csv, ".json": _read_json}.get(path.suffix.lower(), _read_json_lines)
    found = False
    for row in reader(path, text):
        found = True
        yield row
    if not found:
        raise DataError(f"{path} has no rows.", "Give a file with a question in each row.")


def _read_csv(path: Path, text: str) -> Iterator[Located]:
    """Rows below a line of column names; between cells a comma, semicolon or tab, whichever that line has most of."""
    csv.field_size_limit(MAX_CELL)
    head = next((line for line in text.splitlines() if line.strip()), "")
    declared = _SEP.fullmatch(head)
    marks = "\t,;" if path.suffix.lower() == ".tsv" else ",;\t"
    delimiter = declared.group(1) if declared else max(marks, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    line = 1  # at which the row begins: the reader itself knows only where it ends
    try:
        for cells in reader:
            begin, line = line, reader.line_num + 1
            if not any(map(str.strip, cells)):
                continue  # a spreadsheet's empty rows are no rows
            if not names and declared and "".join(cells).lower().startswith("sep="):
                continue
            if not names:
                names = _column_names(path, cells)
            else:
                yield f"line {begin}", _name_cells(names, cells)
    except csv.Error as fault:
        raise DataError(f"{path}, line {line}: not CSV ({fault}).", "Save it again as CSV.") from fault


def _column_names(path: Path, cells: list[str]) -> list[str]:
    """The names of the columns; one without a name is called by its number."""
    names = [name.strip() or f"column {number} (no name)" for number, name in enumerate(cells, 1)]
    twice = _first_repeated(names)
    if twice is not None:
        raise DataError(f"{path}: two columns are called {twice!r}.", "Rename one.")
    return names


def _first_repeated(names: Sequence[str]) -> str | None:
    """The first of the names that occurs again later."""
    if len(set(names)) == len(names):
        return None
    counts = Counter(names)
    return next(name for name in names if counts[name] > 1)


def _name_cells(names: list[str], cells: list[str]) -> Mapping[str, Any] | BadRow:
    """The cells by column."""
    if any(map(str.strip, cells[len(names) :])):
        return BadRow("cells", "more cells than there are columns; a cell with commas needs quotes around it")
    return {name: cell.strip() for name, cell in zip_longest(names, cells[: len(names)], fillvalue="")}


def _read_json_lines(path: Path, text: str) -> Iterator[Located]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {number}", _require_object(load_json(line))
            except (ValueError, RecursionError) as fault:
                yield f"line {number}", BadRow("not JSON", f"not JSON ({fault})")


def _read_json(path: Path, text: str) -> Iterator[Located]:
    """An array of objects, alone or as the one value of an object; or JSON Lines by a wrong name."""
    try:
        whole = load_json(text)
    except (ValueError, RecursionError) as fault:
        if text.lstrip().startswith("{") and "\n" in text.strip():
            yield from _read_json_lines(path, text)
            return
        raise DataError(f"{path}: not JSON ({fault}).", "Fix the file.") from fault
    if isinstance(whole, dict) and len(whole) == 1 and isinstance(next(iter(whole.values())), list):
        whole = next(iter(whole.values()))
    if isinstance(whole, dict) and whole and all(isinstance(value, dict) for value in whole.values()):
        raise DataError(f"{path}: an object of objects, no list of rows.", 'In pandas: `to_json(orient="records")`.')
    for number, value in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield f"row {number}", _require_object(value)


def load_json(text: str) -> Any:
    """JSON with numbers as they are written (2.00, not 2.0) and NaN, which pandas writes for an empty cell, as None.

    Raises ValueError, RecursionError.
    """
    return json.loads(
        text,
        parse_float=str,
        parse_int=lambda digits: int(digits) if len(digits) <= MAX_DIGITS else digits,
        parse_constant=lambda name: None,
        object_pairs_hook=_unique_keys,
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises ValueError if a key occurs twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = _first_repeated([name for name, _ in pairs])
        raise ValueError(f"the key {twice!r} occurs twice in an object")
    return found


def _require_object(value: Any) -> Mapping[str, Any] | BadRow:
    return value if isinstance(value, dict) else BadRow("not an object", "not a JSON object")
