"""What rules see in a text: its number, and how many runs of characters it shares with another."""

from __future__ import annotations

import functools
import re

NGRAM = 5  # characters; on SMILES and prose alike 3 to 6 differ by no more than the draw of items

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
    """The value of what `_NUMBER` matched; an exponent beyond what a float holds is infinite or 0."""
    return float(_POWER.sub("e", text.replace(",", "").replace("\u2212", "-")))


@functools.lru_cache(maxsize=1 << 11)  # a question is looked at once for each of its options, and by several rules
def character_ngrams(text: str) -> frozenset[str]:
    """The text's runs of RUN characters; a shorter text is one run."""
    return frozenset(text[i : i + NGRAM] for i in range(max(len(text) - NGRAM + 1, 1)))


def jaccard_index(first: frozenset[str], second: frozenset[str]) -> float:
    """The Jaccard index of two sets of runs, from 0 to 1."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
