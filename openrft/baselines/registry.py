"""The rules by name, and which of them apply to a task."""

from __future__ import annotations

from collections.abc import Mapping

from openrft.baselines.rules import (
    longest_option,
    majority_answer,
    nearest_neighbour,
    option_number,
    option_similarity,
    rank_options,
    shortest_option,
    typical_number,
)
from openrft.baselines.surface import best_surface_rule
from openrft.errors import UnknownName
from openrft.tasks.task import Answerer, Question, Rule, Task, hide_answer

TASK_RULE = "task-rule"  # what the task's family knows to solve it (Task.baseline_rules)

RULES: dict[str, Rule] = {
    "majority-answer": majority_answer,
    "longest-option": longest_option,
    "shortest-option": shortest_option,
    "most-similar-option": rank_options(option_similarity, -1),
    "second-smallest-number": rank_options(option_number, 1),
    "second-largest-number": rank_options(option_number, -2),
    "typical-number": typical_number,
    "nearest-neighbour": nearest_neighbour,
    "best-surface-rule": best_surface_rule,
}
BASELINE_NAMES = (*RULES, TASK_RULE)


def check_baseline_name(name: str) -> str:
    """The name, if it names a rule. Raises UnknownName."""
    if name not in BASELINE_NAMES:
        raise UnknownName("baseline", name, BASELINE_NAMES)
    return name


def make_answerer(name: str, task: Task) -> Answerer:
    """The rule of that name, made from the task's train split."""
    return _own(task.baseline_rules, task) if check_baseline_name(name) == TASK_RULE else RULES[name](task.train)


def list_applicable(task: Task) -> list[str]:
    """Names of the rules that answer at least one question of the task's test split."""
    return [name for name in BASELINE_NAMES if _answers(make_answerer(name, task), task)]


def _answers(rule: Answerer, task: Task) -> bool:
    return any(rule(hide_answer(sample)) is not None for sample in task.test)


def _own(rules: Mapping[str, Rule], task: Task) -> Answerer:
    made = {leaf: rule([s for s in task.train if s.task == leaf]) for leaf, rule in rules.items()}

    def answer(question: Question) -> str | None:
        return made[question.task](question) if question.task in made else None

    return answer
