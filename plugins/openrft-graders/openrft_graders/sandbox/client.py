"""Workers that run python graders, started when they are first needed and kept for the calls that follow."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import queue
import select
import subprocess
import sys
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrft import UsageError

WORKER = Path(__file__).with_name("worker.py")
GRACE = 30.0  # seconds beyond the time limit, after which the worker itself counts as lost


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may use, and whether it is isolated."""

    seconds: float = 120.0
    memory: int = 2 << 30  # bytes
    isolated: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call gave: a number, or what went wrong."""

    value: float | None
    error: str = ""  # raised, value, timeout, died or isolation
    words: str = ""


class SandboxPool:
    """Up to `size` workers."""

    def __init__(self, limits: Limits, size: int | None = None) -> None:
        self._limits = limits
        self._size = size or min(os.cpu_count() or 1, 8)
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()

    def check(self) -> None:
        """Raises UsageError, with the reason, if this system cannot isolate a process."""
        reason = "it is not Linux"
        if platform.system() == "Linux":
            reply = self._call({})
            if reply.value is not None:
                return
            reason = reply.words
        elif not self._limits.isolated and hasattr(os, "fork"):
            return
        raise UsageError(
            f"this system cannot isolate the code of a python grader: {reason}.",
            "Run it on Linux, or set sandbox=off if you trust the code and what it evaluates.",
        )

    def grade(self, source: str, cases: list[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[Reply]:
        """The source's grade(sample, item) of each (sample, item), in order."""
        requests = [{"source": source, "sample": sample, "item": item} for sample, item in cases]
        if len(requests) < 2 or self._size < 2:
            return [self._call(request) for request in requests]
        with ThreadPoolExecutor(self._size) as threads:
            return list(threads.map(self._call, requests))

    def _call(self, request: Mapping[str, Any]) -> Reply:
        limits = self._limits
        full = {"seconds": limits.seconds, "memory": limits.memory, "isolated": limits.isolated, **request}
        line = json.dumps(full).encode() + b"\n"
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = _Worker()
        reply = worker.ask(line, limits.seconds + GRACE)
        if reply is None:
            worker.stop()
            return Reply(None, "died", "the worker that runs it was lost")
        self._idle.put(worker)
        return Reply(reply.get("value"), reply.get("error", ""), reply.get("words", ""))


class _Worker:
    """One worker process. It ends with this object, and its fork with it."""

    def __init__(self) -> None:
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", **one},
            cwd="/",
        )
        self.stop = weakref.finalize(self, _end, self._process)

    def ask(self, line: bytes, seconds: float) -> dict[str, Any] | None:
        """The reply to a request; None if the worker is lost."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            if not select.select([process.stdout], [], [], seconds)[0]:
                return None
            reply: dict[str, Any] = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            return None
        return reply


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with contextlib.suppress(OSError):  # what was not yet written to a lost worker
                stream.close()
