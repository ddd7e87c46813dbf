"""Where log records go: to one handler on standard error, or from a worker to its parent process.

Modules log with `logging.getLogger(__name__)` and do not know this file. Without `-v`, warnings are shown. `-v` adds
what each stage does (INFO), and `-vv` all details (DEBUG). The verbosity applies to OpenRFT and its plugins. Other
libraries show warnings only.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TextIO

from openrft.runtime.text import escape_terminal

ROOT = "openrft"  # the parent of all loggers of OpenRFT and its plugins, which sets their level


class _Formatter(logging.Formatter):
    """One line per record, and its traceback; what a terminal would obey is escaped."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(job_prefix)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return escape_terminal(super().format(record), keep_newlines=True)


_FORMATTER = _Formatter()
_job = ""  # the job that this process runs; it runs one at a time


def configure_logging(verbosity: int) -> None:
    """Send records to standard error. `verbosity` is the number of `-v`: 0 warnings, 1 INFO, 2 or more DEBUG."""
    handler = StderrHandler()
    handler.setFormatter(_FORMATTER)
    _install(handler, {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))


def configure_worker_logging(send: Callable[[logging.LogRecord], None], level: int) -> None:
    """Pass every record to `send`, which sends it to the parent process. `level` is the parent's `get_level()`."""
    _install(SendingHandler(send), level)


def get_level() -> int:
    """The level of OpenRFT's loggers."""
    return logging.getLogger(ROOT).getEffectiveLevel()


def follow_verbosity(name: str, finest: int = logging.DEBUG) -> None:
    """Apply `-v` to a logger outside `openrft` too, such as a plugin's package, down to the level `finest`."""
    logging.getLogger(name).setLevel(max(get_level(), finest))


@contextlib.contextmanager
def name_job(job: str) -> Iterator[None]:
    """In this context every record has the job's name."""
    global _job
    before, _job = _job, job
    try:
        yield
    finally:
        _job = before


@contextlib.contextmanager
def silence_transformers() -> Iterator[None]:
    """Within this context transformers shows no progress bar and no warning."""
    from transformers.utils import logging as transformers_logging

    level, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bar:
            transformers_logging.enable_progress_bar()


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current `sys.stderr`, because progress bars replace it while they are shown."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)  # StreamHandler's would keep the stream
        self._told: set[tuple[str, str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Without `-v`, a warning that several jobs give in the same words is shown once."""
        if get_level() < logging.WARNING:
            return bool(super().filter(record))
        told = (record.name, record.getMessage())
        new = told not in self._told
        self._told.add(told)
        return new and bool(super().filter(record))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error, as it is now."""
        return sys.stderr


class SendingHandler(logging.Handler):
    """Sends records with their message and traceback as text, so that they can go to another process."""

    def __init__(self, send: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record."""
        ready = copy.copy(record)
        ready.msg, ready.args = record.getMessage(), None
        if record.exc_info:
            ready.exc_text, ready.exc_info = record.exc_text or _FORMATTER.formatException(record.exc_info), None
        try:
            self._send(ready)
        except Exception:  # noqa: BLE001  # as in every handler, because logging must not end a job
            self.handleError(ready)


def _install(handler: logging.Handler, level: int) -> None:
    handler.addFilter(_add_job)
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, StderrHandler | SendingHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger(ROOT).setLevel(level)
    warnings.showwarning = _log_warning


def _add_job(record: logging.LogRecord) -> bool:
    """A filter that adds the job's name and keeps every record. Records from a worker have it already."""
    if not hasattr(record, "job_prefix"):
        record.job_prefix = f"[{_job}] " if _job else ""
    return True


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log a Python warning in one line."""
    logging.getLogger("py.warnings").warning("%s: %s (%s:%d)", category.__name__, message, filename, lineno)
