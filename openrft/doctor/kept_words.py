"""What a rewording must keep: the numbers, units, formulas and names of a question."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator

_NUMBER = re.compile(r"[-+\u2212]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"\S+")
_EDGES = ".,;:!?\"'`*()[]{}\u201c\u201d"
_UNIT_AFTER = re.compile(r"(?<=\d)\s?([^\W\d_]{1,4}(?:[/^\u00b7*][\w^/-]+)?|[\u00b0%]\w?)(?=[\s.,;:!?)]|$)")


def find_lost(question: str, rewording: str) -> list[str]:
    """Numbers, units, formulas and names of the question that the rewording lacks, and numbers that it adds."""
    before, after = count_numbers(question), count_numbers(rewording)
    lost = [f"{value:g}" for value in before - after] + [f"{value:g} (added)" for value in after - before]
    folded = rewording.casefold()
    lost += [word for word in dict.fromkeys(find_formulas(question)) if not _holds(rewording, word)]
    lost += [unit for unit in dict.fromkeys(find_units(question)) if unit not in set(find_units(rewording))]
    lost += [name for name in dict.fromkeys(find_names(question)) if name.casefold() not in folded]
    return lost


def count_numbers(text: str) -> Counter[float]:
    """Every number that is not part of a formula, by value."""
    found = _NUMBER.findall(_remove_formulas(text).replace("\u2212", "-"))
    return Counter(float(number.replace(",", "")) for number in found)


def find_formulas(text: str) -> Iterator[str]:
    """Words that mix capitals with digits or signs inside, such as `H2SO4`, `CC(=O)O` or `\\frac{1}{2}`."""
    return (word for word in map(_strip, _WORD.findall(text)) if _is_formula(word))


def find_units(text: str) -> list[str]:
    """Short words or signs right after a number: `9.8 m/s`, `5%`. Function words are none."""
    return [unit for unit in _UNIT_AFTER.findall(_remove_formulas(text)) if unit not in _FUNCTION_WORDS]


def _remove_formulas(text: str) -> str:
    return " ".join(word for word in _WORD.findall(text) if not _is_formula(_strip(word)))


def find_names(text: str) -> Iterator[str]:
    """Capitalised words that do not begin a sentence."""
    words = _WORD.findall(text)
    for before, word in itertools.pairwise(words):
        bare = _strip(word)
        if before[-1] not in ".?!:" and len(bare) > 2 and bare[0].isupper() and bare[1:].islower():
            yield bare


_FUNCTION_WORDS = {
    "a",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "by",
    "for",
    "from",
    "has",
    "have",
    "if",
    "in",
    "is",
    "it",
}
_FUNCTION_WORDS |= {"its", "not", "of", "on", "or", "the", "to", "was"}


def _holds(text: str, formula: str) -> bool:
    """Whether the formula stands in the text, or the parts that its slashes join do."""

    def stands(part: str) -> bool:
        return bool(re.search(rf"(?<![A-Za-z0-9]){re.escape(part)}(?![A-Za-z0-9])", text))

    return stands(formula) or ("/" in formula and all(map(stands, filter(None, formula.split("/")))))


def _strip(word: str) -> str:
    return word.strip(_EDGES)


def _is_formula(word: str) -> bool:
    letters = any(c.isalpha() for c in word)
    return letters and (
        "\\" in word or (any(c.isupper() for c in word) and any(c.isdigit() or c in "=#()[]{}^_@" for c in word[1:]))
    )
