"""From a pipeline's outcome to a report's entry."""

from __future__ import annotations

from collections import defaultdict

from openrft.bench.report import ArmResult, Item, StageCost
from openrft.pipeline import Outcome
from openrft.sample import Rollout


def arm_result(outcome: Outcome) -> ArmResult:
    """Per-item verdicts, costs and metrics of one job."""
    by_item: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in outcome.rollouts:
        by_item[rollout.sample.id].append(rollout)
    items = {
        sample: Item(
            tuple(bool(r.correct) for r in rollouts),
            tuple(r.answer is None for r in rollouts),
            sum(len(r.completion.tokens) for r in rollouts),
        )
        for sample, rollouts in by_item.items()
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
    )
