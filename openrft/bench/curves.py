"""Accuracy against tokens: what an arm scores if k completions are drawn for each question, and one answer is made of
them by a vote or by a perfect choice. The completions of the evaluation are used, so it costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openrft.bench.report import ArmResult, Item, TaskRecord
from openrft.bench.statistics import Interval, TaskScores, estimate_accuracy, resample
from openrft.bench.voting import MOST_COMPLETIONS, estimate_maj_at_k, estimate_pass_at_k

Jobs = Sequence[Sequence[ArmResult]]  # an arm's results: for each task, one for each seed, in order


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """An arm with k completions for each question. Accuracies are means over tasks, as in the table of arms."""

    arm: str
    completions: int  # k
    tokens: float  # generated for each question
    pass_at: Interval  # at least one of k is right: what a perfect choice among them would score
    maj_at: Interval | None = None  # the answer that most of k give; None if it is not known which answers are equal


def compute_curves(tasks: Sequence[TaskRecord], arms: Mapping[str, Jobs]) -> tuple[CurvePoint, ...]:
    """The points of each arm with two completions or more for each item: k = 1, 2, 4, ... and all of them.

    `tasks` have items. The arms have finished them with the same seeds.
    """
    sizes = {arm: min(len(_scores(item)) for item in _items(jobs)) for arm, jobs in arms.items()}
    sizes = {arm: n for arm, n in sizes.items() if n > 1}
    if not sizes:
        return ()
    points = [
        (arm, k, [name for name, (_, is_known) in MEASURES.items() if all(map(is_known, _items(arms[arm])))])
        for arm, n in sizes.items()
        for k in (*(2**power for power in range(n.bit_length()) if 2**power < n), n)
    ]
    columns = [(arm, k, name) for arm, k, names in points for name in names]
    blocks = [_build_block(task, [(arms[a][at], k, n) for a, k, n in columns]) for at, task in enumerate(tasks)]
    draws = resample([TaskScores(scores, clusters, min(sizes.values())) for scores, clusters in blocks])
    found = {column: estimate_accuracy(draws, at) for at, column in enumerate(columns)}
    return tuple(
        CurvePoint(arm, k, k * _count_tokens(arms[arm]), **{name: found[arm, k, name] for name in names})
        for arm, k, names in points
    )


def _build_block(
    task: TaskRecord, columns: Sequence[tuple[Sequence[ArmResult], int, str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (columns, seeds, items), and the number of each item's cluster."""
    items = sorted(task.items, key=lambda item: item.id)
    numbers: dict[str, int] = {}
    clusters = [numbers.setdefault(item.cluster, len(numbers)) for item in items]
    scores = [[[MEASURES[name][0](run.items[i.id], k) for i in items] for run in runs] for runs, k, name in columns]
    return np.array(scores), np.array(clusters)


def _pass_at(item: Item, k: int) -> float:
    return estimate_pass_at_k(_scores(item), k)


def _maj_at(item: Item, k: int) -> float:
    return estimate_maj_at_k(_scores(item), item.votes[:MOST_COMPLETIONS], k)


# What is measured by field of CurvePoint: how, and whether it is known for an item.
MEASURES: Mapping[str, tuple[Callable[[Item, int], float], Callable[[Item], bool]]] = {
    "pass_at": (_pass_at, lambda item: True),
    "maj_at": (_maj_at, lambda item: bool(item.votes)),
}


def _scores(item: Item) -> tuple[float, ...]:
    """The score of each completion."""
    return tuple(item.scores or map(float, item.correct))[:MOST_COMPLETIONS]


def _items(jobs: Jobs) -> list[Item]:
    return [item for results in jobs for result in results for item in result.items.values()]


def _count_tokens(jobs: Jobs) -> float:
    """Generated for one completion: the mean over tasks."""
    by_task = [[item.tokens / len(item.correct) for item in _items([results])] for results in jobs]
    return float(np.mean([np.mean(tokens) for tokens in by_task]))
