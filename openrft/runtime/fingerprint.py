"""Paths that users type: expanded, and fingerprinted by all their content, so that no result outlives a change."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from pathlib import Path

from openrft.errors import UsageError
from openrft.types import content_id


def expand_path(text: str, option: str = "") -> Path:
    """The path with `~` expanded. Raises UsageError, naming the option, for a path that cannot exist here.

    `option`: what the message begins with, such as "icl.embedder=".
    """
    shown = text if len(text) <= 255 else f"{text[:60]}... ({len(text)} characters)"
    try:
        path = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.stat(path)
    except RuntimeError as fault:  # ~nosuchuser
        raise UsageError(f"{option}{shown}: there is no such user.", "Give a path that exists.") from fault
    except OSError as fault:  # a name that is too long
        raise UsageError(f"{option}{shown}: {fault.strerror or fault}.", "Give a path that exists.") from fault
    except ValueError as fault:  # a null character, half of a surrogate pair
        raise UsageError(f"{option}{shown!r} cannot be a path.", "Give a path that exists.") from fault
    return path


def fingerprint_path(path: Path) -> str:
    """16 hex digits that depend on a file's whole content, or on all files in a folder and their names.

    Files and folders inside it whose names begin with a dot are left out: version control and download caches write
    there while nothing that a model is loaded from changes. Raises OSError.
    """
    if path.is_file():
        return content_id(_digest(path))
    inside = ((file.relative_to(path), file) for file in path.rglob("*") if file.is_file())
    shown = sorted((name, file) for name, file in inside if not any(part.startswith(".") for part in name.parts))
    return content_id([[str(name), _digest(file)] for name, file in shown])


def _digest(file: Path) -> str:
    """The sha256 of a file. One that has not changed since it was read last is not read again."""
    stat = file.stat()
    # The change time is among what is compared because no program can set it back.
    return _read_digest(file.resolve(), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@functools.lru_cache(maxsize=1024)
def _read_digest(file: Path, *state: int) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
