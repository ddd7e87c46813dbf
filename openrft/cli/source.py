"""Rows that a command reads from a file of any layout, or from standard input."""

from __future__ import annotations

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
    """The rows of `source`; `-` is standard input, which holds JSON, JSON Lines or CSV. The other arguments are those
    of `openrft.ReadsRows.read_rows`. Raises UsageError or DataError."""
    from openrft.errors import DataError
    from openrft.plugins.task_registry import read_source
    from openrft.tasks.task import DataRequest

    if source != "-":
        return read_source(DataRequest(data=source, **reading), needs, extra)
    content = sys.stdin.buffer.read()
    suffix = "jsonl" if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else "csv"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"stdin.{suffix}"
        path.write_bytes(content)
        try:
            return read_source(DataRequest(data=str(path), **reading), needs, extra)
        except DataError as fault:
            raise DataError(fault.message.replace(str(path), STANDARD_INPUT), fault.advice) from fault
