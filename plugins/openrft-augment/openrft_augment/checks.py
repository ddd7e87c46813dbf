"""Check a rewording: it must keep the question's numbers and formulas, and must not give the answer away.

Augmentation that changes the answer spoils a run, so a doubtful rewording is refused: one more is cheap, a wrong label
is not. Knows nothing about where rewordings come from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from openrft import Sample

Fault = Literal["number", "formula", "answer"]

# A sign belongs to the number only where it cannot be a range or a subtraction ("10-20", "x-5").
_NUMBER = re.compile(r"(?<![\w.)\]])[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
# SMILES, sum formulas, LaTeX, identifiers: a letter beside a digit or a sign that prose does not use inside words.
_FORMULA = re.compile(r"(?=.*[A-Za-z])(?:.*[\d=#@\\^_{}\[\]].*|.*[A-Z]\([A-Z=#].*)")
# What looks like one and is a number: "6.02e23", and "a=2", which may as well be told as "2".
_VALUE = re.compile(r"(?:[A-Za-z]{1,3}=)?[-+]?[\d.,]+(?:[eE][-+]?\d+)?")
_EDGES = ".,;:?!\"'`*"
# Shorter gold texts ("no", "up") turn up in honest rewordings too.
_SHORTEST_LEAK = 4


def find_fault(sample: Sample, rewording: str) -> Fault | None:
    """Why a language model's `rewording` may not replace the sample's question; None = no fault was found."""
    if "\\boxed" in rewording:
        return "answer"
    kept = find_formulas(sample.question)
    # A formula may be repeated or wrapped ("M(H2O)"), but not removed or added.
    if not all(_contains(formula, rewording) for formula in kept) or find_formulas(_remove(kept, rewording)):
        return "formula"
    if changes_numbers(sample.question, rewording):
        return "number"
    return "answer" if _tells_answer(sample, rewording) else None


def changes_numbers(question: str, rewording: str) -> bool:
    """Whether a number outside the question's formulas is lost, added or changed."""
    kept = find_formulas(question)
    return count_numbers(_remove(kept, rewording)) != count_numbers(_remove(kept, question))


def count_numbers(text: str) -> Counter[float]:
    """Every number by value, with its count: "1,000" is "1000", "-5" is not "5"."""
    plain = text.replace("\u2212", "-")
    return Counter(float(found.replace(",", "")) for found in _NUMBER.findall(plain))


def find_formulas(text: str) -> frozenset[str]:
    """Words that must survive letter by letter, such as `H2SO4`, `CC(=O)O` or `\\frac{1}{2}`."""
    words = {_strip_punctuation(word) for word in text.split()}
    return frozenset(part for word in words if _is_formula(word) for part in _split_slashes(word))


def _is_formula(word: str) -> bool:
    return bool(_FORMULA.fullmatch(word)) and not _VALUE.fullmatch(word)


def _split_slashes(word: str) -> list[str]:
    """The formulas that a slash joins ("C6K/S2C"); in "C/C=C/C" it joins atoms, which are none."""
    parts = word.split("/")
    return parts if all(map(_is_formula, parts)) else [word]


def _contains(formula: str, text: str) -> bool:
    return bool(_compile_formula(formula).search(text))


def _remove(some: Iterable[str], text: str) -> str:
    """The text without these formulas; longest first, because one may be part of another."""
    for formula in sorted(some, key=lambda f: (-len(f), f)):
        text = _compile_formula(formula).sub(" ", text)
    return text


def _compile_formula(formula: str) -> re.Pattern[str]:
    """The formula where it does not go on to left or right."""
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(formula)}(?![A-Za-z0-9])")


def _strip_punctuation(word: str) -> str:
    """The word without punctuation around it; brackets go only where they are not the formula's own."""
    word = word.strip(_EDGES)
    if word.startswith("(") and (word.endswith(")") or word.count("(") > word.count(")")):
        word = word[1:]
    if word.endswith(")") and word.count(")") > word.count("("):
        word = word[:-1]
    return word.strip(_EDGES)


def _tells_answer(sample: Sample, rewording: str) -> bool:
    """Whether the rewording contains the gold text and the question does not."""
    gold = sample.gold.strip()
    if sample.kind == "boolean" or len(gold) < _SHORTEST_LEAK:
        return False
    told = re.compile(rf"(?<!\w){re.escape(gold)}(?!\w)", re.IGNORECASE)
    return bool(told.search(rewording)) and not told.search(sample.question)
