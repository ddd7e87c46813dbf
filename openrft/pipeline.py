"""The whole method, one arm on one task with one seed, top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from openrft.arm import Job
from openrft.errors import UsageError
from openrft.families import load_task
from openrft.fitness.verdict import Fitness
from openrft.plugins import Plugins
from openrft.progress import Progress, Silent
from openrft.sample import Rollout
from openrft.stages.augment import augment
from openrft.stages.evaluate import evaluate
from openrft.stages.explore import explore
from openrft.stages.fitness import assess
from openrft.stages.imitate import imitate
from openrft.stages.retrieve import pool_of
from openrft.stages.synthesize import synthesize
from openrft.store import Store
from openrft.task import Task
from openrft.tracking import Track
from openrft.work import Cost, Student, Work


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to."""

    job: Job
    task: Task
    rollouts: tuple[Rollout, ...]  # graded answers to the test split
    rollouts_file: Path  # the same, in the store
    metrics_file: Path | None  # of RL, a row a step, in the store; None where no plugin explores
    fitness: tuple[Fitness, ...]  # whether process rewards could tell right from wrong before RL
    costs: tuple[Cost, ...]  # of each stage that ran or was reused, in order
    policy_id: str  # arms with the same id were evaluated on the same weights
    student: Student


def run(job: Job, store: Store, progress: Progress | None = None, track: Track | None = None) -> Outcome:
    """Augment, synthesise, imitate, assess, explore, evaluate. A stage without a plugin to act in it does nothing."""
    work = work_of(job, store, progress, track)

    train = augment(work)
    targets = synthesize(work)
    pool = pool_of(work.task.train, targets)
    imitate(work, targets)
    fitness = assess(work)
    metrics = explore(work, train, pool)
    rollouts, file = evaluate(work, pool)

    return Outcome(job, work.task, rollouts, file, metrics, fitness, tuple(work.costs), work.student.id, work.student)


def work_of(job: Job, store: Store, progress: Progress | None = None, track: Track | None = None) -> Work:
    """The job's task, plugins and policy, before any stage."""
    task = load_task(job.task, job.data)
    refuse_untrainable([job], {job.task: task})
    return Work(job, task, _plugins(job), Student(job.policy, task), store, progress or Silent(), track)


def refuse_untrainable(jobs: Iterable[Job], tasks: Mapping[str, Task]) -> None:
    """Raises UsageError if a job trains on a task (they stand by name) that has nothing to train on, or a policy that
    has no weights."""
    training = [job for job in jobs if _plugins(job).having("train_step")]
    found = dict.fromkeys(job.task for job in training if not tasks[job.task].train)
    if found:
        raise UsageError(
            f"there are no samples to train on in {', '.join(found)}.",
            "Leave them out of --task, or answer them without training: `openrft evaluate`.",
        )
    for job in training:
        if job.policy.startswith(("baseline:", "openai:")):
            raise UsageError(
                f"the arm {job.arm.name} trains, which needs a policy whose weights are at hand, and {job.policy!r} has"
                " none.",
                "Give a checkpoint folder or hub id with --policy, or answer without training: `openrft evaluate`.",
            )


def _plugins(job: Job) -> Plugins:
    """The arm's plugins, and the one that the task comes from: it may judge and measure."""
    return Plugins(dict.fromkeys([job.task.split("/")[0], *job.arm.plugins]), job.options)
