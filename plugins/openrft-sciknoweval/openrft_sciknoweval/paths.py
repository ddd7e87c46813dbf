"""Paths that users type: expanded, and digested whole, so that no result outlives a changed file."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from openrft import UsageError


def expand_path(text: str, option: str = "") -> Path:
    """The path with `~` expanded. Raises UsageError, naming the option, for what can be no path on this machine."""
    shown = text if len(text) <= 255 else f"{text[:60]}... ({len(text)} characters)"
    try:
        path = Path(text).expanduser()
        path.exists()
    except RuntimeError as fault:
        raise UsageError(f"{option}{shown}: there is no such user.", "Give a path that exists.") from fault
    except OSError as fault:  # a name that is too long
        raise UsageError(f"{option}{shown}: {fault.strerror or fault}.", "Give a path that exists.") from fault
    return path


def digest_path(path: Path) -> str:
    """A digest of a file's whole content, or of every file's in a folder with their names. Raises OSError."""
    if path.is_file():
        return _digest_unchanged(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    parts = [f"{file.relative_to(path)} {_digest_unchanged(file)}" for file in files]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def digest_file(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_unchanged(path: Path) -> str:
    """As `digest_file`; a file that has not changed since it was digested is not read again."""
    stat = path.stat()
    return _digest_once(path.resolve(), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@functools.lru_cache(maxsize=256)
def _digest_once(path: Path, *state: int) -> str:
    return digest_file(path)
