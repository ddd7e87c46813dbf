"""Rules that look at the options alone, or at how like the question they are."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from openrft.baselines.text import likeness, number_in, runs_of
from openrft.rules import Answerer, Question, Rule
from openrft.sample import LETTERS, Sample

Quantity = Callable[[Question, str], float | None]  # (question, one option) -> its value; None = it has none


def majority_answer(train: Sequence[Sample]) -> Answerer:
    """The commonest answer of the train split: a letter for choices, Yes or No, a text. Ties: the first in order."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in train:
        counts[sample.kind][sample.answer] += 1
    commonest = {kind: min(c, key=lambda answer: (-c[answer], answer)) for kind, c in counts.items()}
    return lambda question: commonest.get(question.kind)


def longest_option(train: Sequence[Sample]) -> Answerer:
    """The option with the most characters; ties: the first."""
    return lambda question: _first(question.options, lambda option: -len(option))


def shortest_option(train: Sequence[Sample]) -> Answerer:
    """The option with the fewest characters; ties: the first."""
    return lambda question: _first(question.options, len)


def _first(options: Sequence[str], cost: Callable[[str], int]) -> str | None:
    return LETTERS[min(range(len(options)), key=lambda i: cost(options[i]))] if options else None


def ranked(quantity: Quantity, place: int) -> Rule:
    """The option at this place (0 the smallest, -1 the largest) when they are sorted by a quantity; ties: the first.

    Does not apply where an option has no value, there is no such place, or all values are the same.
    """

    def answer(question: Question) -> str | None:
        values = [quantity(question, option) for option in question.options]
        known = [value for value in values if value is not None]
        places = place + 1 if place >= 0 else -place
        if len(known) < max(len(values), places, 2) or len(set(known)) < 2:
            return None
        if place >= 0:
            return LETTERS[sorted(range(len(known)), key=lambda i: known[i])[place]]
        return LETTERS[sorted(range(len(known)), key=lambda i: -known[i])[-place - 1]]

    return lambda train: answer


def length(question: Question, option: str) -> float:
    """Characters."""
    return len(option)


def number(question: Question, option: str) -> float | None:
    """The option's first number."""
    return number_in(option)


def similarity(question: Question, option: str) -> float:
    """How like the question the option is: the Jaccard index of their runs of characters, from 0 to 1."""
    return _similarity(question.text, option)


@functools.lru_cache(maxsize=1 << 13)  # several rules sort the same options by it
def _similarity(text: str, option: str) -> float:
    return likeness(runs_of(option.strip()), runs_of(text))
