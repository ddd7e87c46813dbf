"""The best surface rule: of many rules that need no understanding, the one that was right most often on train.

Such a rule solves some benchmark tasks: the option most similar to the product's text answers most of a retrosynthesis
set, and the lowest number in the given data nearly all of a diffusion set. It is learned for each leaf task separately.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from openrft.baselines.rules import (
    Quantity,
    option_length,
    option_number,
    option_similarity,
    rank_options,
    typical_number,
)
from openrft.baselines.text import find_numbers
from openrft.tasks.task import Answerer, Question, Rule, hide_answer
from openrft.types import LETTERS, Sample

RANKS = {"smallest": 0, "largest": -1, "second smallest": 1, "second largest": -2}
ENOUGH = 8  # training questions of a leaf task to learn from; with fewer, the rule of the whole split is used


def best_surface_rule(train: Sequence[Sample]) -> Answerer:
    """The best rule of the question's leaf task; option A where it does not apply."""
    leaves = {sample.task for sample in train}
    whole = find_best_rule(train)
    several = leaves if len(leaves) > 1 else ()
    by_leaf = {leaf: find_best_rule([s for s in train if s.task == leaf], ENOUGH) for leaf in several}

    def answer(question: Question) -> str | None:
        found = by_leaf.get(question.task) or whole
        return (found[1](question) or LETTERS[0]) if found and question.options else None

    return answer


def find_best_rule(train: Sequence[Sample], enough: int = 1) -> tuple[str, Answerer] | None:
    """The rule that is right most often on train, with its name. Ties: the first. None with too few choices."""
    choices = [(hide_answer(s), s.answer) for s in train if s.kind == "choice"]
    if len(choices) < enough:
        return None
    made = [(name, rule(train)) for name, rule in list_surface_rules()]
    return max(made, key=lambda pair: sum(pair[1](question) == answer for question, answer in choices))


def list_surface_rules() -> Iterator[tuple[str, Rule]]:
    """Every surface rule with its name."""
    for what, quantity in QUANTITIES.items():
        for rank, place in RANKS.items():
            yield f"{rank} {what}", rank_options(quantity, place)
    yield "typical number", typical_number


def _beside(place: int) -> Quantity:
    """A number after the option's last word, on the first line of the question that has both, as in data tables."""

    def value(question: Question, option: str) -> float | None:
        found = _numbers_beside(question.text, option)
        return found[place] if found else None

    return value


@functools.lru_cache(maxsize=1 << 13)  # several rules sort the same options by it
def _numbers_beside(text: str, option: str) -> tuple[float, ...]:
    words = option.split()
    if not words or words[-1] not in text:
        return ()
    holds = re.compile(rf"(?<!\w){re.escape(words[-1])}(?!\w)")
    for line in text.split("\n"):
        at = holds.search(line)
        found = find_numbers(line[at.end() :]) if at else []
        if found:
            return tuple(found)
    return ()


QUANTITIES: dict[str, Quantity] = {
    "length": option_length,
    "number": option_number,
    "similarity to the question": option_similarity,
    "first number beside it in the question": _beside(0),
    "last number beside it in the question": _beside(-1),
}
