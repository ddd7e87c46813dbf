"""From a file to its rows, each a mapping with its place; what is none comes out as a Fault."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from openrft import DataError
from openrft_questions.cells import Fault

Placed = tuple[str, Mapping[str, Any] | Fault]  # "line 3" of CSV and JSON Lines, "row 3" of a JSON array
CELL = 1 << 24  # characters that a cell may have; the csv module's own limit is 131,072
_SEP = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's own first line


def rows(path: Path) -> Iterator[Placed]:
    """Every row of the file. Raises DataError for a file that cannot be read, or has none."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror or fault}.", "Give a file that can be read.") from fault
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        raise DataError(f"{path}, line {line}: not UTF-8.", "Save it as UTF-8 (in Excel: `CSV UTF-8`).") from fault
    reader = {".csv": _csv, ".tsv": _csv, ".json": _json}.get(path.suffix.lower(), _lines)
    found = False
    for row in reader(path, text):
        found = True
        yield row
    if not found:
        raise DataError(f"{path} has no rows.", "Give a file with a question in each row.")


def _csv(path: Path, text: str) -> Iterator[Placed]:
    """Rows below a line of column names; between cells a comma, semicolon or tab, whichever that line has most of."""
    csv.field_size_limit(CELL)
    head = next((line for line in text.splitlines() if line.strip()), "")
    told = _SEP.fullmatch(head)
    marks = "\t,;" if path.suffix.lower() == ".tsv" else ",;\t"
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=told.group(1) if told else max(marks, key=head.count), strict=True
    )
    names: list[str] = []
    line = 1  # at which the row begins: the reader itself knows only where it ends
    try:
        for cells in reader:
            begin, line = line, reader.line_num + 1
            if not any(map(str.strip, cells)) or (not names and told and "".join(cells).lower().startswith("sep=")):
                continue  # a spreadsheet's empty rows are none
            if not names:
                names = _names(path, cells)
            else:
                yield f"line {begin}", _cells(names, cells)
    except csv.Error as fault:
        raise DataError(f"{path}, line {line}: not CSV ({fault}).", "Save it again as CSV.") from fault


def _names(path: Path, cells: list[str]) -> list[str]:
    """Names of the columns; one that has none is told of by its number."""
    names = [name.strip() or f"column {number} (no name)" for number, name in enumerate(cells, 1)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise DataError(f"{path}: two columns are called {twice!r}.", "Rename one.")
    return names


def _cells(names: list[str], cells: list[str]) -> Mapping[str, Any] | Fault:
    """The cells by column."""
    if any(map(str.strip, cells[len(names) :])):
        return Fault("cells", "more cells than there are columns; a cell with commas needs quotes around it")
    return {name: cell.strip() for name, cell in zip_longest(names, cells[: len(names)], fillvalue="")}


def _lines(path: Path, text: str) -> Iterator[Placed]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {number}", _object(loaded(line))
            except (ValueError, RecursionError) as fault:
                yield f"line {number}", Fault("not JSON", f"not JSON ({fault})")


def _json(path: Path, text: str) -> Iterator[Placed]:
    """An array of objects, alone or as the one value of an object; or JSON Lines by a wrong name."""
    try:
        whole = loaded(text)
    except (ValueError, RecursionError) as fault:
        if text.lstrip().startswith("{") and "\n" in text.strip():
            yield from _lines(path, text)
            return
        raise DataError(f"{path}: not JSON ({fault}).", "Fix the file.") from fault
    if isinstance(whole, dict) and len(whole) == 1 and isinstance(next(iter(whole.values())), list):
        whole = next(iter(whole.values()))
    if isinstance(whole, dict) and whole and all(isinstance(value, dict) for value in whole.values()):
        raise DataError(f"{path}: an object of objects, no list of rows.", 'In pandas: `to_json(orient="records")`.')
    for number, value in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield f"row {number}", _object(value)


def loaded(text: str) -> Any:
    """JSON with its decimals as they are written, 2.00 and not 2.0, and what pandas leaves empty (NaN) as nothing."""
    return json.loads(text, parse_float=str, parse_constant=lambda name: None, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if no key stands in it twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands in an object twice")
    return found


def _object(value: Any) -> Mapping[str, Any] | Fault:
    return value if isinstance(value, dict) else Fault("not an object", "not a JSON object")
