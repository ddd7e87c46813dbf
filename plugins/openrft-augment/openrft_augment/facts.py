"""What a rewording must not touch: the numbers and the formulas of the question, and the secrecy of its answer.

Augmentation that changes the answer is a known way to poison a run, so a doubtful rewording is refused: asking
for one more is cheap, a wrong label is not. Knows nothing about where rewordings come from.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from openrft import Sample

Fault = Literal["number", "formula", "answer"]

# A sign belongs to the number only where it cannot be a range or a subtraction ("10-20", "x-5").
_NUMBER = re.compile(r"(?<![\w.)\]])[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
# SMILES, sum formulas, LaTeX, identifiers: a letter beside a digit or a sign that prose does not use inside words.
_FORMULA = re.compile(r"(?=.*[A-Za-z])(?:.*[\d=#@\\^_{}\[\]].*|.*[A-Z]\([A-Z=#].*)")
_EDGES = ".,;:?!\"'`*"
# Shorter gold texts ("no", "up") turn up in honest rewordings too.
_SHORTEST_LEAK = 4


def fault_of(sample: Sample, rewording: str) -> Fault | None:
    """Why `rewording` may not stand for the question of `sample`; None = nothing speaks against it."""
    if "\\boxed" in rewording:
        return "answer"
    if numbers(rewording) != numbers(sample.question):
        return "number"
    if formulas(rewording) != formulas(sample.question):
        return "formula"
    return "answer" if _gives_answer(sample, rewording) else None


def numbers(text: str) -> Counter[float]:
    """Every number by value, with how often it stands there: "1,000" is "1000", "-5" is not "5"."""
    plain = text.replace("\u2212", "-")
    return Counter(float(found.replace(",", "")) for found in _NUMBER.findall(plain))


def formulas(text: str) -> Counter[str]:
    """Words that must survive letter by letter, such as `H2SO4`, `CC(=O)O` or `\\frac{1}{2}`."""
    words = (_bare(word) for word in text.split())
    return Counter(word for word in words if _FORMULA.fullmatch(word))


def _bare(word: str) -> str:
    """The word without punctuation around it; brackets go only where they are not the formula's own."""
    word = word.strip(_EDGES)
    if word.startswith("(") and (word.endswith(")") or word.count("(") > word.count(")")):
        word = word[1:]
    if word.endswith(")") and word.count(")") > word.count("("):
        word = word[:-1]
    return word.strip(_EDGES)


def _gives_answer(sample: Sample, rewording: str) -> bool:
    """The rewording tells the gold text that the question did not tell."""
    gold = sample.gold.strip()
    if sample.kind == "boolean" or len(gold) < _SHORTEST_LEAK:
        return False
    told = re.compile(rf"(?<!\w){re.escape(gold)}(?!\w)", re.IGNORECASE)
    return bool(told.search(rewording)) and not told.search(sample.question)
