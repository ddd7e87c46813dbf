"""From a file to JSON values, one after another, each with its place; what is not JSON comes out as a Fault.

Knows JSON Lines and JSON arrays, and nothing of what a row should hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from openrft import DataError

_MEND = "Mend the file or give another with --data."
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Place(NamedTuple):
    """Where a value stands."""

    unit: str  # "line" of JSON Lines, "row" of an array
    number: int  # from 1

    def __str__(self) -> str:
        return f"{self.unit} {self.number}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be used. `reason` is one of a few fixed words, for counting."""

    reason: str
    detail: str


def values(path: Path) -> Iterator[tuple[Place, Any]]:
    """Each value of the file, or a Fault in its place. Raises DataError for a file that cannot be read on."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if not head.strip(b"\xef\xbb\xbf \t\r\n") and not file.read(1):
                raise DataError(f"{path} is empty.", _MEND)
            if head.startswith(_UTF16):
                raise DataError(f"{path} is not UTF-8; it looks like UTF-16.", "Save it as UTF-8.")
            file.seek(0)
            is_array = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
            yield from _array(path, file.read()) if is_array else _lines(file)
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror or fault}.", "Give a readable file or folder.") from fault


def _lines(file: Any) -> Iterator[tuple[Place, Any]]:
    for number, raw in enumerate(file, 1):
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if raw.strip():
            yield Place("line", number), _decode(raw)


def _decode(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as fault:
        return Fault("encoding", f"not UTF-8 (byte {fault.start + 1} of the line)")
    except json.JSONDecodeError as fault:
        return Fault("not JSON", f"not JSON ({fault.msg}, column {fault.colno})")
    except (ValueError, RecursionError) as fault:
        # A number of thousands of digits, brackets thousands deep.
        return Fault("not JSON", f"not readable as JSON ({type(fault).__name__})")


def _array(path: Path, raw: bytes) -> Iterator[tuple[Place, Any]]:
    """Rows one at a time, so that a large array never stands in memory as objects.

    Broken syntax ends the file: nobody can tell how many rows follow, so not even skipping goes on from there.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        raise DataError(f"{path}, line {line}: not UTF-8.", "Save it as UTF-8.") from fault
    decoder = json.JSONDecoder()
    at, number = _after_space(text, text.index("[") + 1), 0
    try:
        while text[at : at + 1] != "]":
            number += 1
            value, at = decoder.raw_decode(text, at)
            yield Place("row", number), value
            at = _after_space(text, at)
            if text[at : at + 1] == ",":
                at = _after_space(text, at + 1)
            elif text[at : at + 1] != "]":
                raise json.JSONDecodeError("Expecting ',' or ']'", text, at)
        if _after_space(text, at + 1) != len(text):
            raise json.JSONDecodeError("Something follows the array", text, at + 1)
    except json.JSONDecodeError as fault:
        raise DataError(f"{path}, line {fault.lineno} (row {number}): not JSON ({fault.msg}).", _MEND) from fault
    except (ValueError, RecursionError) as fault:
        raise DataError(f"{path}, row {number}: not readable as JSON ({type(fault).__name__}).", _MEND) from fault
    if number == 0:
        raise DataError(f"{path} holds an empty array.", _MEND)


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
