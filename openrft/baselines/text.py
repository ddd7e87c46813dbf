"""What rules see in a text: its numbers and its character n-grams."""

from __future__ import annotations

import functools
import re

NGRAM = 5  # characters; on SMILES and on prose, 3 to 6 differ by no more than the draw of items

_NUMBER = re.compile(
    r"[-+\u2212]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
    r"(?:[eE][-+]?\d+|\s*(?:\\times|\\cdot|[\u00d7\u00b7x*])\s*10\s*(?:\^|\*\*)?\s*[{(]?\s*[-+\u2212]?\d+)?"
)
_POWER = re.compile(r"\s*(?:\\times|\\cdot|[\u00d7\u00b7x*])\s*10\s*(?:\^|\*\*)?\s*[{(]?\s*")


def find_number(text: str) -> float | None:
    """The first number, also as `3.2 \\times 10^{-5}`; None if there is none."""
    found = _NUMBER.search(text)
    return _float(found.group()) if found else None


def find_numbers(text: str) -> list[float]:
    """Every number, in order."""
    return [_float(found) for found in _NUMBER.findall(text)]


def _float(text: str) -> float:
    """The value of a match of `_NUMBER`; infinite or 0 if the exponent is beyond a float's range."""
    return float(_POWER.sub("e", text.replace(",", "").replace("\u2212", "-")))


@functools.lru_cache(maxsize=1 << 11)  # a question is used once per option, by several rules
def character_ngrams(text: str) -> frozenset[str]:
    """The text's n-grams of NGRAM characters; a shorter text is one n-gram."""
    return frozenset(text[i : i + NGRAM] for i in range(max(len(text) - NGRAM + 1, 1)))


def jaccard_index(first: frozenset[str], second: frozenset[str]) -> float:
    """The Jaccard index of two sets of n-grams, from 0 to 1."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
