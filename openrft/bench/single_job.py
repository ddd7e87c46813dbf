"""Run one job in this process and make its entry for the report, whether it finishes or fails."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openrft.bench.failures import record_failure
from openrft.bench.report import ArmResult, Failure, Item, StageCost
from openrft.job import Job
from openrft.pipeline import JobResult, run_job
from openrft.runtime.logging import name_job
from openrft.runtime.store import Store
from openrft.runtime.tracking import TrackerConfig
from openrft.types import Rollout

Finished = tuple[ArmResult | Failure, Mapping[str, Path]]  # the job's result; its files by the folder they belong to

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobFolders:
    """Where a job's results go."""

    store: Path  # finished stages
    failures: Path  # one file for each failed job
    track: TrackerConfig | None = None


class _CallbackProgress:
    """Passes progress reports to a function."""

    def __init__(self, tell: Callable[[str, int, int, str], None]) -> None:
        self._tell = tell

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self._tell(stage, done, total, note)


def run_single_job(
    job: Job, folders: JobFolders, tell: Callable[[str, int, int, str], None], debug: bool = False
) -> Finished:
    """Run the job. If it fails, the result is a Failure and its details are written. With `debug` the error is
    raised."""
    began = time.perf_counter()
    with name_job(str(job)):
        logger.info("job started")
        try:
            outcome = run_job(job, Store(folders.store), _CallbackProgress(tell), folders.track)
            result = summarise_job(outcome)
        except Exception as fault:  # any error ends this job only
            if debug:
                raise
            failure = record_failure(job, fault, folders.failures)
            logger.info("job failed after %.1f s: %s", time.perf_counter() - began, failure.error)
            return failure, {}
        logger.info("job finished in %.1f s", time.perf_counter() - began)
    files = {"rollouts": outcome.rollouts_file, "metrics": outcome.metrics_file}
    return result, {folder: file for folder, file in files.items() if file is not None}


def summarise_job(outcome: JobResult) -> ArmResult:
    """Per-item grades, costs and metrics of one job. Items with a completion that is not scored are left out."""
    by_item: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in outcome.rollouts:
        by_item[rollout.sample.id].append(rollout)
    items = {
        sample: _item(rollouts)
        for sample, rollouts in by_item.items()
        if all(rollout.correct is not None for rollout in rollouts)
    }
    metrics: dict[str, float | None] = {}
    for cost in outcome.stage_records:
        # Of evaluation, only the core's own counts: its table shows metrics of plugins but not their counts.
        counts = {n: c for n, c in cost.counts.items() if cost.stage != "evaluate" or "." not in n}
        for name, value in {**counts, **cost.metrics}.items():
            metrics[f"{cost.stage}.{name}"] = float(value)
    return ArmResult(
        outcome.job.arm.name,
        outcome.job.task,
        outcome.job.seed,
        outcome.policy_id,
        items,
        tuple(StageCost(c.stage, c.seconds, c.tokens, c.reused) for c in outcome.stage_records),
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
