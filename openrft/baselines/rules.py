"""Rules that look at the options, at their similarity to the question, or at the training answers."""

from __future__ import annotations

import functools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from statistics import median

from openrft.baselines.text import character_ngrams, find_number, jaccard_index
from openrft.tasks.task import Answerer, Question, Rule
from openrft.types import LETTERS, Sample

Quantity = Callable[[Question, str], float | None]  # (question, one option) -> its value; None = it has none


def majority_answer(train: Sequence[Sample]) -> Answerer:
    """The most common answer of the train split: a letter for choices, Yes or No, or a text. Ties: the first."""
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


def rank_options(quantity: Quantity, place: int) -> Rule:
    """The option at this place (0 the smallest, -1 the largest) when they are sorted by a quantity; ties: the first.

    Does not apply if an option has no value, if there is no such place, or if all values are equal.
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


def option_length(question: Question, option: str) -> float:
    """The number of characters."""
    return len(option)


def option_number(question: Question, option: str) -> float | None:
    """The option's first number."""
    return find_number(option)


def option_similarity(question: Question, option: str) -> float:
    """The option's similarity to the question: the Jaccard index of their character n-grams, from 0 to 1."""
    return _similarity(question.text, option)


@functools.lru_cache(maxsize=1 << 13)  # several rules sort the same options by it
def _similarity(text: str, option: str) -> float:
    return jaccard_index(character_ngrams(option.strip()), character_ngrams(text))


def nearest_neighbour(train: Sequence[Sample]) -> Answerer:
    """The answer of the training question with the most similar character n-grams, options included.

    Among options: the one with that text, else the nearest number, else the most similar text.
    """
    likest = {kind: _likest([s for s in train if s.kind == kind]) for kind in {sample.kind for sample in train}}

    def answer(question: Question) -> str | None:
        if question.kind not in likest:
            return None
        gold = likest[question.kind](question).gold
        return _option_like(question.options, gold) if question.options else gold

    return answer


def _likest(train: Sequence[Sample]) -> Callable[[Question], Sample]:
    """A function that finds the sample with the highest Jaccard index of n-grams. Ties: the first."""
    import numpy as np

    runs = [character_ngrams(_whole(sample.question, sample.options)) for sample in train]
    holders: dict[str, list[int]] = {}
    for place, of_sample in enumerate(runs):
        for run in of_sample:
            holders.setdefault(run, []).append(place)
    sizes = np.array([len(of_sample) for of_sample in runs])

    def find(question: Question) -> Sample:
        mine = character_ngrams(_whole(question.text, question.options))
        places = [place for run in mine for place in holders.get(run, ())]
        shared = np.bincount(places, minlength=len(train)) if places else np.zeros(len(train))
        return train[int(np.argmax(shared / (sizes + len(mine) - shared)))]

    return find


def typical_number(train: Sequence[Sample]) -> Answerer:
    """The option whose number is nearest, in order of magnitude, to the median of the training answers.

    Distances are those of log(1 + |x| / s), with the sign of x. s is the smallest training answer that is not 0.
    """
    golds = [value for sample in train if (value := find_number(sample.gold)) is not None and math.isfinite(value)]
    sizes = [abs(value) for value in golds if value]
    if not sizes:
        return lambda question: None
    small, middle = min(sizes), median(golds)

    def magnitude(value: float) -> float:
        return math.copysign(math.log1p(abs(value) / small), value)

    def answer(question: Question) -> str | None:
        values = [find_number(option) for option in question.options]
        if not values or None in values:
            return None
        gaps = [abs(magnitude(value) - magnitude(middle)) for value in values if value is not None]
        return LETTERS[gaps.index(min(gaps))]

    return answer


def _whole(question: str, options: Sequence[str]) -> str:
    return "\n".join((question, *options))


def _option_like(options: Sequence[str], gold: str) -> str:
    texts = [option.strip() for option in options]
    if gold.strip() in texts:
        return LETTERS[texts.index(gold.strip())]
    values, aim = [find_number(text) for text in texts], find_number(gold)
    if aim is not None and None not in values:
        gaps = [abs(value - aim) for value in values if value is not None]
        return LETTERS[gaps.index(min(gaps))]
    likes = [jaccard_index(character_ngrams(text), character_ngrams(gold.strip())) for text in texts]
    return LETTERS[likes.index(max(likes))]
