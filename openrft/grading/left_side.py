"""The left side of an equation: a name of what is asked, or an operation on it whose result is not the answer.

`x = 42`, `P(A) = 0.3` and `|AB| = 5` give a value, `\\sqrt{x} = 42` and `-x = 42` do not, unless the question writes
the same.
"""

from __future__ import annotations

import re

from openrft.grading.markup import remove_markup
from openrft.grading.plain_math import to_plain

_LONGEST = 120  # characters of a left side that are looked at
_V = r"[({]{0,2}[A-Za-z][)}]{0,2}"  # a variable
_N = r"\{?\d[\d.,]*\}?"
_OPERATION = re.compile(
    rf"-{_V}|\\sqrt(?:\[\d+\])?{_V}|\\frac(?:{_V}{_N}|{_N}{_V})|{_V}/{_N}|{_N}/{_V}|{_N}\*{_V}|{_N}[xyzn]|{_V}\*{_N}|(?!n!){_V}!"
    rf"|\\(?:ln|log|lg|exp)(?:_{_N})?{_V}|{_V}[-+]{_N}|{_N}[-+]{_V}|[A-QS-Za-qs-z]\^{_N}|[Rr]\^\{{?[3-9]\}}?"
)
_LEADING_WORDS = re.compile(r"\A(?:-\s+|(?:[A-Za-z]{2,}[,:]?\s+){1,8}(?=\S))")
_STEP = re.compile(  # to the next equation
    r"\\(?:Rightarrow|implies|to|therefore)(?![A-Za-z])|[\u2192\u21d2\u2234;]|,\s|\b(?:so|thus|hence|then|implies|gives|get|therefore)\b"
)
_IN_WORDS = (
    ("logarithm", "l"),
    ("half", "/2"),
    ("half", "{2}"),
    ("root", "sqrt"),
    ("squared", "^2"),
    ("cubed", "^3"),
    ("factorial", "!"),
    ("reciprocal", "1"),
)
_UNMARKED = re.compile(r"[\\(){}]")


def is_operation(raw: str, question: str) -> bool:
    """Whether the last equation of an answer has a left side that is an operation on one variable, which the question
    does not write."""
    last = _STEP.split(raw)[-1]
    if "=" not in last:
        return False
    left = to_plain(remove_markup(last.partition("=")[0][-_LONGEST:].strip().removeprefix("$")))
    left = _squeeze(_LEADING_WORDS.sub("", left, count=1))
    if _OPERATION.fullmatch(left) is None:
        return False
    if any(word in question.lower() and sign in left for word, sign in _IN_WORDS):
        return False
    return _UNMARKED.sub("", left) not in _UNMARKED.sub("", _squeeze(to_plain(question)))


def _squeeze(text: str) -> str:
    return "".join(text.split()).replace("$", "")
