"""Files: JSON Lines, atomic writes, and disk errors as one line of advice."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from openrft.errors import DataError, StoreError, UsageError, first_line

# File names and JSON may hold lone surrogates, which UTF-8 cannot write. JSON reads `\udc80` back as one.
LONE_SURROGATES = "backslashreplace"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line in UTF-8. This is not atomic; the store renames the folder afterwards."""
    with path.open("w", encoding="utf-8", errors=LONE_SURROGATES) as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each line's object. Raises DataError, with file and line, for a line that is not a JSON object."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            # No JSON, a number of thousands of digits, or nested too deep.
            except (ValueError, RecursionError) as fault:
                words = fault.msg if isinstance(fault, json.JSONDecodeError) else first_line(fault)
                raise DataError(f"{path}:{number}: not JSON ({words}).", "Fix or remove the line.") from fault
            if not isinstance(row, dict):
                raise DataError(f"{path}:{number}: not a JSON object.", "Each line must be an object.")
            yield row


def read_toml(path: Path, option: str) -> dict[str, Any]:
    """The content of the TOML file that an option names, with or without a byte order mark, which Windows' editors
    write. Raises UsageError, which names both."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as fault:
        raise UsageError(f"{option} {path}: {fault.strerror}.") from fault
    except RecursionError as fault:
        raise UsageError(f"{option} {path}: nested too deep.") from fault
    except ValueError as fault:  # no TOML, or no UTF-8
        raise UsageError(f"{option} {path}: not TOML in UTF-8 ({fault}).") from fault


def copy_atomic(source: Path, target: Path) -> None:
    """Copy a file so that readers see either the old or the new content."""
    aside = target.with_name(target.name + ".tmp")
    with report_disk_errors(target.parent):
        shutil.copyfile(source, aside)
        aside.replace(target)


def write_atomic(path: Path, text: str) -> None:
    """Write a file so that readers see either the old or the new content."""
    aside = path.with_name(path.name + ".tmp")
    with report_disk_errors(path.parent):
        write_text(aside, text)
        aside.replace(path)


@contextlib.contextmanager
def report_disk_errors(where: Path) -> Iterator[None]:
    """In this context, a full or read-only disk raises a StoreError that names the file or folder."""
    try:
        yield
    except OSError as fault:
        place = fault.filename or where
        if fault.errno in DISK_FULL:
            raise StoreError(f"{place}: no space left.", "Free some; finished work is kept and reused.") from fault
        if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG):
            raise StoreError(
                f"{place} cannot be written: {fault.strerror}.", "Give another folder with --out."
            ) from fault
        raise


def write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors=LONE_SURROGATES)
