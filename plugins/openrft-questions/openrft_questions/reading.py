"""From a file to its rows, each a mapping with its place; what is none comes out as a Fault."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openrft import DataError
from openrft_questions.row import Fault

Placed = tuple[str, Mapping[str, Any] | Fault]  # "line 3" of CSV and JSON Lines, "row 3" of a JSON array


def rows(path: Path) -> Iterator[Placed]:
    """Every row of the file. Raises DataError for a file that cannot be read, or has none."""
    try:
        text = path.read_text("utf-8-sig")
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
    first = text.lstrip("\r\n").partition("\n")[0]
    mark = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        twice = {name for name in names if name and names.count(name) > 1}
        if twice:
            raise DataError(f"{path}: two columns are called {twice.pop()!r}.", "Rename one.")
        reader.fieldnames = names
        line = reader.line_num + 1
        for cells in reader:
            row = _cells(cells)
            if row:  # a spreadsheet's empty rows are none
                yield f"line {line}", row
            line = reader.line_num + 1
    except csv.Error as fault:
        raise DataError(f"{path}, line {reader.line_num}: not CSV ({fault}).", "Save it again as CSV.") from fault


def _cells(cells: Mapping[str | None, Any]) -> Mapping[str, Any] | Fault:
    """The cells that hold something, by column."""
    if None in cells:
        return Fault("cells", "more cells than there are columns; a cell with commas needs quotes around it")
    return {name: cell.strip() for name, cell in cells.items() if name and cell and cell.strip()}


def _lines(path: Path, text: str) -> Iterator[Placed]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", _object(line)


def _json(path: Path, text: str) -> Iterator[Placed]:
    """An array of objects; a file of JSON Lines that is called .json is read as one."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as fault:
        if text.lstrip().startswith("{") and "\n" in text.strip():
            yield from _lines(path, text)
            return
        raise DataError(f"{path}: not JSON ({fault}).", "Fix the file.") from fault
    for number, value in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield f"row {number}", value if isinstance(value, dict) else Fault("not an object", "not a JSON object")


def _object(line: str) -> Mapping[str, Any] | Fault:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as fault:
        return Fault("not JSON", f"not JSON ({fault})")
    return value if isinstance(value, dict) else Fault("not an object", "not a JSON object")
