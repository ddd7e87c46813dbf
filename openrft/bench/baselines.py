"""What a rule without a model scores. A model that does not beat the best of these has shown no reasoning.

A rule reads a task's train split and the test questions; the gold answers of the test split only grade it.
`RULES` is the list: add a function Task -> {test sample id: did the rule get it right} (empty where it does not
apply) and it appears in every table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from openrft.bench.report import Baseline
from openrft.bench.surface import best_rule
from openrft.prompt import boxed
from openrft.sample import LETTERS, Sample
from openrft.task import Task

Rule = Callable[[Task], dict[str, bool]]


def majority_answer(task: Task) -> dict[str, bool]:
    """The commonest answer of the train split: a letter for choices, Yes or No, a text. Ties: the first in order."""
    counts: dict[str, Counter[str]] = {}
    for sample in task.train:
        counts.setdefault(sample.kind, Counter())[sample.answer] += 1
    commonest = {kind: min(c, key=lambda answer: (-c[answer], answer)) for kind, c in counts.items()}
    return {s.id: s.kind in commonest and _right(task, s, commonest[s.kind]) for s in task.test}


def longest_option(task: Task) -> dict[str, bool]:
    """The option with the most characters; ties by the first. Says nothing of a task that has no options."""
    return _by_option(task, -1)


def shortest_option(task: Task) -> dict[str, bool]:
    """The option with the fewest characters; ties by the first."""
    return _by_option(task, 1)


def best_surface_rule(task: Task) -> dict[str, bool]:
    """The rank of some surface quantity that was right most often on train; where it does not apply, option A."""
    found = best_rule(task)
    if found is None:
        return {}
    return {s.id: bool(s.options) and _right(task, s, found[1](s) or LETTERS[0]) for s in task.test}


RULES: dict[str, Rule] = {
    "majority answer": majority_answer,
    "longest option": longest_option,
    "shortest option": shortest_option,
    "best surface rule": best_surface_rule,
}


def baselines_of(task: Task) -> tuple[Baseline, ...]:
    """Every rule that says something of the task."""
    answers = {name: rule(task) for name, rule in RULES.items()}
    return tuple(
        Baseline(task.name, name, sum(items.values()) / len(items), items) for name, items in answers.items() if items
    )


def _by_option(task: Task, sign: int) -> dict[str, bool]:
    if not any(s.options for s in task.test):
        return {}
    return {s.id: bool(s.options) and _right(task, s, _extreme(s, sign)) for s in task.test}


def _extreme(sample: Sample, sign: int) -> str:
    lengths = [sign * len(text) for text in sample.options]
    return LETTERS[lengths.index(min(lengths))]


def _right(task: Task, sample: Sample, answer: str) -> bool:
    return task.grade(sample, boxed(answer)).correct
