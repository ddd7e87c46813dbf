"""The process that compares expressions with Math-Verify. It is a program, not a module to import (see expression.py).

One request a line on the standard input, as a JSON list: `[text]` asks whether the text can be read, `[gold, answer]`
whether the two are equal. One word a line comes back: yes, no, unreadable or timeout. The process ends when its input
does. Each request has a limit of processor time, because Math-Verify's own limits are switched off (they count whole
seconds). A limit of memory protects the machine.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import signal
import sys
from types import FrameType
from typing import Any

SECONDS = 1.0  # of processor time for one request
MEMORY = 4 << 30  # bytes


class _OutOfTime(BaseException):
    """Raised by the timer. No `except Exception` on the way stops it."""


def main() -> None:
    """Answer requests until the input ends."""
    _limit_memory()
    logging.disable(logging.CRITICAL)
    try:
        _read("x + 1")  # imports sympy, which takes half a second, and builds the parser
    except ImportError as fault:
        print(f"missing: {fault}", flush=True)
        return
    print("ready", flush=True)
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _stop)
    for line in sys.stdin:
        print(_answer(json.loads(line)), flush=True)


def _answer(texts: list[str]) -> str:
    try:
        _start_timer(SECONDS)
        try:
            read = [_read(text) for text in texts]
            if not all(read):
                return "unreadable"
            return "yes" if len(read) == 1 or _is_equal(*read) else "no"
        finally:
            _start_timer(0)
    except _OutOfTime:
        return "timeout"
    except Exception:  # noqa: BLE001 - sympy and the parser may raise anything on odd expressions
        return "unreadable"


@functools.lru_cache(maxsize=512)
def _read(text: str) -> tuple[Any, ...]:
    from math_verify import LatexExtractionConfig, parse

    found = parse(
        f"${text}$",
        extraction_config=[LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,  # type: ignore[arg-type]
    )
    return tuple(found)


def _is_equal(gold: tuple[Any, ...], answer: tuple[Any, ...]) -> bool:
    from math_verify import verify

    return verify(list(gold), list(answer), allow_set_relation_comp=True, timeout_seconds=None)


def _start_timer(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not everywhere
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
