"""From a report's per-item outcomes to the arrays that stats.py takes, and what stands in the way.

Items run by id and seeds by number, so the order in which a report lists them moves no result.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import numpy as np

from openrft.bench.report import ArmResult, Report, TaskRecord
from openrft.bench.stats import Block

Runs = Mapping[tuple[str, str, int], ArmResult]  # by arm, task and seed


def runs_of(report: Report) -> dict[tuple[str, str, int], ArmResult]:
    """The finished jobs."""
    return {(r.arm, r.task, r.seed): r for r in report.results}


def seeds_of(report: Report, task: str) -> list[int]:
    """Every seed that some job of the task was started with."""
    started = [(r.task, r.seed) for r in report.results] + [(f.task, f.seed) for f in report.failures]
    return sorted({seed for name, seed in started if name == task})


def trouble(report: Report, arm: str, tasks: Sequence[str]) -> list[str]:
    """Why the arm has no score on these tasks: its failed and its missing jobs, a line each. Empty = it has one."""
    failed = {(f.task, f.seed): f.error for f in report.failures if f.arm == arm}
    done = {(r.task, r.seed) for r in report.results if r.arm == arm}
    lines = []
    for task in tasks:
        seeds = seeds_of(report, task)
        for seed in seeds:
            if (task, seed) in failed:
                lines.append(f"{arm} failed on {task}, seed {seed}: {failed[task, seed].removesuffix('.')}")
            elif (task, seed) not in done:
                lines.append(f"{arm} has no result on {task}, seed {seed}")
        if not seeds:
            lines.append(f"{arm} has no result on {task}")
    return lines


def block(record: TaskRecord, rows: Sequence[Sequence[ArmResult]], kept: Container[str] | None = None) -> Block:
    """One row of results for each arm, its seeds in the same order in every row; `kept` are the items' ids."""
    items = sorted((i for i in record.items if kept is None or i.id in kept), key=lambda i: i.id)
    scores = [[[run.items[i.id].value for i in items] for run in row] for row in rows]
    numbers: dict[str, int] = {}
    clusters = [numbers.setdefault(i.cluster, len(numbers)) for i in items]
    completions = len(rows[0][0].items[items[0].id].correct)
    return Block(np.array(scores), np.array(clusters), completions)


def same_checkpoint(runs: Runs, first: str, second: str) -> bool:
    """Whether two arms were evaluated from the same checkpoint at every task and seed."""
    ids = [
        {(task, seed): run.policy_id for (arm, task, seed), run in runs.items() if arm == name}
        for name in (first, second)
    ]
    return ids[0] == ids[1]
