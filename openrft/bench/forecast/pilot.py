"""A probe: every stage of a bench on ten questions, in a store of its own, to learn what it costs on this machine.

Each stage runs as in the bench, on the first ten questions and with ten completions. If that is quick, it runs again
with forty, because a batch of hundreds takes less time a row than one of ten. The line through both gives the cost of
any number.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from openrft.bench.forecast.history import PastStage, Rate, read_history
from openrft.bench.forecast.walk import PlannedStage
from openrft.config.settings import Settings
from openrft.job import Job
from openrft.pipeline import build_context, run_stages
from openrft.runtime.gpus import list_gpus
from openrft.runtime.progress import Progress
from openrft.runtime.store import Store

QUESTIONS = 10
FEW, MANY = 1, 4  # completions of a question: ten of all, then forty
PATIENCE = 15.0  # seconds that the first run may take on a CPU for further ones; a GPU draws forty as fast as ten

Kind = tuple[str, str, tuple[str, ...]]  # stage, policy, plugins that take part


@dataclass(frozen=True, slots=True)
class Point:
    """What a probe saw of one kind of stage."""

    units: int
    calls: int  # batches: steps of RL, 1 for others
    seconds: float
    past: PastStage


@dataclass(frozen=True, slots=True)
class Measured:
    """What probes saw."""

    points: dict[Kind, list[Point]]
    past: tuple[PastStage, ...]

    def find_rate(self, planned: PlannedStage) -> Rate | None:
        """The cost of one unit of this stage; None if no probe had a stage of its kind."""
        points = self.points.get((planned.stage, planned.policy, planned.plugins))
        if not points:
            return None
        last = points[-1]
        each_call, each_unit = fit_cost(points)
        units = planned.units / planned.calls
        seconds = (each_call + each_unit * units) / units
        return Rate(
            seconds, last.past.tokens / last.units, last.past.usage, last.units, len(points), "a probe of ten questions"
        )


def fit_cost(points: Sequence[Point]) -> tuple[float, float]:
    """(seconds of a call, seconds of a unit), neither below 0: the line through the first and the last point.

    One point, or points that a line with a start below 0 would join, give a cost that grows with the units alone.
    """
    few, many = points[0], points[-1]
    x = [point.units / point.calls for point in (few, many)]
    y = [point.seconds / point.calls for point in (few, many)]
    if x[1] <= x[0]:
        return 0.0, y[1] / x[1]
    slope = (y[1] - y[0]) / (x[1] - x[0])
    start = y[0] - slope * x[0]
    if start < 0:
        return 0.0, y[1] / x[1]
    return (start, slope) if slope >= 0 else (y[1], 0.0)


def measure(
    jobs: Sequence[Job], planned: Sequence[PlannedStage], missing: Sequence[PlannedStage], workers: int, tell: Progress
) -> Measured:
    """Probe a few of the jobs, so that each kind of the `missing` stages is seen."""
    chosen = choose_jobs(planned, missing)
    points: dict[Kind, list[Point]] = {}
    past: list[PastStage] = []
    with (
        tempfile.TemporaryDirectory(prefix="openrft-probe-") as folder,
        limit_threads(workers),
        silence(logging.getLogger("openrft.stages")),  # what ten questions show of rewards is no reason to warn
    ):
        for number, job in enumerate(chosen):
            tell.update("probe", number, len(chosen), f"{jobs[job]}, on ten questions")
            began = time.perf_counter()
            run = _run(jobs[job], Path(folder) / f"{number}-first", FEW, tell)
            past += run
            runs = [run]
            if time.perf_counter() - began <= PATIENCE or list_gpus():
                # The first run also imported libraries, which these do not.
                runs = [_run(jobs[job], Path(folder) / f"{number}-{size}", size, tell) for size in (FEW, MANY)]
            for stage in (stage for run in runs for stage in run):
                kind = (stage.stage, stage.policy, stage.plugins)
                points.setdefault(kind, []).append(Point(stage.units, stage.calls, stage.seconds, stage))
        tell.update("probe", len(chosen), len(chosen))
    return Measured(points, tuple(past))


def choose_jobs(planned: Sequence[PlannedStage], missing: Sequence[PlannedStage]) -> list[int]:
    """The fewest jobs (nearly) that have a stage of each kind of `missing`: again and again the one with the most."""
    left = {_kind(stage) for stage in missing}
    kinds: dict[int, set[Kind]] = {}
    for stage in planned:
        kinds.setdefault(stage.job, set()).add(_kind(stage))
    chosen = []
    while left:
        best = max(kinds, key=lambda job: len(kinds[job] & left))
        chosen.append(best)
        left -= kinds[best]
    return chosen


def _kind(stage: PlannedStage) -> Kind:
    return stage.stage, stage.policy, stage.plugins


@contextmanager
def silence(log: logging.Logger) -> Iterator[None]:
    """In this context the log shows errors only."""
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def limit_threads(workers: int) -> Iterator[None]:
    """In this context PyTorch computes with as many threads as each of the bench's workers has."""
    import torch

    before = torch.get_num_threads()
    if workers > 1:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _run(job: Job, folder: Path, size: int, tell: Progress) -> list[PastStage]:
    """Run the job on ten questions, with `size` completions for each."""
    context = build_context(replace(job, settings=shrink_settings(job.settings, size)), Store(folder), tell)
    context.task = replace(context.task, train=context.task.train[:QUESTIONS], test=context.task.test[:QUESTIONS])
    run_stages(context)
    return read_history(folder)


def shrink_settings(settings: Settings, size: int) -> Settings:
    """The same settings with `size` completions for each of ten questions in every stage that draws."""
    explore, fitness = settings.explore, settings.fitness
    # Groups stay groups: an RL step of few completions has fewer questions.
    prompts = QUESTIONS if explore.group_size == 1 or size > FEW else QUESTIONS // 2
    group = min(explore.group_size, size * QUESTIONS // prompts)
    return replace(
        settings,
        explore=replace(
            explore,
            steps=2 if size == FEW else 1,
            prompts_per_step=prompts,
            group_size=group,
            holdback=min(explore.holdback, 1),
            probes=min(explore.probes, size),
        ),
        fitness=replace(fitness, questions=min(fitness.questions, QUESTIONS if size > FEW else QUESTIONS // 2)),
        evaluate=replace(settings.evaluate, completions=size),
    )
