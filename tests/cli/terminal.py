"""A terminal of some width, on which a command prints as it does for a user."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import sys
import threading
from collections.abc import Callable

import pytest

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def show_on_terminal(monkeypatch: pytest.MonkeyPatch, width: int, show: Callable[[], object]) -> list[str]:
    """The lines that `show` prints on a terminal of `width` columns, without their colours."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while piece := os.read(ours, 65536):
                shown.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "500")  # nothing is paged
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w", encoding="utf-8") as screen, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", screen)
        assert sys.stdout.isatty()
        show()
    reader.join(60)
    os.close(ours)
    return COLOURS.sub("", shown.decode()).replace("\r", "").splitlines()
