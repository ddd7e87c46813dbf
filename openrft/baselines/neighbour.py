"""Rules that look at the training answers: the nearest question's answer, and the number most like all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from openrft.baselines.text import likeness, number_in, runs_of
from openrft.rules import Answerer, Question
from openrft.sample import LETTERS, Sample


def nearest_neighbour(train: Sequence[Sample]) -> Answerer:
    """The answer of the training question that shares the most runs of characters, options included.

    Among options: the one with that text, else the nearest number, else the likest text.
    """
    likest = {kind: _likest([s for s in train if s.kind == kind]) for kind in {sample.kind for sample in train}}

    def answer(question: Question) -> str | None:
        if question.kind not in likest:
            return None
        gold = likest[question.kind](question).gold
        return _option_like(question.options, gold) if question.options else gold

    return answer


def _likest(train: Sequence[Sample]) -> Callable[[Question], Sample]:
    """The sample with the highest Jaccard index of runs. Ties: the first."""
    import numpy as np

    runs = [runs_of(_whole(sample.question, sample.options)) for sample in train]
    holders: dict[str, list[int]] = {}
    for place, of_sample in enumerate(runs):
        for run in of_sample:
            holders.setdefault(run, []).append(place)
    sizes = np.array([len(of_sample) for of_sample in runs])

    def find(question: Question) -> Sample:
        mine = runs_of(_whole(question.text, question.options))
        places = [place for run in mine for place in holders.get(run, ())]
        shared = np.bincount(places, minlength=len(train)) if places else np.zeros(len(train))
        return train[int(np.argmax(shared / (sizes + len(mine) - shared)))]

    return find


def typical_number(train: Sequence[Sample]) -> Answerer:
    """The option whose number is nearest, in order of magnitude, to the median of the training answers.

    Nearness is of log(|x| + s), where s is the smallest training answer that is not 0, so 0 has a place too.
    """
    golds = [value for sample in train if (value := number_in(sample.gold)) is not None and math.isfinite(value)]
    sizes = [abs(value) for value in golds if value]
    if not sizes:
        return lambda question: None
    small, middle = min(sizes), median(golds)

    def magnitude(value: float) -> float:
        return math.copysign(math.log1p(abs(value) / small), value)

    def answer(question: Question) -> str | None:
        values = [number_in(option) for option in question.options]
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
    values, aim = [number_in(text) for text in texts], number_in(gold)
    if aim is not None and None not in values:
        gaps = [abs(value - aim) for value in values if value is not None]
        return LETTERS[gaps.index(min(gaps))]
    likes = [likeness(runs_of(text), runs_of(gold.strip())) for text in texts]
    return LETTERS[likes.index(max(likes))]
