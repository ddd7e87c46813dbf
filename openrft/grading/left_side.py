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
    rf"-{_V}|\\sqrt(?:\[\d+\])?{_V}|\\frac(?:{_V}{_N}|{_N}{_V})|{_V}/{_N}|{_N}/{_V}|{_N}\*{_V}|{_N}[xyzn]|{_V}\*{_N}|{_V}!"
    rf"|\\(?:ln|log|lg|exp)(?:_{_N})?{_V}|{_V}[-+]{_N}|{_N}[-+]{_V}|[A-QS-Za-qs-z]\^{_N}|[Rr]\^\{{?[3-9]\}}?"
)
_LEADING_WORDS = re.compile(r"\A(?:-\s+|(?:[A-Za-z]{2,}[,:]?\s+){1,8}(?=\S))")


def is_operation(raw: str, question: str) -> bool:
    """Whether an answer has a left side that is an operation on one variable, which the question does not write."""
    if "=" not in raw:
        return False
    left = to_plain(remove_markup(raw.partition("=")[0][-_LONGEST:].strip().removeprefix("$")))
    left = _squeeze(_LEADING_WORDS.sub("", left, count=1))
    return _OPERATION.fullmatch(left) is not None and left not in _squeeze(to_plain(question))


def _squeeze(text: str) -> str:
    return "".join(text.split()).replace("$", "")
