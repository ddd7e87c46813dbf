"""Files of text, plain or compressed with gzip: CSV, JSON and JSON Lines, read into a Table."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from openrft import DataError, escape_terminal
from openrft_questions.column_names import means_question
from openrft_questions.table import BadRow, Located, Table, find_repeated, name_columns

HEAD = 20_000  # characters in which the column names are looked for
MAX_TITLES = 8  # lines above the column names
MAX_CELL = 1 << 24  # characters that a cell may have; the csv module's own limit is 131,072
MAX_DIGITS = 300  # a longer integer is kept as text: beyond about 308 digits it is no float, beyond 4,300 no int
MAX_BYTES = 4 << 30  # of a file when it is unpacked: a small file may unpack to more than the memory holds
CSV_SUFFIXES = (".csv", ".tsv", ".tab")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
SPLIT_NAME = re.compile(r"train(?:ing)?|test(?:ing)?|val(?:id|idation)?|dev|eval(?:uation)?")
_DECLARED = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's own first line, which names the mark between cells
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]{4}")
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_DECIMAL_COMMA = re.compile(
    r"[-+\u2212]?(?:0,\d+|\d+,(?:\d\d?|\d{4,})|\d{1,3}(?:\.\d{3})+,\d+)(?:\s?[^\W\d_%][^\d,]{0,20}|\s?%)?"
)
_POINT = re.compile(
    r"[-+\u2212]?(?:\d+\.(?:\d\d?|\d{4,})|0\.\d+|\d{1,3}(?:,\d{3}){2,}|\d{1,3}(?:,\d{3})+\.\d+)(?:\s?[^\W\d_%][^\d,]{0,20}|\s?%)?"
)


def read_bytes(path: Path) -> bytes:
    """The file's content, unpacked if its name ends in .gz. Raises DataError."""
    try:
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        with gzip.open(path) as packed:
            content = packed.read(MAX_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise DataError(f"{path}: not a whole gzip file ({fault}).", "Copy or pack it again.") from fault
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror or fault}.", "Give a file that can be read.") from fault
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: more than {MAX_BYTES >> 30} GiB when it is unpacked.", "Split it.")
    return content


def read_text_file(path: Path, suffix: str) -> Table:
    """The rows of a CSV or JSON file; `suffix` is that of its format. Raises DataError."""
    text, notices = _decode(path, read_bytes(path))
    if suffix in CSV_SUFFIXES:
        table = _read_csv(path, text, suffix)
    else:
        whole = suffix == ".json" or _is_one_json(text)
        table = _read_json(path, text) if whole else Table(list(_read_json_lines(text)))
    table.notices += notices
    return table


def _decode(path: Path, content: bytes) -> tuple[str, list[str]]:
    """The text, in UTF-8, in UTF-16 where it begins with a byte order mark, or in Windows-1252, of which Latin-1 is a
    part; and what was assumed. Raises DataError."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig"), []
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        if not wide and _is_western(content):
            with contextlib.suppress(UnicodeDecodeError):
                notice = (
                    f"{path}, line {line}: not UTF-8; read as Windows-1252 (Latin-1). Check its special characters."
                )
                return content.decode("cp1252"), [notice]
        encoding = "UTF-16" if wide else "UTF-8"
        raise DataError(f"{path}, line {line}: not {encoding}.", "Save it as UTF-8 (in Excel: `CSV UTF-8`).") from fault


def _is_western(content: bytes) -> bool:
    """Whether bytes that are not UTF-8 may be a text of Western Europe: its other letters stand alone or in twos.

    A text of another alphabet has runs of them, UTF-8 with a damaged byte has sequences that are valid, and what is no
    text has control characters.
    """
    return not (_BEYOND_ASCII.search(content) or _UTF8_SEQUENCE.search(content) or _CONTROL.search(content))


def _find_delimiter(head: str, suffix: str) -> str:
    """The mark between cells: the one that the line of column names has most of."""
    return max(",;\t" if suffix == ".csv" else "\t,;", key=head.count)


def _count_titles(text: str, suffix: str) -> int:
    """How many lines stand above the column names: titles of one cell and comments, if a line below names a question.
    0 if these are empty."""
    above = ""
    for number, line in enumerate(io.StringIO(text[:HEAD])):
        cells = [cell.strip().strip('"') for cell in line.split(_find_delimiter(line, suffix))]
        filled = sum(map(bool, cells))
        if filled > 1 and any(map(means_question, cells)):
            return number if above.strip() else 0
        if number == MAX_TITLES or _DECLARED.fullmatch(line) or (filled > 1 and not line.startswith("#")):
            return 0
        above += line
    return 0


def _read_csv(path: Path, text: str, suffix: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> Table:
    """Rows below a line of column names."""
    csv.field_size_limit(MAX_CELL)
    lines = io.StringIO(text, newline="")
    titles = _count_titles(text, suffix)
    line = 1 + titles  # at which the row begins: the reader itself knows only where it ends
    for _ in range(titles):
        lines.readline()
    while (head := lines.readline()) and not head.strip():
        line += 1
    declared = _DECLARED.fullmatch(head)
    if not declared:
        lines.seek(lines.tell() - len(head))
    else:
        line += 1
    delimiter = declared.group(1) if declared else _find_delimiter(head, suffix)
    before = line - 1
    reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=quoting)
    table = Table(decimal_comma=delimiter == ";")  # as spreadsheets write it that have decimal commas
    if quoting == csv.QUOTE_NONE:
        table.notices.append(f"{path}: its quotation marks enclose no cells, and are read as they are.")
    if titles:
        table.notices.append(f"{path}: what stands above the column names in line {titles + 1} is not read.")
    names: list[str] = []
    try:
        for cells in reader:
            if quoting == csv.QUOTE_NONE:
                cells = [*map(_unquote, cells)]
            begin, line = line, before + reader.line_num + 1
            if not any(map(str.strip, cells)):
                continue  # a spreadsheet's empty rows are no rows
            if names:
                table.rows.append(Located(f"line {begin}", _name_cells(names, cells)))
            else:
                names = _column_names(path, cells)
    except csv.Error as fault:
        if delimiter == "\t" and quoting == csv.QUOTE_MINIMAL:  # "Hamlet" was written by whom?
            return _read_csv(path, text, suffix, csv.QUOTE_NONE)
        raise DataError(f"{path}, line {line}: not CSV ({fault}).", "Save it again as CSV.") from fault
    if delimiter == "\t":  # of which the mark says nothing
        table.decimal_comma = _writes_decimal_commas(table)
    return table


def _writes_decimal_commas(table: Table) -> bool:
    """Whether some cell is a number with a comma that can only be a decimal one, and none has a decimal point."""
    cells = [
        cell
        for one in table.rows
        if not isinstance(one.row, BadRow)
        for cell in one.row.values()
        if "," in cell or "." in cell
    ]
    return any(map(_DECIMAL_COMMA.fullmatch, cells)) and not any(map(_POINT.fullmatch, cells))


def _column_names(path: Path, cells: list[str]) -> list[str]:
    try:
        return name_columns(cells)
    except ValueError as fault:
        raise DataError(f"{path}: {fault}.", "Rename one.") from fault


def _name_cells(names: list[str], cells: list[str]) -> Mapping[str, Any] | BadRow:
    """The cells by column."""
    if any(map(str.strip, cells[len(names) :])):
        return BadRow("cells", "more cells than there are columns; a cell with commas needs quotes around it")
    return {name: cell.strip() for name, cell in zip_longest(names, cells[: len(names)], fillvalue="")}


def _unquote(cell: str) -> str:
    """A cell that is quoted as a whole, where quotation marks were read as they are, without its marks."""
    inner = cell[1:-1].replace('""', "")
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner else cell


def _read_json_lines(text: str) -> Iterator[Located]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield Located(f"line {number}", _require_object(load_json(line)))
            except (ValueError, RecursionError) as fault:
                yield Located(f"line {number}", BadRow("not JSON", f"not JSON ({fault}){_explain(fault)}"))


def _is_one_json(text: str) -> bool:
    """Whether a file that is called JSON Lines is one array or object, over several lines."""
    with contextlib.suppress(ValueError, RecursionError):
        load_json(text.split("\n", 1)[0])
        return False  # as nearly always, without reading all of it
    with contextlib.suppress(ValueError, RecursionError):
        return isinstance(load_json(text), dict | list)
    return False


def _read_json(path: Path, text: str) -> Table:
    """An array of objects, alone or as the one list of an object; an object of columns or of splits; or JSON Lines by a
    wrong name."""
    try:
        whole = load_json(text)
    except (ValueError, RecursionError) as fault:
        if text.lstrip().startswith("{") and "\n" in text.strip():
            return Table(list(_read_json_lines(text)))
        raise DataError(f"{path}: not JSON ({fault}){_explain(fault)}.", "Fix the file.") from fault
    if isinstance(whole, dict):
        if _is_divided(whole):
            return Table(list(_read_splits(whole)), has_splits=True)
        return Table(list(_read_object(path, whole)))
    values = whole if isinstance(whole, list) else [whole]
    return Table([Located(f"row {number}", _require_object(value)) for number, value in enumerate(values, 1)])


def _read_object(path: Path, whole: dict[str, Any]) -> Iterator[Located]:
    """The rows in one object: {"data": [...]}, {"question": [...], "answer": [...]}, objects by id, or one row."""
    lists = {name: value for name, value in whole.items() if isinstance(value, list)}
    rows: list[Any] = [whole]
    if len(lists) == len(whole) and any(map(means_question, whole)):
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:5])
            raise DataError(f"{path}: the columns are not equally long ({counts}).", "Give each row a cell of each.")
        rows = [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]
    elif (found := _find_rows(whole, lists)) is not None:
        rows = found
    elif len(lists) > 1 and all(map(_holds_objects, lists.values())) and not any(map(means_question, whole)):
        for name, values in lists.items():
            for number, value in enumerate(values, 1):
                yield Located(f"{escape_terminal(name)[:60]} row {number}", {"topic": name, **value})
        return
    elif whole and all(isinstance(value, dict) for value in whole.values()):
        if any(map(means_question, whole)):
            raise DataError(
                f"{path}: an object of objects, no list of rows.", 'In pandas: `to_json(orient="records")`.'
            )
        for name, value in whole.items():
            yield Located(f"row {name[:60]!r}", value)
        return
    for number, value in enumerate(rows, 1):
        yield Located(f"row {number}", _require_object(value))


def _is_divided(whole: dict[str, Any]) -> bool:
    """Whether it is {"train": [...], "test": [...]}: lists of rows by the names of splits."""
    return len(_list_splits(whole)) > 1


def _list_splits(whole: dict[str, Any]) -> list[str]:
    """The lists of rows by the names of splits in an object, which may hold further facts about them."""
    lists = [name for name, value in whole.items() if isinstance(value, list) and _holds_objects(value)]
    return [name for name in lists if SPLIT_NAME.fullmatch(name.lower())]


def _read_splits(whole: dict[str, Any]) -> Iterator[Located]:
    """The rows of several lists by the name of their split, which is put into the column `split`."""
    for split in _list_splits(whole):
        for number, row in enumerate(whole[split], 1):
            yield Located(f"{escape_terminal(split)[:60]} row {number}", {**row, "split": split})


def _find_rows(whole: dict[str, Any], lists: dict[str, list[Any]]) -> list[Any] | None:
    """The list of rows in an object with further facts about them; None if it is not one alone."""
    if any(map(means_question, whole)):
        return None
    if len(whole) == 1:
        return next(iter(lists.values()), None)
    found = [values for values in lists.values() if _holds_objects(values)]
    return found[0] if len(found) == 1 else None


def _holds_objects(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)


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
        twice = find_repeated([name for name, _ in pairs])
        raise ValueError(f"the key {twice!r} occurs twice in an object")
    return found


def _require_object(value: Any) -> Mapping[str, Any] | BadRow:
    return value if isinstance(value, dict) else BadRow("not an object", "not a JSON object")


def _explain(fault: Exception) -> str:
    """What to do about JSON with single backslashes, which LaTeX in it often has."""
    return ": write each backslash twice, as in \\\\alpha" if "escape" in str(fault) else ""
