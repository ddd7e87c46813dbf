"""The best surface rule: rank the options by something that needs no understanding, and always take the same rank.

Which quantity and which rank is learned on the train split. Some benchmark tasks fall to such a rule: three quarters
of a retrosynthesis set to the option most like the product's text, nearly all of a diffusion set to the lowest number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from openrft.sample import LETTERS, Sample
from openrft.task import Task

Quantity = Callable[[Sample, str], float | None]  # (question, one option) -> its value; None = it has none
Choice = Callable[[Sample], str | None]  # question -> letter; None = the rule does not apply

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
RANKS = {"smallest": 0, "largest": -1, "second smallest": 1, "second largest": -2}


def best_rule(task: Task) -> tuple[str, Choice] | None:
    """The rule that is right most often on train, and its name; None if the task has no options. Ties: the first."""
    choices = [s for s in task.train if s.kind == "choice"]
    if not choices or not any(s.options for s in task.test):
        return None
    return max(rules(), key=lambda rule: sum(rule[1](s) == s.answer for s in choices))


def rules() -> Iterator[tuple[str, Choice]]:
    """Every rule with its name."""
    for quantity, measure in QUANTITIES.items():
        for rank, place in RANKS.items():
            yield f"{rank} {quantity}", _taking(measure, place)


def _taking(measure: Quantity, place: int) -> Choice:
    def choose(sample: Sample) -> str | None:
        values = [measure(sample, option) for option in sample.options]
        known = [value for value in values if value is not None]
        if len(known) < max(len(values), 2) or len(set(known)) < 2:
            return None
        ordered = sorted(range(len(known)), key=lambda i: known[i])
        return LETTERS[ordered[place]]

    return choose


def _length(sample: Sample, option: str) -> float:
    return len(option)


def _number(sample: Sample, option: str) -> float | None:
    found = _NUMBER.search(option)
    return float(found.group()) if found else None


def _overlap(sample: Sample, option: str) -> float:
    """The share of the option's runs of five characters that stand in the question."""
    runs = [option[i : i + 5] for i in range(max(len(option) - 4, 1))]
    return sum(run in sample.question for run in runs) / len(runs)


def _beside(place: int) -> Quantity:
    """A number on the first line of the question that holds the option's last word: how data tables are asked about."""

    def number(sample: Sample, option: str) -> float | None:
        words = option.split()
        if not words:
            return None
        holds = re.compile(rf"(?<!\w){re.escape(words[-1])}(?!\w)")
        for line in sample.question.split("\n"):
            at = holds.search(line)
            found = _NUMBER.findall(line, at.end()) if at else []
            if found:
                return float(found[place])
        return None

    return number


QUANTITIES: dict[str, Quantity] = {
    "length": _length,
    "number": _number,
    "overlap with the question": _overlap,
    "first number beside it in the question": _beside(0),
    "last number beside it in the question": _beside(-1),
}
