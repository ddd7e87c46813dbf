"""The arms of a report that have a score on some items, as arrays, and the gains between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from openrft.bench import outcomes
from openrft.bench.components import vector
from openrft.bench.outcomes import Runs
from openrft.bench.report import Report, TaskRecord
from openrft.bench.scores import Gain
from openrft.bench.significance import bootstrap_p, delta_p
from openrft.bench.stats import Block, Draws, contrast, resample, together


@dataclass(frozen=True, slots=True)
class Measured:
    """Outcomes and their replicates, paired over arms."""

    arms: tuple[str, ...]
    blocks: tuple[Block, ...]
    draws: Draws


def measure(
    report: Report, runs: Runs, tasks: Sequence[TaskRecord], kept: Collection[str] | None = None
) -> Measured | None:
    """The arms without a failed or missing job on these tasks; None if there is none, or no scored item.

    `kept` are the ids of the items that count; a task without any of them is passed over.
    """
    names = [t.name for t in tasks]
    arms = finished(report, names)
    with_items = [t for t in tasks if any(kept is None or item.id in kept for item in t.items)]
    if not arms or not with_items:
        return None
    blocks = tuple(outcomes.block(task, _rows(report, runs, arms, task), kept) for task in with_items)
    return Measured(arms, blocks, resample(blocks))


def measure_parts(report: Report, runs: Runs, task: TaskRecord, parts: Sequence[Collection[str]]) -> Measured | None:
    """The same for parts of one task, each weighing the same: their macro average."""
    arms = finished(report, [task.name])
    if not arms:
        return None
    rows = _rows(report, runs, arms, task)
    blocks = tuple(outcomes.block(task, rows, part) for part in parts)
    return Measured(arms, blocks, resample(blocks, trained_together=True))


def measure_across(
    report: Report, runs: Runs, parts: Sequence[tuple[TaskRecord, Sequence[Collection[str]]]], weigh_items: bool
) -> tuple[tuple[str, ...], Draws] | None:
    """The arms without a failed or missing job on several tasks, and the average over the given parts of each: items
    weigh the same, or parts do. Tasks are trained apart, the parts of one together."""
    arms = finished(report, [task.name for task, _ in parts])
    if not arms:
        return None
    draws = []
    for seed, (task, own) in enumerate(parts):
        rows = _rows(report, runs, arms, task)
        kept = [{i for part in own for i in part}] if weigh_items else own
        blocks = [outcomes.block(task, rows, part) for part in kept]
        draws.append(resample(blocks, seed=seed, trained_together=True))
    sizes = [sum(map(len, own)) if weigh_items else len(own) for _, own in parts]
    return arms, together(draws, sizes)


def finished(report: Report, tasks: Sequence[str]) -> tuple[str, ...]:
    """The arms without a failed or missing job on these tasks."""
    return tuple(a.name for a in report.arms if not outcomes.trouble(report, a.name, tasks))


def delta(runs: Runs, measured: Measured, first: str, second: str) -> Gain:
    """The paired gain of one arm over another."""
    i, j = measured.arms.index(first), measured.arms.index(second)
    same = outcomes.same_checkpoint(runs, first, second)
    p, test = delta_p(measured.blocks, measured.draws, i, j, same)
    found = contrast(measured.draws, vector({first: 1.0, second: -1.0}, measured.arms))
    return Gain(found.value, found.low, found.high, p, test)


def gain(runs: Runs, measured: Measured, total: Mapping[str, float]) -> Gain:
    """A weighted sum of accuracies; a plain difference of two arms is tested as such."""
    ups = [arm for arm, weight in total.items() if weight == 1]
    downs = [arm for arm, weight in total.items() if weight == -1]
    if len(total) == 2 and ups and downs:
        return delta(runs, measured, ups[0], downs[0])
    share = vector(total, measured.arms)
    found = contrast(measured.draws, share)
    test = "bootstrap over seeds and items" if measured.draws.seeds > 1 else "bootstrap over items"
    return Gain(found.value, found.low, found.high, bootstrap_p(measured.draws, share), test)


def _rows(report: Report, runs: Runs, arms: Sequence[str], task: TaskRecord) -> list[list[outcomes.ArmResult]]:
    seeds = outcomes.seeds_of(report, task.name)
    return [[runs[arm, task.name, seed] for seed in seeds] for arm in arms]
