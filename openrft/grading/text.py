"""Answers as text: markup removed, spaces and case normalised."""

from __future__ import annotations

import re

from openrft.grading.extract import strip_markup

_MATH = re.compile(r"\$|\\[()]")


def remove_markup(text: str) -> str:
    """The text without Markdown and LaTeX markup."""
    return _MATH.sub("", strip_markup(text)).strip()


def normalise(text: str) -> str:
    """Lower case, single spaces, no full stop at the end."""
    return " ".join(text.lower().split()).rstrip(".")
