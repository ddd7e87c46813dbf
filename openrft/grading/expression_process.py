"""Math-Verify in a process of its own, with a limit of processor time that holds.

Math-Verify's own time limits use signals, so they fail outside the main thread (its issues 50 and 55), and without
them one answer can compute for ever. Others switch the limits off in threads, or start a pool of processes. Here one
subprocess is kept between calls (expression_worker.py). What one completion costs in it is limited to SECONDS for each
10 kB of its text, whatever else the machine does; and if no answer comes in WALL_SECONDS, it is killed, and the next
call starts a new one. It works in every thread and in every process of the bench. Its input ends with the process that
started it, and so does it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Literal, cast

from openrft.errors import OpenRFTError
from openrft.grading import expression_worker

Word = Literal["yes", "no", "unreadable", "timeout"]

SECONDS = 0.022  # of processor time for 10 kB of completion; less is left of it after each request
WALL_SECONDS = 10.0  # after which the subprocess is killed, if it has not answered
_START_SECONDS = 120.0  # for importing sympy on a busy machine
_LEAST = 0.002  # no request is begun with less

_left: ContextVar[list[float] | None] = ContextVar("seconds left", default=None)


@contextlib.contextmanager
def share_seconds(completion: str) -> Iterator[None]:
    """A context in which all requests share the processor seconds that a completion of this length may take."""
    token = _left.set([SECONDS * max(1.0, len(completion) / 10_000)])
    try:
        yield
    finally:
        _left.reset(token)


def ask(*texts: str) -> Word:
    """The reply of Math-Verify: whether it can read one text, or whether two texts (gold, answer) are equal."""
    try:
        return _ask(*texts)
    except TimeoutError:
        return "timeout"


def count_seconds() -> float:
    """Seconds of processor time that all requests of this process have taken so far."""
    return _PROCESS.seconds


@functools.lru_cache(maxsize=4096)
def _ask(*texts: str) -> Word:
    """Raises TimeoutError, which is not kept: another completion may have more time left."""
    left = _left.get()
    seconds = SECONDS if left is None else min(left[0], SECONDS)
    if seconds < _LEAST:
        raise TimeoutError
    word, taken = _PROCESS.ask([seconds, *texts])
    if left is not None:
        left[0] -= taken
    if word == "timeout":
        raise TimeoutError
    return word


class _Process:
    """One subprocess, started when it is first needed. One request at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.seconds = 0.0  # of processor time that all requests have taken

    def ask(self, request: list[float | str]) -> tuple[Word, float]:
        """One request: its word and its seconds. "timeout" if the subprocess had to be killed."""
        with self.lock:
            if self.process is None:
                self._start()
            answer = self._exchange(json.dumps(request).encode() + b"\n", WALL_SECONDS).split()
            if len(answer) != 2:
                self.stop()
                return "timeout", SECONDS
            word, seconds = answer[0], float(answer[1])
            if word == "killed":
                word, seconds = "timeout", float(request[0]) + expression_worker.GRACE
            self.seconds += seconds
            return cast("Word", word), seconds

    def stop(self) -> None:
        """Kill the subprocess and wait for its end."""
        process, self.process = self.process, None
        if process is None:
            return
        _kill(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def forget(self) -> None:
        """After a fork: the subprocess is the parent's. This process starts its own."""
        process, self.process, self.lock = self.process, None, threading.Lock()
        if process and process.stdin and process.stdout:
            process.stdin.close()  # else it would live as long as this process
            process.stdout.close()
            process.returncode = 0  # nobody here waits for it

    def _start(self) -> None:
        file = str(Path(expression_worker.__file__))
        # -P: the folder of this file must not hide the standard library. A session of its own: Ctrl-C is not for it.
        self.process = subprocess.Popen(
            [sys.executable, "-P", file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        first = self._exchange(b"", _START_SECONDS)
        if first != "ready":
            self.stop()
            raise OpenRFTError(
                f"the process that compares expressions does not start ({first or 'no answer'}).",
                "Is math-verify installed? pip install 'math-verify[antlr4_13_2]'",
            )

    def _exchange(self, request: bytes, seconds: float) -> str:
        """The line that answers a request; empty if the subprocess ended or was killed."""
        process = self.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(seconds, _kill, [process])
        timer.daemon = True
        timer.start()
        try:
            if request:
                process.stdin.write(request)
            return process.stdout.readline().decode().strip()
        except BrokenPipeError:
            return ""
        finally:
            timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the subprocess and its copies: it leads a session."""
    if process.poll() is None and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


_PROCESS = _Process()
atexit.register(_PROCESS.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PROCESS.forget)
