"""The list of rules by name, and which of them say anything of a task."""

from __future__ import annotations

from collections.abc import Mapping

from openrft.baselines.neighbour import nearest_neighbour, typical_number
from openrft.baselines.options import longest_option, majority_answer, number, ranked, shortest_option, similarity
from openrft.baselines.surface import best_surface_rule
from openrft.errors import UnknownName
from openrft.rules import Answerer, Question, Rule, asked
from openrft.task import Task

OWN = "task-rule"  # what the task's family knows to solve it (Task.rules)

RULES: dict[str, Rule] = {
    "majority-answer": majority_answer,
    "longest-option": longest_option,
    "shortest-option": shortest_option,
    "most-similar-option": ranked(similarity, -1),
    "second-smallest-number": ranked(number, 1),
    "second-largest-number": ranked(number, -2),
    "typical-number": typical_number,
    "nearest-neighbour": nearest_neighbour,
    "best-surface-rule": best_surface_rule,
}
NAMES = (*RULES, OWN)


def known(name: str) -> str:
    """The name, if it is a rule's. Raises UnknownName."""
    if name not in NAMES:
        raise UnknownName("baseline", name, NAMES)
    return name


def answerer(name: str, task: Task) -> Answerer:
    """The rule of that name, made from the task's train split."""
    return _own(task.rules, task) if known(name) == OWN else RULES[name](task.train)


def applicable(task: Task) -> list[str]:
    """Names of the rules that answer some question of the task's test split."""
    return [name for name in NAMES if _answers(answerer(name, task), task)]


def _answers(rule: Answerer, task: Task) -> bool:
    return any(rule(asked(sample)) is not None for sample in task.test)


def _own(rules: Mapping[str, Rule], task: Task) -> Answerer:
    made = {leaf: rule([s for s in task.train if s.task == leaf]) for leaf, rule in rules.items()}

    def answer(question: Question) -> str | None:
        return made[question.task](question) if question.task in made else None

    return answer
