"""Workbooks of Excel (.xlsx), read into a Table. openpyxl is imported when a workbook is read."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrft import DataError, escape_terminal, is_unit
from openrft_questions.column_names import means_question
from openrft_questions.table import SIDES, BadRow, Located, Side, Table, name_columns
from openrft_questions.text_files import MAX_TITLES, read_bytes

if TYPE_CHECKING:
    from openpyxl.cell import ReadOnlyCell

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
_MERGED = re.compile(r'<(?:\w+:)?mergeCell ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
# A formula that no spreadsheet has calculated yet, as programs write it: a cell with <f> and nothing in <v>.
_UNCALCULATED = re.compile(
    r'<c r="([A-Z]+)(\d+)"(?![^>]*\bt="str")[^>]*><f[^>]*(?:/>|>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>'
)
_RAISED = re.compile(
    rb'(<vertAlign val="superscript" ?/>(?:<[^t][^>]*>)*</rPr><t[^>]*>)'
    rb"((?:[-+]|\xe2\x88\x92)?\d+|\d*(?:[-+]|\xe2\x88\x92))</t>"
)
_MAY_HAVE_POWER = re.compile(rb"(?:[\d)\]}]|(?<![A-Za-z])[A-Za-z\xc2-\xce\x80-\xbf%]{1,3})\s*$")
_QUOTED_UNIT = re.compile(r'[0#?]\s*"\s*([^"]+)"$')
NO_VALUE = BadRow("formula", "a formula without its value: open the file in a spreadsheet, and save it")
MAX_EMPTY = 10_000  # empty rows in a row after which a sheet is at its end: some claim a million
Cells = list[Any]


def read_workbook(path: Path, sheet: str | None) -> Table:
    """The rows of one sheet, or of sheets called train and test. Raises DataError."""
    import openpyxl

    try:
        data = _mark_superscripts(read_bytes(path))
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        wanted = [one for one in book.worksheets if _is_wanted(one, sheet)]
        sheets = {one.title: list(_read_rows(data, one)) for one in wanted}
        names = [one.title for one in book.worksheets]
        book.close()
    except DataError:
        raise
    except Exception as fault:  # openpyxl raises whatever a broken file leads to
        reason = str(fault).strip().split("\n")[0] or type(fault).__name__
        raise DataError(f"{path}: not a workbook that can be read ({reason}).", "Save it again as .xlsx.") from fault
    table = Table()
    for title, side in _choose(path, sheets, names, sheet):
        table.rows += _name_rows(path, title, sheets[title], side)
    return table


def _is_wanted(one: Any, sheet: str | None) -> bool:
    """Whether a sheet is to be read: the named one, else every visible one."""
    return one.sheet_state == "visible" if sheet is None else one.title.lower() == sheet.lower()


def _choose(
    path: Path, sheets: dict[str, list[tuple[int, Cells]]], names: Sequence[str], sheet: str | None
) -> list[tuple[str, Side | None]]:
    """The sheets to read, each with its side of the split. Raises DataError."""
    shown = ", ".join(map(escape_terminal, names[:20]))
    if sheet is not None and not sheets:
        raise DataError(f"{path} has no sheet {escape_terminal(sheet)!r}; it has {shown}.", "Name one with --sheet.")
    filled = {title: rows for title, rows in sheets.items() if rows}
    sides = {title.lower(): title for title in filled}
    if sheet is None and {*SIDES} <= {*sides}:
        return [(sides[side], side) for side in SIDES]
    if len(filled) > 1:
        shown = ", ".join(map(escape_terminal, list(filled)[:20]))
        raise DataError(f"{path} has several sheets: {shown}.", "Name one with --sheet.")
    return [(title, None) for title in filled]


def _mark_superscripts(data: bytes) -> bytes:
    """The workbook with 10^5 for a 10 with a raised 5: openpyxl would read 105."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        texts = {name: archive.read(name) for name in archive.namelist() if name.endswith(".xml")}
        if not any(b"superscript" in content for content in texts.values()):
            return data
        marked = io.BytesIO()
        with zipfile.ZipFile(marked, "w", zipfile.ZIP_DEFLATED) as copy:
            for name in archive.namelist():
                text = texts.get(name)
                copy.writestr(name, archive.read(name) if text is None else _RAISED.sub(_write_power, text))
    return marked.getvalue()


def _write_power(found: re.Match[bytes]) -> bytes:
    """A raised number behind a digit, a bracket or a short name, such as a unit. Elsewhere it is the mark of a note."""
    before = found.string[max(0, found.start() - 400) : found.start()]
    text = before[max(before.rfind(b"<si>"), before.rfind(b"<is>")) :].rpartition(b"</t>")[0]
    is_power = _MAY_HAVE_POWER.search(text) is not None
    return found[1] + (b"^" if is_power else b"") + found[2] + b"</t>"


def _read_rows(data: bytes, sheet: Any) -> Iterator[tuple[int, Cells]]:
    """The rows of a sheet that are not empty, each with its number.

    What openpyxl tells only of sheets that it holds as a whole is read from the sheet's own text.
    """
    from openpyxl.utils import column_index_from_string

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read(sheet._worksheet_path.lstrip("/")).decode("utf-8", "replace")
    without_value = {(int(row), column_index_from_string(column)) for column, row in _UNCALCULATED.findall(text)}
    return _filled_rows(sheet.iter_rows(), _find_merged(text), without_value)


def _find_merged(text: str) -> dict[tuple[int, int], int]:
    """By row and column of each cell that is merged with one above: the row of the one above, which has the value."""
    from openpyxl.utils import column_index_from_string

    found: dict[tuple[int, int], int] = {}
    for column, top, other, bottom in _MERGED.findall(text):
        if column == other and int(bottom) - int(top) < MAX_EMPTY:
            at = column_index_from_string(column)
            found |= {(row, at): int(top) for row in range(int(top) + 1, int(bottom) + 1)}
    return found


def _filled_rows(
    rows: Iterator[tuple[ReadOnlyCell, ...]],
    merged: Mapping[tuple[int, int], int],
    without_value: Collection[tuple[int, int]],
) -> Iterator[tuple[int, Cells]]:
    """The rows that are not empty. Merged cells all have the value of the first."""
    empty = 0
    above: dict[tuple[int, int], Any] = {}
    tops = {(top, column) for (_, column), top in merged.items()}
    for number, cells in enumerate(rows, 1):
        values = [NO_VALUE if (number, at) in without_value else _read_cell(cell) for at, cell in enumerate(cells, 1)]
        if any(value not in (None, "") for value in values):
            above |= {(number, at): value for at, value in enumerate(values, 1) if (number, at) in tops}
            values = [above.get((merged.get((number, at), 0), at), value) for at, value in enumerate(values, 1)]
        if any(value not in (None, "") for value in values):
            empty = 0
            yield number, values
        elif (empty := empty + 1) > MAX_EMPTY:
            return


def _read_cell(cell: ReadOnlyCell) -> Any:
    """A cell as Excel shows it: 15 digits of a number, with the percent sign or the unit of its format."""
    value = cell.value
    if cell.data_type == "e":
        return BadRow("formula", f"the formula has the error {value}: correct it in the spreadsheet")
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        how = (cell.number_format or "").split(";")[0].strip()
        if how.endswith("%"):
            return f"{value * 100:.15g}%"
        unit = _QUOTED_UNIT.search(how)
        number = value if isinstance(value, int) else f"{value:.15g}"
        return f"{number} {unit[1].strip()}" if unit and is_unit(unit[1].strip()) else number
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        return BadRow("date", "Excel made a date of it: format the cells as text, and type it again")
    return value


def _name_rows(path: Path, title: str, rows: list[tuple[int, Cells]], side: Side | None) -> Iterator[Located]:
    """The rows below the column names by column. Lines of one cell above the column names are a title."""
    widest = max((sum(value not in (None, "") for value in cells) for _, cells in rows), default=0)
    filled = [i for i, (_, cells) in enumerate(rows) if sum(v not in (None, "") for v in cells) > 1]
    widths = [sum(value not in (None, "") for value in cells) for _, cells in rows[: MAX_TITLES + 1]]
    named = (
        i
        for i in filled[1:]
        if i <= MAX_TITLES and widths[i] > widths[filled[0]]
        if any(means_question(str(v)) for v in rows[i][1] if v is not None)
    )
    head = next(named, filled[0] if filled else 0) if widest > 1 else 0
    if not rows:
        return
    texts = ["" if value is None or isinstance(value, BadRow) else str(value) for value in rows[head][1]]
    while texts and not texts[-1].strip():
        texts.pop()
    try:
        names = name_columns(texts)
    except ValueError as fault:
        raise DataError(f"{path}, sheet {escape_terminal(title)}: {fault}.", "Rename one.") from fault
    for number, cells in rows[head + 1 :]:
        place = f"sheet {escape_terminal(title)} row {number}"
        if any(value not in (None, "") for value in cells[len(names) :]):
            yield Located(place, BadRow("cells", "more cells than there are columns: name every column"), side)
            continue
        yield Located(place, dict(zip_longest(names, cells[: len(names)])), side)
