"""Accuracy against tokens: what an arm scores if k completions are drawn for each question, and one answer is made of
them by a vote or by a perfect choice. The completions of the evaluation are used, so it costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openrft.bench.report import ArmResult, Item, TaskRecord
from openrft.bench.statistics import Interval, TaskScores, estimate_accuracy, resample
from openrft.bench.voting import (
    MOST_COMPLETIONS,
    estimate_maj_at_k,
    estimate_pass_at_k,
    estimate_rm_at_k,
    estimate_weighted_vote_at_k,
)

Jobs = Sequence[Sequence[ArmResult]]  # an arm's results: for each task, one for each seed, in order


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """An arm with k completions for each question. Accuracies are means over tasks, as in the table of arms."""

    arm: str
    completions: int  # k
    tokens: float  # generated for each question
    pass_at: Interval  # at least one of k is right: what a perfect choice among them would score
    maj_at: Interval | None = None  # the answer that most of k give; None if it is not known which answers are equal
    rm_at: Interval | None = None  # the one of k with the highest weight; None for an arm that weighs none
    weighted_at: Interval | None = None  # the answer with the largest sum of weights among k
    chosen: bool = False  # whether a plugin makes the arm's answers of several completions


def compute_curves(tasks: Sequence[TaskRecord], arms: Mapping[str, Jobs]) -> tuple[CurvePoint, ...]:
    """The points of each arm with two completions or more for each item: k = 1, 2, 4, ... and all of them.

    `tasks` have items. The arms have finished them with the same seeds.
    """
    known = {arm: jobs for arm, jobs in arms.items() if not any(None in item.drawn for item in _items(jobs))}
    sizes = {arm: min(len(_scores(item)) for item in _items(jobs)) for arm, jobs in known.items()}
    sizes = {arm: n for arm, n in sizes.items() if n > 1}
    if not sizes:
        return ()
    points = [
        (arm, k, [name for name, (_, is_known) in MEASURES.items() if is_known(_items(arms[arm]))])
        for arm, n in sizes.items()
        for k in (*(2**power for power in range(n.bit_length()) if 2**power < n), n)
    ]
    columns = [(arm, k, name) for arm, k, names in points for name in names]
    blocks = [_build_block(task, [(arms[a][at], k, n) for a, k, n in columns]) for at, task in enumerate(tasks)]
    draws = resample([TaskScores(scores, clusters, min(sizes.values())) for scores, clusters in blocks])
    found = {column: estimate_accuracy(draws, at) for at, column in enumerate(columns)}
    chosen = {arm: any(item.drawn for item in _items(arms[arm])) for arm in sizes}
    return tuple(
        CurvePoint(
            arm, k, k * _count_tokens(arms[arm]), chosen=chosen[arm], **{name: found[arm, k, name] for name in names}
        )
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


# Few patterns of right and wrong answers are shared by many items.
_estimate_pass = functools.lru_cache(maxsize=1 << 16)(estimate_pass_at_k)
_estimate_maj = functools.lru_cache(maxsize=1 << 16)(estimate_maj_at_k)


def _pass_at(item: Item, k: int) -> float:
    return _estimate_pass(_scores(item), k)


def _maj_at(item: Item, k: int) -> float:
    return _estimate_maj(_scores(item), item.votes[:MOST_COMPLETIONS], k)


def _rm_at(item: Item, k: int) -> float:
    return estimate_rm_at_k(_scores(item), _weights(item), k)


def _weighted_at(item: Item, k: int) -> float:
    return estimate_weighted_vote_at_k(_scores(item), item.votes[:MOST_COMPLETIONS], _weights(item), k)


# What is measured by field of CurvePoint: how, and whether the items of an arm tell it.
MEASURES: Mapping[str, tuple[Callable[[Item, int], float], Callable[[Sequence[Item]], bool]]] = {
    "pass_at": (_pass_at, lambda items: True),
    "maj_at": (_maj_at, lambda items: all(item.votes for item in items)),
    "rm_at": (_rm_at, lambda items: any(item.weights for item in items)),
    "weighted_at": (_weighted_at, lambda items: any(item.weights for item in items)),
}


def _scores(item: Item) -> tuple[float, ...]:
    """The score of each completion drawn."""
    return tuple(float(score or 0) for score in item.drawn or item.scores or item.correct)[:MOST_COMPLETIONS]


def _weights(item: Item) -> list[float]:
    """The weight of each completion drawn. One that was not written has the lowest."""
    given = item.weights or [1.0] * len(item.drawn)  # all equal
    return [-1.0 if weight is None else weight for weight in given[:MOST_COMPLETIONS]]


def _items(jobs: Jobs) -> list[Item]:
    return [item for results in jobs for result in results for item in result.items.values()]


def _count_tokens(jobs: Jobs) -> float:
    """Generated for one completion: the mean over tasks."""
    by_task = [[item.tokens / len(item.drawn or item.correct) for item in _items([results])] for results in jobs]
    return float(np.mean([np.mean(tokens) for tokens in by_task]))
