"""The process that runs python graders: `python -I worker.py`, one JSON request and one JSON reply a line.

Each request runs in a fork of its own, which is isolated before it sees the source, and is killed at the time limit. So
nothing that graded code does reaches the next call. The worker itself runs no source; it only imports the installed
libraries that a source names, so that the forks need not. It ends when its input is closed.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import math
import os
import select
import signal
import sys
import time
from typing import Any

LONGEST = 300  # characters of an error message
MOST = 1 << 20  # bytes of a result
SECONDS_TO_CHECK = 20.0


def main() -> None:
    """Answer requests until the input is closed."""
    # Replies get a descriptor of their own: what a library prints while it is imported must not be among them.
    replies = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    isolation = _load_isolation()
    imported: set[str] = set()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "source" in request:
            _import_libraries(request["source"], imported)
        replies.write(json.dumps(run_isolated(isolation, request)).encode() + b"\n")
        replies.flush()


def run_isolated(isolation: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Run a request in a fork. The reply has `value`, or `error` (what happened) with `words`."""
    seconds = request.get("seconds", SECONDS_TO_CHECK)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_child(isolation, request, writing)
    os.close(writing)
    try:
        text, timed_out = _read_until(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        for kill in (lambda: os.killpg(child, signal.SIGKILL), lambda: os.kill(child, signal.SIGKILL)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if timed_out:
        return {"error": "timeout", "words": f"it took longer than {seconds:g} seconds"}
    try:
        reply: dict[str, Any] = json.loads(text)
        return reply
    except ValueError:
        return {"error": "died", "words": f"its process ended with {_name_status(status)} and without a score"}


def _run_child(isolation: Any, request: dict[str, Any], writing: int) -> None:
    """In the fork: isolate, grade, write the reply, end. Never returns."""
    try:
        os.setsid()
        for descriptor in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
        os.closerange(3, writing)
        os.closerange(writing + 1, 256)
        isolation.limit_resources(request.get("seconds", SECONDS_TO_CHECK), request.get("memory", 1 << 30))
        if request["isolated"]:
            isolation.isolate()
        reply = _grade(request) if "source" in request else {"value": 1.0}
    except isolation.CannotIsolate as fault:
        reply = {"error": "isolation", "words": str(fault)}
    except BaseException as fault:  # noqa: BLE001  # graded code may raise anything, SystemExit included
        reply = {"error": "raised", "words": _describe(fault)}
    try:
        os.write(writing, json.dumps(reply).encode()[:MOST])
    finally:
        os._exit(0)


def _grade(request: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "grader"}
    exec(compile(request["source"], "<grader>", "exec", dont_inherit=True), names)
    value = names["grade"](request["sample"], request["item"])
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        return {"error": "value", "words": f"grade gave {_shorten(repr(value))}, which is no number"}
    number = float(value)
    if not math.isfinite(number):
        return {"error": "value", "words": f"grade gave {number}"}
    return {"value": number}


def _describe(fault: BaseException) -> str:
    words = _shorten(f"{type(fault).__name__}: {fault}".rstrip(": "))
    trace = fault.__traceback__
    line = 0
    while trace:
        if trace.tb_frame.f_code.co_filename == "<grader>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{words} (line {line})" if line else words


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _name_status(status: int) -> str:
    return f"status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"


def _read_until(reading: int, deadline: float) -> tuple[bytes, bool]:
    """What the child wrote, and whether the time ran out first. Ends early if the worker's input is closed."""
    found = b""
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    poll.register(0, 0)  # its end only
    while len(found) < MOST:
        left = deadline - time.monotonic()
        ready = dict(poll.poll(max(left, 0) * 1000)) if left > 0 else {}
        if 0 in ready:
            raise SystemExit(0)
        if reading not in ready:
            return found, True
        more = os.read(reading, 65536)
        if not more:
            return found, False
        found += more
    return found, False


def _import_libraries(source: str, imported: set[str]) -> None:
    """Import the installed libraries that the source imports. What fails here fails again in the fork."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in set(names) - imported:
                imported.add(name)
                with contextlib.suppress(Exception):
                    importlib.import_module(name)


def _load_isolation() -> Any:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "isolation.py")
    spec = importlib.util.spec_from_file_location("_grader_isolation", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
