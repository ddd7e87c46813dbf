"""Rules that look at the training answers: the nearest question's answer, and the number most like all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from openrft.baselines.text import likeness, number_in, runs_of
from openrft.rules import Answerer, Question
from openrft.sample import LETTERS, Sample


def nearest_neighbour(train: Sequence[Sample]) -> Answerer:
    """The answer of the training question that shares the most runs of characters, options included.

    Among options: the one with that text, else the nearest number, else the likest text.
    """
    known = [(sample.kind, runs_of(_whole(sample.question, sample.options)), sample.gold) for sample in train]

    def answer(question: Question) -> str | None:
        mine = runs_of(_whole(question.text, question.options))
        near = [(likeness(mine, runs), gold) for kind, runs, gold in known if kind == question.kind]
        if not near:
            return None
        gold = max(near, key=lambda pair: pair[0])[1]
        return _option_like(question.options, gold) if question.options else gold

    return answer


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
