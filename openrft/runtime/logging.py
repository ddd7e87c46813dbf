"""Where log records go: one handler on standard error, or a worker's way to its parent.

Modules log with `logging.getLogger(__name__)` and know nothing of this file. Without `-v` warnings are shown; `-v` adds
what each stage does (INFO), `-vv` all details (DEBUG). The verbosity holds for OpenRFT and its plugins; of other
libraries only warnings are shown.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TextIO

ROOT = "openrft"  # the logger whose level all loggers of OpenRFT and of plugins have

_FORMATTER = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(job_prefix)s%(message)s", "%H:%M:%S")
_job = ""  # the job that this process works on; a process works on one at a time


def configure_logging(verbosity: int) -> None:
    """Send records to standard error. `verbosity` counts the `-v`: 0 warnings, 1 INFO, 2 and more DEBUG."""
    handler = StderrHandler()
    handler.setFormatter(_FORMATTER)
    _install(handler, {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))


def configure_worker_logging(send: Callable[[logging.LogRecord], None], level: int) -> None:
    """Hand every record to `send`, which takes it to the parent process; `level` is the parent's `get_level()`."""
    _install(SendingHandler(send), level)


def get_level() -> int:
    """The level of OpenRFT's loggers."""
    return logging.getLogger(ROOT).getEffectiveLevel()


def follow_verbosity(name: str, finest: int = logging.DEBUG) -> None:
    """Let `-v` hold for a logger outside `openrft` as well, such as a plugin's package, down to the level `finest`."""
    logging.getLogger(name).setLevel(max(get_level(), finest))


@contextlib.contextmanager
def name_job(job: str) -> Iterator[None]:
    """Within this context every record carries the job's name."""
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
    """Writes to what `sys.stderr` is at the time: progress bars replace it while they are shown."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)  # not StreamHandler's, which would keep the stream

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error, as it is now."""
        return sys.stderr


class SendingHandler(logging.Handler):
    """Hands records on with their message and traceback as text, so that they can cross to another process."""

    def __init__(self, send: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record; a parent that is gone hears nothing."""
        ready = copy.copy(record)
        ready.msg, ready.args = record.getMessage(), None
        if record.exc_info:
            ready.exc_text, ready.exc_info = record.exc_text or _FORMATTER.formatException(record.exc_info), None
        try:
            self._send(ready)
        except Exception:  # noqa: BLE001  # as in every handler: logging ends no job
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
    """A filter that keeps every record. What a worker sends has its job already."""
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
    """Python's warnings, as one line of the log."""
    logging.getLogger("py.warnings").warning("%s: %s (%s:%d)", category.__name__, message, filename, lineno)
