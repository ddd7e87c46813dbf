"""Answers as text: markup removed, spaces and case normalised."""

from __future__ import annotations

import re

from openrft.grading.extract import strip_markup

_MATH = re.compile(r"\$|\\[()]")


def remove_markup(text: str) -> str:
    """The text without what may stand around it or its parts: Markdown, LaTeX."""
    return _MATH.sub("", strip_markup(text)).strip()


def normalise(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".")
