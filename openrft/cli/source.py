"""Rows that a command reads from a file of any layout, or from standard input."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openrft.tasks.task import SourceTable

STANDARD_INPUT = "standard input"


def read_table(
    source: str, reading: Mapping[str, Any], needs: Collection[str], extra: Mapping[str, Sequence[str]]
) -> SourceTable:
    """The rows of `source`; `-` is standard input, which holds a file of any format. The other arguments are those of
    `openrft.ReadsRows.read_rows`. Raises UsageError or DataError."""
    from openrft.errors import DataError
    from openrft.plugins.task_registry import read_source
    from openrft.tasks.task import DataRequest

    if source != "-":
        return read_source(DataRequest(data=source, **reading), needs, extra)
    content = sys.stdin.buffer.read()
    suffix = find_format(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"stdin{suffix}"
        path.write_bytes(content)
        try:
            return read_source(DataRequest(data=str(path), **reading), needs, extra)
        except DataError as fault:
            raise DataError(fault.message.replace(str(path), STANDARD_INPUT), fault.advice) from fault


def find_format(content: bytes) -> str:
    """The suffix of a file with this content, which has no name: .csv (of any delimiter) unless its first bytes say
    otherwise."""
    for magic, suffix in ((b"PK\x03\x04", ".xlsx"), (b"PAR1", ".parquet")):
        if content.startswith(magic):
            return suffix
    if content.startswith(b"\x1f\x8b"):
        try:
            return find_format(gzip.decompress(content)) + ".gz"
        except (OSError, EOFError):
            return ".csv.gz"  # its reader says what is wrong with it
    lines = content.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)
    if lines[0][:1] not in (b"{", b"["):
        return ".csv"
    try:
        first = json.loads(lines[0])
    except (ValueError, RecursionError):
        return ".json"
    holds_rows = isinstance(first, dict) and any(
        isinstance(v, list) and v and isinstance(v[0], dict) for v in first.values()
    )
    return ".json" if isinstance(first, list) or (holds_rows and not b"".join(lines[1:]).strip()) else ".jsonl"
