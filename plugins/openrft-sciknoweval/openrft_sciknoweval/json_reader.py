"""From a file to JSON values, one after another, each with its location. What is not JSON becomes a BadRow.

Knows JSON Lines and JSON arrays, and nothing of what a row should hold. Never holds more than a row and a window of
the file, so a file's size does not matter.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from openrft import DataError

_FIX = "Fix the file or give another with --data."
_SAVE = "Save it as UTF-8."
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WINDOW = 1 << 18  # bytes of an array read at a time
_AFTER = frozenset(" \t\r\n,]")  # what may follow a row
_LONGEST = 1 << 24  # bytes of one row; a longer one is no row of a benchmark
_MAX_DIGITS = 4000  # of an integer; Python reads no more than 4,300 digits


class RowLocation(NamedTuple):
    """Where a value is in its file."""

    unit: str  # "line" of JSON Lines, "row" of an array or a table
    number: int  # from 1
    file: str = ""  # the file's name

    def __str__(self) -> str:
        return f"{self.unit} {self.number}"


@dataclass(frozen=True, slots=True)
class BadRow:
    """Why a row cannot be used. `reason` is one of a few fixed words, for counting."""

    reason: str
    detail: str


def read_values(path: Path) -> Iterator[tuple[RowLocation, Any]]:
    """Each value of the file with its location, or a BadRow instead. Raises DataError for a file that is unreadable."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if not head.strip(b"\xef\xbb\xbf \t\r\n") and not file.read(1):
                raise DataError(f"{path} is empty.", _FIX)
            if head.startswith(_UTF16) or head[:2].count(0) == 1:
                raise DataError(f"{path} is not UTF-8; it looks like UTF-16.", _SAVE)
            file.seek(0)
            yield from _Array(path, file).rows() if _begins_array(head) else _lines(path, file)
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror or fault}.", "Give a readable file or folder.") from fault


def _begins_array(head: bytes) -> bool:
    """Is the file one array? Not if its first line is a whole one and more follow: that is a bad row of JSON Lines."""
    first, _, rest = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    return first.startswith(b"[") and (not rest.strip() or isinstance(_decode(first), BadRow))


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[RowLocation, Any]]:
    number = 0
    while raw := file.readline(_LONGEST):
        number += 1
        if len(raw) == _LONGEST:
            raise DataError(f"{path}, line {number}: longer than {_LONGEST >> 20} MB.", _FIX)
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if raw.strip():
            yield RowLocation("line", number, path.name), _decode(raw)


def _decode(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"), parse_int=_parse_int)
    except UnicodeDecodeError as fault:
        return BadRow("encoding", f"not UTF-8 (byte {fault.start + 1} of the line)")
    except json.JSONDecodeError as fault:
        return BadRow("not JSON", f"not JSON ({fault.msg}, column {fault.colno})")
    except (ValueError, RecursionError) as fault:
        # Brackets thousands deep.
        return BadRow("not JSON", f"not readable as JSON ({type(fault).__name__})")


def _parse_int(digits: str) -> int | float:
    """An integer; infinity for one of thousands of digits, so that such a number costs its row and not the file."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


class _Array:
    """An array's rows, read through a window.

    Broken syntax ends the file: it is not known how many rows follow, so skipping cannot continue from there.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""  # the window
        self._at = 0  # how far it is read
        self._line = 1  # of the window's begin
        self._row = 0
        self._ended = False

    def rows(self) -> Iterator[tuple[RowLocation, Any]]:
        """Each row with its place. Raises DataError, naming line and row."""
        self._next()
        self._at += 1  # the opening bracket, which `read_values` has seen
        while self._next() != "]":
            self._row += 1
            yield RowLocation("row", self._row, self._path.name), self._value()
            mark = self._next()
            if mark == ",":
                self._at += 1
                if self._next() == "]":
                    raise self._fault("not JSON (a comma, and then no row)")
            elif mark != "]":
                raise self._fault("not JSON (Expecting ',' or ']')")
        self._at += 1
        if self._next():
            raise self._fault("not JSON (Something follows the array)")
        if self._row == 0:
            raise DataError(f"{self._path} holds an empty array.", _FIX)

    def _value(self) -> Any:
        """The value at the mark. What the window cuts may look whole (`-0` of `-0.5`), so its end must be seen."""
        self._next()
        decoder = json.JSONDecoder(parse_int=_parse_int)
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as fault:
                if not self._more():
                    self._at = fault.pos
                    raise self._fault(f"not JSON ({fault.msg})") from fault
            except (ValueError, RecursionError) as fault:
                raise self._fault(f"not readable as JSON ({type(fault).__name__})") from fault
            else:
                if end - self._at > _LONGEST // 4 and len(self._text[self._at : end].encode()) >= _LONGEST:
                    raise self._fault(f"a row longer than {_LONGEST >> 20} MB")
                if self._text[end : end + 1] in _AFTER or not self._more():
                    self._at = end
                    return value

    def _next(self) -> str:
        """The next character that is no space, left unread; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Drop what is read, and lengthen the rest by as much again: a long row's cost stays linear in its length."""
        if self._ended:
            return False
        rest = self._text[self._at :]
        if len(rest) > _LONGEST:
            raise self._fault(f"a row longer than {_LONGEST >> 20} MB")
        raw = self._file.read(max(_WINDOW, len(rest)))
        self._ended = not raw
        line = self._line + self._text.count("\n", 0, self._at)
        try:
            more = self._decoder.decode(raw, final=self._ended)
        except UnicodeDecodeError as fault:
            line += rest.count("\n") + fault.object.count(b"\n", 0, fault.start)
            raise DataError(f"{self._path}, line {line}: not UTF-8.", _SAVE) from fault
        self._line, self._text, self._at = line, rest + more, 0
        return True

    def _fault(self, what: str) -> DataError:
        line = self._line + self._text.count("\n", 0, self._at)
        return DataError(f"{self._path}, line {line} (row {self._row}): {what}.", _FIX)
