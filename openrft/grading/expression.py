"""Expressions in answers: `2x+1`, `(x-1)(x+1)`, `\\{1, 2\\}`, `x > 3`, matrices, equations.

Two expressions are compared by Math-Verify (huggingface/Math-Verify), which parses LaTeX with a grammar and compares
with sympy. Of the graders for mathematical answers it is the one that knows sets, intervals, matrices and equations and
is maintained; sympy's own LaTeX reader knows none of these. Where both sides are plain numbers, number.py decides: it
knows units, percent and the digits of the gold answer, and does not take `12 or 13` for a set.

Math-Verify's own time limits use signals, so they fail outside the main thread (its issues 50 and 55), and without
them one answer can compute for ever. Others switch the limits off in threads, or start a pool of processes. Here one
subprocess is kept between calls. Python code in it is stopped by processor time, whatever else the machine does; what
ignores that is killed after WALL_SECONDS, and the next call starts a new process. It works in every thread and in every
process of the bench. Its input ends with the process that started it, and so does it.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from openrft.errors import OpenRFTError
from openrft.grading import expression_worker
from openrft.grading.markup import remove_markup
from openrft.grading.number import Number, is_same_number, parse_number
from openrft.grading.plain_math import to_plain
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.types import Sample

LONGEST = 500  # characters of an expression
WALL_SECONDS = 10.0  # after which the subprocess is killed, if it has not answered
_START_SECONDS = 120.0  # for importing sympy on a busy machine

_HEDGE = re.compile(r"\b(?:not|maybe|perhaps|possibly|either|unknown|unsure|wait|actually)\b", re.IGNORECASE)
_IS = re.compile(r"(?:\b(?:is|are|equals)\b|(?<=[A-Za-z]):)\s+", re.IGNORECASE)
_FUNCTIONS = "sqrt|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|exp|ln|log|min|max|det|gcd|lcm"
_LETTERS = "alpha|beta|gamma|delta|epsilon|theta|lambda|mu|pi|rho|sigma|phi|psi|omega|infty"
_NAMED = re.compile(rf"(?<![A-Za-z\\])({_FUNCTIONS}|{_LETTERS})(?![A-Za-z])")
_VALUE = re.compile(r"\s*([A-Za-z])\s*=\s*-?[\d.,/]+\s*$")
_WORD = re.compile(r"(?<![A-Za-z\\{])[A-Za-z]{4,}")
_SIGNS = {
    "\u2212": "-", "\u2013": "-", "\u00d7": r"\times ", "\u00b7": r"\cdot ", "\u22c5": r"\cdot ", "\u00f7": "/",
    "\u03c0": r"\pi ", "\u221a": r"\sqrt ", "\u221e": r"\infty ", "\u2264": r"\le ", "\u2265": r"\ge ",
    "\u2260": r"\ne ", "\u222a": r"\cup ", "\u2229": r"\cap ", "\u2208": r"\in ", "\u00b1": r"\pm ",
    "\u2205": r"\emptyset ", "\u03b1": r"\alpha ", "\u03b2": r"\beta ", "\u03b8": r"\theta ",
    "\u03bb": r"\lambda ", "\u2009": " ", "\u00a0": " ",
}  # fmt: skip
_HUGE = re.compile(r"\^\s*\{?\s*-?\d{5,}|\^\s*\{[^{}]*\^\s*\{[^{}]*\^|\d!+\s*!|\d{3,}\s*!")  # would compute for ever
_DEEPEST = 20  # brackets in brackets
_RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207f"
_SUPERSCRIPT = re.compile(f"[{_RAISED}]+")
_PLAIN_RAISED = str.maketrans(_RAISED, "0123456789+-n")
_REWRITTEN = (
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"<="), r"\\le "),
    (re.compile(r">="), r"\\ge "),
    (re.compile(r"\\varnothing"), r"\\emptyset"),
    (re.compile(r"(\^|\\sqrt)\s*\(([^()]*)\)"), r"\1{\2}"),
    (re.compile(r"\\exp\s*(?:\\left)?\(([^()]*)(?:\\right)?\)"), r"e^{\1}"),
)


def read_expression(sample: Sample, raw: str) -> str | None:
    """The expression in the answer, as it is written; None if there is none that can be read."""
    return None if explain_unreadable(sample, raw) else _strip_words(raw)


def explain_unreadable(sample: Sample, raw: str) -> str:
    """Why `read_expression` gives None; empty if it does not."""
    if len(raw) > 4 * LONGEST:
        return "it is too long for an expression"
    text = _strip_words(raw)
    if not text:
        return "it is empty"
    if any(_squeeze(text) == _squeeze(gold) for gold in (sample.answer, *sample.accepted)):
        return ""
    if len(text) > LONGEST:
        return "it is too long for an expression"
    if found := _HEDGE.search(text):
        return f"it does not settle on one answer: {found[0]!r}"
    if isinstance(parse_number(text), Number):
        return ""
    if _HUGE.search(text) or not _is_balanced(text):
        return "it is too large, or its brackets do not match"
    known = {word.lower() for gold in (sample.answer, *sample.accepted) for word in _WORD.findall(gold)}
    words = [word for word in _WORD.findall(_NAMED.sub(" ", text)) if word.lower() not in known]
    if words:
        return f"it is no expression: {words[0]!r}"
    verdict = _ask(to_latex(text))
    if verdict == "timeout":
        return "it takes too long to read"
    return "" if verdict == "yes" else "it cannot be read as an expression"


def is_same_expression(read: str, gold: str, rules: GradingRules = DEFAULT_RULES, question: str = "") -> bool:
    """Whether the expressions are equal. What takes too long to compare is not."""
    if _squeeze(read) == _squeeze(gold) != "":
        return True
    if len(read) > LONGEST or len(gold) > LONGEST:
        return False
    names = _VALUE.match(gold), _VALUE.match(read)
    if names[0] and names[1] and names[0][1] != names[1][1]:  # x = 3 is not y = 3
        return False
    if isinstance(parse_number(gold), Number):
        if isinstance(parse_number(read), Number):
            return is_same_number(read, gold, rules, question)
        if re.fullmatch(r"[\d\s.,+*/()^{}-]+", to_plain(read)):  # a calculation that is not finished
            return False
    return _ask(to_latex(gold), to_latex(read)) == "yes"


def to_latex(text: str) -> str:
    """The expression as Math-Verify reads it: programmers' and Unicode signs as LaTeX."""
    text = remove_markup(text).replace("$", " ").replace("\n", " ")
    if not text.isascii():
        text = _SUPERSCRIPT.sub(lambda found: "^{" + found[0].translate(_PLAIN_RAISED) + "}", text)
        text = "".join(_SIGNS.get(sign, sign) for sign in text)
    text = _NAMED.sub(r"\\\1 ", text)
    for pattern, latex in _REWRITTEN:
        text = pattern.sub(latex, text)
    return text.strip().rstrip(".,;")


def _is_balanced(text: str) -> bool:
    """Whether brackets of any kind open and close, no deeper than people write. Intervals may close with another."""
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if not 0 <= depth <= _DEEPEST:
            return False
    return depth == 0


def _strip_words(raw: str) -> str:
    return _IS.split(" ".join(raw.split()))[-1].strip().rstrip(".;")


def _squeeze(text: str) -> str:
    return "".join(remove_markup(text[: 4 * LONGEST]).split()).rstrip(".")


@functools.lru_cache(maxsize=4096)
def _ask(*texts: str) -> str:
    """The subprocess's word on these expressions: yes, no, unreadable or timeout."""
    return _WORKER.ask(list(texts))


class _Worker:
    """One subprocess, started when it is first needed. One request at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, texts: list[str]) -> str:
        """One request and its answer; "timeout" if the subprocess had to be killed."""
        with self.lock:
            if self.process is None:
                self._start()
            answer = self._exchange(json.dumps(texts).encode() + b"\n", WALL_SECONDS)
            if not answer:
                self.stop()
            return answer or "timeout"

    def stop(self) -> None:
        """Kill the subprocess and wait for its end."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
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
        timer = threading.Timer(seconds, process.kill)
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


_WORKER = _Worker()
atexit.register(_WORKER.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_WORKER.forget)
