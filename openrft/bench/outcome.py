"""From a pipeline's outcome to a report's entry, and what is left out of a comparison because nobody scored it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from openrft.bench.report import ArmResult, Item, StageCost, TaskRecord
from openrft.pipeline import Outcome
from openrft.sample import Rollout


def arm_result(outcome: Outcome) -> ArmResult:
    """Per-item verdicts, costs and metrics of one job. Items of which a completion is not scored are left out."""
    by_item: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in outcome.rollouts:
        by_item[rollout.sample.id].append(rollout)
    items = {
        sample: _item(rollouts)
        for sample, rollouts in by_item.items()
        if all(rollout.correct is not None for rollout in rollouts)
    }
    metrics: dict[str, float | None] = {}
    for cost in outcome.costs:
        for name, value in {**cost.counts, **cost.metrics}.items():
            metrics[f"{cost.stage}.{name}"] = float(value)
    return ArmResult(
        outcome.job.arm.name,
        outcome.job.task,
        outcome.job.seed,
        outcome.policy_id,
        items,
        tuple(StageCost(c.stage, c.seconds, c.tokens, c.reused) for c in outcome.costs),
        metrics,
        outcome.fitness,
    )


def _item(rollouts: Sequence[Rollout]) -> Item:
    correct = tuple(bool(r.correct) for r in rollouts)
    partly = any(r.score is not None for r in rollouts)
    scores = tuple(float(bool(r.correct)) if r.score is None else r.score for r in rollouts) if partly else ()
    return Item(
        correct, tuple(r.answer is None for r in rollouts), sum(len(r.completion.tokens) for r in rollouts), scores
    )


def accuracy(result: ArmResult) -> float | None:
    """What an answer is worth on average, over the items that are scored; None where none is."""
    return fmean(item.value for item in result.items.values()) if result.items else None


def scored_alike(
    tasks: Sequence[TaskRecord], results: Sequence[ArmResult]
) -> tuple[tuple[TaskRecord, ...], tuple[ArmResult, ...]]:
    """Tasks and results with those items alone that every result of the task has a score for; the others apart."""
    records, kept = [], {}
    for task in tasks:
        done = [set(result.items) for result in results if result.task == task.name]
        ids = {item.id for item in task.items}
        kept[task.name] = ids.intersection(*done)
        items = tuple(item for item in task.items if item.id in kept[task.name])
        unscored = tuple(item for item in task.items if item.id not in kept[task.name])
        records.append(replace(task, items=items, unscored=unscored))
    same = (replace(r, items={i: item for i, item in r.items.items() if i in kept[r.task]}) for r in results)
    return tuple(records), tuple(same)
