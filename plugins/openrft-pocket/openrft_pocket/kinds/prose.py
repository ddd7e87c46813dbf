"""A second step style: the same lines told the other way round, the result before what it comes from.

It stands for a stronger teacher that thinks in other steps than the student (the paper's QwQ case, Table 2).
"""

from __future__ import annotations

import re

_OPTION = re.compile(r"^([A-D])\. (.*)$")


def retold(line: str) -> str:
    """The line in the other style; the boxed answer stays."""
    if line.startswith("\\boxed"):
        return line
    option = _OPTION.match(line)
    if option:
        return f"so {_turned(option[2])}, option {option[1]}"
    return _turned(line)


def _turned(text: str) -> str:
    if "=" in text:
        work, result = text.rsplit("=", 1)
        return f"we get {result.strip()} out of {work.strip()}" if work.strip() else f"we get {result.strip()}"
    head, _, last = text.rpartition(" ")
    return f"it is {last} for {head}" if head else f"it is {last}"
