"""Paths that users type: expanded, and fingerprinted by their whole content, so that a change is always noticed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from openrft.errors import StoreError, UsageError
from openrft.runtime.files import write_atomic
from openrft.types import content_id

LARGE = 64 << 20  # bytes: digests of files of this size or more are kept for other processes (1 GB takes about 1 s)
SETTLED = 2_000_000_000  # nanoseconds: a file changed more recently may change again with the same times

logger = logging.getLogger(__name__)


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
    """16 hex digits that depend on the whole content of a file, or on all files in a folder and their names.

    Files and folders whose names begin with a dot are left out. Version control and download caches write there, and no
    model is loaded from there. Raises OSError.
    """
    if path.is_file():
        return content_id(_digest(path))
    files = sorted((file.relative_to(path), file) for file in _list_files(path))
    return content_id([[str(name), _digest(file)] for name, file in files])


def list_file_states(path: Path) -> tuple[tuple[str, int, int, int, int], ...]:
    """Name, size, times and inode of a file, or of all files in a folder: different whenever one of them changed."""
    files = [path] if path.is_file() else _list_files(path)
    states = ((str(file), file.stat()) for file in files)
    return tuple(sorted((name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for name, s in states))


def _list_files(folder: Path) -> Iterator[Path]:
    """Every file in the folder, through links to folders too, except those whose names begin with a dot."""
    seen = set()  # a link may lead back to a folder above it

    def fail(fault: OSError) -> None:
        raise fault

    for place, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [name for name in folders if not name.startswith(".")]
        for name in () if real in seen else names:
            if not name.startswith(".") and (file := Path(place, name)).is_file():
                yield file
        seen.add(real)


def _digest(file: Path) -> str:
    """The sha256 of a file. A file that has not changed since the last call is not read again."""
    file = file.resolve()
    stat = file.stat()
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < SETTLED:
        return _read_digest(file)
    # The change time is compared too, because no program can set it back.
    state = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    return _find_large_digest(file, *state) if stat.st_size >= LARGE else _find_digest(file, *state)


@functools.lru_cache(maxsize=1024)
def _find_digest(file: Path, *state: int) -> str:
    return _read_digest(file)


@functools.lru_cache(maxsize=1024)
def _find_large_digest(file: Path, *state: int) -> str:
    """The digest that another process found for the file in the same state; otherwise the file is read."""
    row = _read_cache().get(str(file))
    if isinstance(row, list) and row[:-1] == list(state):
        return str(row[-1])
    began = time.perf_counter()
    digest = _read_digest(file)
    logger.info("fingerprinted %s (%.1f GB) in %.1f s", file, state[0] / 1e9, time.perf_counter() - began)
    _write_cache(file, [*state, digest])
    return digest


def _read_digest(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _cache_file() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "openrft" / "fingerprints.json"


def _read_cache() -> dict[str, Any]:
    try:
        rows = json.loads(_cache_file().read_text("utf-8"))
    except (OSError, ValueError, RuntimeError):  # absent, unreadable, damaged, or no home folder: files are read again
        return {}
    return rows if isinstance(rows, dict) else {}


def _write_cache(file: Path, row: list[Any]) -> None:
    """Add a row, and drop the rows of files that no longer exist. If no cache can be written, nothing happens."""
    with contextlib.suppress(OSError, StoreError, Timeout, RuntimeError):
        cache = _cache_file()
        cache.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{cache}.lock", timeout=5):
            rows = {name: kept for name, kept in _read_cache().items() if Path(name).exists()}
            write_atomic(cache, json.dumps({**rows, str(file): row}, indent=1))
