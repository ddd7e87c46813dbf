"""A second step style: the same lines in words of their own.

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
        return f"option {option[1]}, {_told(option[2])}"
    return _told(line)


def _told(text: str) -> str:
    if "=" in text:
        work, result = text.rsplit("=", 1)
        return f"from {work.strip()} we get {result.strip()}" if work.strip() else f"so we get {result.strip()}"
    head, _, last = text.rpartition(" ")
    return f"for {head} it is {last}" if head else f"it says {last}"
