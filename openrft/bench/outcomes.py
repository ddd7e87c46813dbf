"""From a report's per-item outcomes to the arrays that statistics.py takes, and what is missing for them.

Items are ordered by id and seeds by number, so their order in a report changes no result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from openrft.bench.ablation import to_vector
from openrft.bench.readings import (
    ReadingDraws,
    draw_readings,
    estimate_share_right,
    has_both_readings,
    measure_item,
    name_gain,
    split_tested_gain,
)
from openrft.bench.report import ArmResult, Item, ItemRecord, Report, TaskRecord
from openrft.bench.score_table import Gain
from openrft.bench.seed_rule import describe_stopped, read_looks, read_seed_rule
from openrft.bench.sequential import adjust_for_looks
from openrft.bench.significance import Difference, compare_arms, compare_contrast
from openrft.bench.statistics import (
    BootstrapDraws,
    TaskScores,
    average_over_tasks,
    estimate_contrast,
    resample,
)

Runs = Mapping[tuple[str, str, int], ArmResult]  # by arm, task and seed


def index_results(report: Report) -> dict[tuple[str, str, int], ArmResult]:
    """The finished jobs."""
    return {(r.arm, r.task, r.seed): r for r in report.results}


def list_seeds(report: Report, task: str) -> list[int]:
    """Every seed of the task's jobs, finished or failed."""
    started = [(r.task, r.seed) for r in report.results] + [(f.task, f.seed) for f in report.failures]
    return sorted({seed for name, seed in started if name == task})


def find_failures(report: Report, arm: str, tasks: Sequence[str]) -> list[str]:
    """Why the arm has no score on these tasks: one line for each failed or missing job. Empty = it has a score."""
    rule = read_seed_rule(report.plan)
    if stopped := [describe_stopped(found) for found in (rule.stopped if rule else ()) if found.arm == arm]:
        return stopped
    failed = {(f.task, f.seed): f for f in report.failures if f.arm == arm}
    done = {(r.task, r.seed) for r in report.results if r.arm == arm}
    lines = []
    for task in tasks:
        seeds = list_seeds(report, task)
        for seed in seeds:
            if (task, seed) in failed:
                failure = failed[task, seed]
                more = f" (details: {failure.details})" if failure.details else ""
                lines.append(f"{arm} failed on {task}, seed {seed}: {failure.error.removesuffix('.')}{more}")
            elif (task, seed) not in done:
                lines.append(f"{arm} has no result on {task}, seed {seed}")
        if not seeds:
            lines.append(f"{arm} has no result on {task}")
    return lines


def build_task_scores(
    record: TaskRecord, rows: Sequence[Sequence[ArmResult]], kept: Container[str] | None = None
) -> TaskScores:
    """Outcomes as arrays. `rows`: the results of each arm, seeds in the same order. `kept`: ids of the items."""
    return _build_scores(record, rows, kept, lambda item: (item.value,))


def build_reading_scores(
    record: TaskRecord, rows: Sequence[Sequence[ArmResult]], kept: Container[str] | None = None
) -> TaskScores:
    """What `draw_readings` takes: (4 x arms) scores, those of `measure_item` one after another."""
    return _build_scores(record, rows, kept, measure_item)


def _build_scores(
    record: TaskRecord,
    rows: Sequence[Sequence[ArmResult]],
    kept: Container[str] | None,
    measure: Callable[[Item], tuple[float, ...]],
) -> TaskScores:
    items: list[ItemRecord] = sorted((i for i in record.items if kept is None or i.id in kept), key=lambda i: i.id)
    scores = np.array([[[measure(run.items[i.id]) for i in items] for run in row] for row in rows])
    arms, seeds, count, measures = scores.shape
    numbers: dict[str, int] = {}
    clusters = [numbers.setdefault(i.cluster, len(numbers)) for i in items]
    completions = len(rows[0][0].items[items[0].id].correct)
    stacked = np.ascontiguousarray(np.moveaxis(scores, 3, 0)).reshape(measures * arms, seeds, count)
    return TaskScores(stacked, np.array(clusters), completions)


def same_checkpoint(runs: Runs, first: str, second: str) -> bool:
    """Whether two arms were evaluated with the same checkpoint on every task and seed."""
    ids = [
        {(task, seed): run.policy_id for (arm, task, seed), run in runs.items() if arm == name}
        for name in (first, second)
    ]
    return ids[0] == ids[1]


@dataclass(frozen=True, slots=True)
class ArmOutcomes:
    """Outcomes and their bootstrap replicates, paired over arms."""

    arms: tuple[str, ...]
    blocks: tuple[TaskScores, ...]
    draws: BootstrapDraws
    untrained: frozenset[str]  # arms without plugins: vanilla and rules
    readings: ReadingDraws | None = None  # of both readings; None if they were not asked for, or not recorded


def collect_outcomes(
    report: Report,
    runs: Runs,
    tasks: Sequence[TaskRecord],
    kept: Collection[str] | None = None,
    with_readings: bool = False,
) -> ArmOutcomes | None:
    """Outcomes of the arms without a failed or missing job on these tasks. None without such an arm or a scored item.

    `kept` are the ids of the items that count. A task without any of them is skipped.
    """
    names = [t.name for t in tasks]
    arms = list_finished_arms(report, names)
    with_items = [t for t in tasks if any(kept is None or item.id in kept for item in t.items)]
    if not arms or not with_items:
        return None
    rows = [_rows(report, runs, arms, task) for task in with_items]
    blocks = tuple(build_task_scores(task, own, kept) for task, own in zip(with_items, rows, strict=True))
    looks = read_looks(report.plan)
    found = ArmOutcomes(arms, blocks, resample(blocks, looks=looks), list_untrained(report))
    if with_readings and all(has_both_readings(results) for own in rows for results in own):
        both = [build_reading_scores(task, own, kept) for task, own in zip(with_items, rows, strict=True)]
        return replace(found, readings=draw_readings(both, looks=looks))
    return found


def collect_task_parts(
    report: Report, runs: Runs, task: TaskRecord, parts: Sequence[Collection[str]]
) -> ArmOutcomes | None:
    """The same for parts of one task with equal weights: their macro average."""
    arms = list_finished_arms(report, [task.name])
    if not arms:
        return None
    rows = _rows(report, runs, arms, task)
    blocks = tuple(build_task_scores(task, rows, part) for part in parts)
    draws = resample(blocks, trained_together=True, looks=read_looks(report.plan))
    return ArmOutcomes(arms, blocks, draws, list_untrained(report))


def list_untrained(report: Report) -> frozenset[str]:
    return frozenset(arm.name for arm in report.arms if not arm.plugins)


def collect_over_tasks(
    report: Report, runs: Runs, parts: Sequence[tuple[TaskRecord, Sequence[Collection[str]]]], weigh_items: bool
) -> tuple[tuple[str, ...], BootstrapDraws] | None:
    """The arms without a failed or missing job on several tasks, and the average over the given parts of each. Either
    items weigh the same, or parts do. Tasks are trained separately; the parts of one task are trained together."""
    arms = list_finished_arms(report, [task.name for task, _ in parts])
    if not arms:
        return None
    draws = []
    for seed, (task, own) in enumerate(parts):
        rows = _rows(report, runs, arms, task)
        kept = [{i for part in own for i in part}] if weigh_items else own
        blocks = [build_task_scores(task, rows, part) for part in kept]
        draws.append(resample(blocks, seed=seed, trained_together=True, looks=read_looks(report.plan)))
    sizes = [sum(map(len, own)) if weigh_items else len(own) for _, own in parts]
    return arms, average_over_tasks(draws, sizes)


def list_finished_arms(report: Report, tasks: Sequence[str]) -> tuple[str, ...]:
    """The arms without a failed or missing job on these tasks."""
    return tuple(a.name for a in report.arms if not find_failures(report, a.name, tasks))


def compute_delta(runs: Runs, measured: ArmOutcomes, first: str, second: str) -> Gain:
    """The paired gain of one arm over another."""
    i, j = measured.arms.index(first), measured.arms.index(second)
    same, trained = same_checkpoint(runs, first, second), not {first, second} <= measured.untrained
    compared = compare_arms(measured.blocks, measured.draws, i, j, same, trained)
    found = compared.interval
    gain = make_gain(measured, compared)
    if measured.readings is None:
        return gain
    resampled = estimate_contrast(measured.draws, to_vector({first: 1.0, second: -1.0}, measured.arms))
    split = split_tested_gain(measured.readings, i, j, resampled, found)
    comparable = all(estimate_share_right(measured.readings, arm) is not None for arm in (i, j))
    return replace(gain, form=split.form, ability=split.ability, kind=name_gain(found, split, comparable))


def compute_gain(runs: Runs, measured: ArmOutcomes, total: Mapping[str, float]) -> Gain:
    """A weighted sum of accuracies. A plain difference of two arms gets the test of `compute_delta`."""
    ups = [arm for arm, weight in total.items() if weight == 1]
    downs = [arm for arm, weight in total.items() if weight == -1]
    if len(total) == 2 and ups and downs:
        return compute_delta(runs, measured, ups[0], downs[0])
    share = to_vector(total, measured.arms)
    trained = not {arm for arm, weight in total.items() if weight} <= measured.untrained
    return make_gain(measured, compare_contrast(measured.blocks, measured.draws, np.array(share), trained))


def make_gain(measured: ArmOutcomes, compared: Difference) -> Gain:
    """A difference as a gain. If the bench looks several times, its p holds for all looks together."""
    p = None if compared.p is None else adjust_for_looks(compared.p, measured.draws.looks)
    return Gain(compared.interval.value, compared.interval.low, compared.interval.high, p, compared.test)


@dataclass(frozen=True, slots=True)
class Flips:
    """Items on which the majority of an arm's completions went from wrong to right, and from right to wrong."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]


def find_flips(before: ArmResult, after: ArmResult) -> Flips:
    """The flips between two jobs on the same items. An item is right if its mean score is above one half."""
    pairs = {i: (before.items[i].value > 0.5, after.items[i].value > 0.5) for i in before.items if i in after.items}
    return Flips(
        tuple(sorted(i for i, (old, new) in pairs.items() if new and not old)),
        tuple(sorted(i for i, (old, new) in pairs.items() if old and not new)),
    )


def _rows(report: Report, runs: Runs, arms: Sequence[str], task: TaskRecord) -> list[list[ArmResult]]:
    seeds = list_seeds(report, task.name)
    return [[runs[arm, task.name, seed] for seed in seeds] for arm in arms]
