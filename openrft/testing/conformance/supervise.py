"""Check plugins in a process of their own, so that neither a hang nor a crash of one ends the command."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from openrft.errors import UsageError
from openrft.tasks.task import DataRequest
from openrft.testing.conformance.result import CheckResult

START_SECONDS = 300.0  # until the process has begun to check
LEFT_OUT = "the checks after it were not made"


def check_plugins(
    names: Sequence[str],
    options: Mapping[str, Mapping[str, Any]],
    seconds: float,
    task: str | None = None,
    request: DataRequest | None = None,
    policy: str | None = None,
) -> Iterator[tuple[str, CheckResult]]:
    """(plugin, result) of each check, as it ends. `seconds`: the most that one check may take.

    Raises UsageError for options that a plugin refuses.
    """
    common = {"options": options, "task": task, "request": asdict(request or DataRequest()), "policy": policy}
    waiting = list(names)
    while waiting:
        child = _Child(json.dumps({**common, "names": waiting}))
        plugin, check = waiting[0], "declaration"
        try:
            limit = max(seconds, START_SECONDS)
            while waiting:
                message = child.listen(limit)
                limit = seconds
                if isinstance(message, str):
                    yield plugin, CheckResult(check, "fault", f"{message}; {LEFT_OUT}", _advise(seconds, message))
                    waiting.remove(plugin)
                    break
                if "ready" in message:
                    continue
                plugin = message["plugin"]
                if "refused" in message:
                    raise UsageError(*message["refused"])
                if "result" in message:
                    yield plugin, CheckResult(**message["result"])
                elif "begins" in message:
                    check = message["begins"]
                else:
                    waiting.remove(plugin)
        finally:
            child.kill()


def _advise(seconds: float, message: str) -> str:
    if message.startswith("it ended"):
        return "Call the hook in a test of your own to see where."
    return f"Give it longer with --seconds, if it must take more than {seconds:g} s."


class _Child:
    """A process that checks, and what it says."""

    def __init__(self, request: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "openrft.testing.conformance.child"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # so that it can be killed with the processes that it starts
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; `listen` says so
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()
        self._lines = queue.Queue[str]()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def listen(self, seconds: float) -> dict[str, Any] | str:
        """Its next message; or a sentence on why there is none."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return f"it was not finished after {seconds:g} s"
        if line:
            message: dict[str, Any] = json.loads(line)
            return message
        code = self._process.wait()
        return f"it ended the process ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"

    def kill(self) -> None:
        """End it, and what it has started."""
        if self._process.poll() is None and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
