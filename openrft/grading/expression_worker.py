"""The process that compares expressions with Math-Verify. It is a program, not a module to import.

expression_process.py starts it. One request a line on the standard input, as a JSON list: seconds, and `[text]` to ask
whether the text can be read or `[gold, answer]` to ask whether the two are equal. One word a line comes back (yes, no,
unreadable, timeout or killed) with the seconds of processor time that it took. The process ends when its input does.

The seconds are of processor time, because Math-Verify's own limits are switched off (they count whole seconds). Python
code is stopped by a timer that raises. A computation inside C code, such as a power of large integers, does not see
that. So a second timer ends the process a little later. It is a copy (fork) of one that has sympy loaded and warm, so
that the next copy costs milliseconds. Reading the gold answer is not counted: nobody but the user wrote it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import logging
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

GOLD_SECONDS = 1.0  # of processor time for reading a gold answer, once
GRACE = 0.008  # seconds after the first timer in which Python code may end by itself
MEMORY = 4 << 30  # bytes
_WARM = (  # compared once before the first request: sympy loads and builds much on first use
    (r"\frac{m(m-1)}{2}", r"\binom{m}{2}"), ("(m+1)!", "(m+1)m!"), ("m!+1", "1+m!"), ("m!", "m"), ("f(x)", "f(y)+1"),
    (r"\frac{1}{3}", r"\int_0^1 x^2 dx"), ("10", r"\sum_{k=1}^{4} k"), ("24", r"\prod_{k=1}^{4} k"), ("z!>1", "z!>2"),
    (r"\{1,2\}", r"\{1,3\}"), ("[1,3)", "(1,3]"), (r"\frac{dy}{dx}", r"y'+\sin(x)"), (r"\lim_{x \to 0} x", "0"),
    ("y=m!", "m!"), ("y=m!+1", "y-1=m!"), (r"\sqrt{m!}", r"\ln(m!)"), (r"x \ne 1", r"x \ne 2"),
)  # fmt: skip


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
    for gold, answer in _WARM:
        with contextlib.suppress(Exception):
            _is_equal(_read(gold), _read(answer))
    print("ready", flush=True)
    if not hasattr(os, "fork"):
        _serve()
        return
    gc.freeze()  # a collection would copy what both processes share
    while child := os.fork():
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return
        print("killed", 0, flush=True)  # the answer to the request that it was killed by
    _serve()


def _serve() -> None:
    if hasattr(signal, "SIGVTALRM"):
        signal.signal(signal.SIGVTALRM, _stop)
    for line in sys.stdin:
        seconds, *texts = json.loads(line)
        began = time.process_time()
        word, free = _answer(seconds, texts)
        print(word, max(0.0, time.process_time() - began - free), flush=True)


def _answer(seconds: float, texts: list[str]) -> tuple[str, float]:
    """The word, and the seconds that the gold answer took."""
    free = 0.0
    try:
        try:
            read = []
            if len(texts) == 2:
                began = time.process_time()
                _start_timers(GOLD_SECONDS)
                read.append(_read(texts[0]))
                _start_timers(0)
                free = time.process_time() - began
            _start_timers(seconds)
            read.append(_read(texts[-1]))
            if not all(read):
                return "unreadable", free
            return "yes" if len(read) == 1 or _is_equal(*read) else "no", free
        finally:
            _start_timers(0)
    except _OutOfTime:
        return "timeout", free
    except Exception:  # noqa: BLE001 - sympy and the parser may raise anything on odd expressions
        return "unreadable", free


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


def _start_timers(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        signal.setitimer(signal.ITIMER_PROF, seconds + GRACE if seconds else 0)  # SIGPROF ends the process


def _stop(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not everywhere
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
