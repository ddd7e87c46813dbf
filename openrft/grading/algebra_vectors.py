"""The components of a vector that is written as a sum of unit vectors: `3\\hat{i} - \\hat{j}`, `3i - j + 2k`."""

from __future__ import annotations

import re
import unicodedata

_MARKED = re.compile(
    r"\\(?:hat|widehat|vec|mathbf|boldsymbol|bm)\s*\{?\s*\\?([ijk])(?:math)?\s*\}?|([ijk])[\u0302\u20d7]"
)
_TERM = re.compile(r"\s*([+-]?)\s*(.*?)\s*(?:\*|\\cdot|\\,)?\s*([ijk])\s*", re.DOTALL)
_LETTER = re.compile(r"(?<![A-Za-z\\])[ijk](?![A-Za-z_^(])")


def read_components(text: str) -> list[str] | None:
    """The components along i, j and k; None if the text is no such sum. Without k there are two.

    Letters that are not marked as vectors are, if at least two of them stand there and each term ends with one.
    """
    plain = unicodedata.normalize("NFD", text)
    marked = _MARKED.search(plain) is not None
    plain = _MARKED.sub(lambda found: f" {found[1] or found[2]}", plain)
    names = {found[0] for found in _LETTER.finditer(plain)}
    if not marked and len(names) < 2:
        return None
    found: dict[str, str] = {}
    for term in _split_terms(plain):
        parts = _TERM.fullmatch(term)
        if parts is None or parts[3] in found or re.search(r"(?<![A-Za-z\\])[ijk](?![A-Za-z])", parts[2]):
            return None
        found[parts[3]] = f"{parts[1].replace('+', '')}{parts[2] or '1'}"
    return [found.get(name, "0") for name in ("ijk" if "k" in found else "ij")]


def _split_terms(text: str) -> list[str]:
    """The terms of a sum, each with its sign."""
    terms, start, depth = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign in "+-" and depth == 0 and text[start:place].strip():
            terms.append(text[start:place])
            start = place
    return [*terms, text[start:]]
