"""The whole method for one job (one arm on one task with one seed), top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openrft.config.parse import raise_faults
from openrft.errors import UsageError
from openrft.job import Job
from openrft.plugins.errors import check_list
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import check_engine, check_placement, check_thinking, describe_policy
from openrft.plugins.task_registry import load_task
from openrft.rewards.fitness import RewardFitness
from openrft.rewards.gap import RewardGap
from openrft.rewards.probed_reward import ProbedReward
from openrft.rewards.reward_check import RewardCheck
from openrft.runtime.paid.account import current_account
from openrft.runtime.progress import NoProgress, Progress
from openrft.runtime.ranks import joined_ranks
from openrft.runtime.store import Store
from openrft.runtime.tracking import TrackerConfig
from openrft.stages.augment import augment
from openrft.stages.check_reward import check_rewards
from openrft.stages.context import JobContext, PolicyHandle, StageRecord
from openrft.stages.evaluate import evaluate
from openrft.stages.explore import explore
from openrft.stages.fitness import measure_reward_fitness
from openrft.stages.gap import measure_reward_gaps
from openrft.stages.imitate import imitate
from openrft.stages.instruct import instruct
from openrft.stages.probe import probe_rewards
from openrft.stages.retrieve import choose_demonstration_pool, list_evaluated_demonstrators
from openrft.stages.synthesize import synthesize
from openrft.stages.training_log import find_kept_rollouts
from openrft.tasks.task import Task
from openrft.types import Demonstration, Rollout


@dataclass(frozen=True, slots=True)
class JobResult:
    """The results of a job."""

    job: Job
    task: Task
    rollouts: tuple[Rollout, ...]  # graded answers to the test split
    rollouts_file: Path  # the same, in the store
    metrics_file: Path | None  # of RL, one row per step, in the store; None if no plugin explores
    fitness: tuple[RewardFitness, ...]  # whether process rewards could tell right from wrong before RL
    stage_records: tuple[StageRecord, ...]  # of each stage that ran or was reused, in order
    policy_id: str  # arms with the same id were evaluated on the same weights
    policy: PolicyHandle
    base_id: str = ""  # of the policy before any stage
    pool: tuple[Demonstration, ...] = ()  # what plugins could show as demonstrations
    demonstration_plugins: tuple[str, ...] = ()  # the plugins that showed some at evaluation
    steps_file: Path | None = None  # rollouts of some steps of RL, in the store; None if none were kept
    fitness_file: Path | None = None  # the rollouts that process rewards were measured on, in the store
    probes: tuple[ProbedReward, ...] = ()  # what each source paid for answers that are not right, before RL
    gaps: tuple[RewardGap, ...] = ()  # how far each source and the strict grade parted during RL
    checks: tuple[RewardCheck, ...] = ()  # what plugins found out about their own rewards before RL
    instruction: str = ""  # that a plugin found for the task; empty if none looked for one


def run_job(job: Job, store: Store, progress: Progress | None = None, track: TrackerConfig | None = None) -> JobResult:
    """Find an instruction, augment, synthesise, imitate, measure process rewards, check and probe all rewards, explore,
    evaluate. A stage without plugins does nothing."""
    return run_stages(build_context(job, store, progress, track))


def run_stages(context: JobContext) -> JobResult:
    """The stages of `run_job`, on a job's context."""
    base_id = context.policy.id

    instruction = instruct(context)
    train = augment(context)
    targets = synthesize(context)
    pool = choose_demonstration_pool(context, targets)
    imitate(context, targets)
    fitness = measure_reward_fitness(context)
    checks = check_rewards(context)
    probes = probe_rewards(context, fitness.rollouts)
    metrics = explore(context, train, pool)
    rollouts, file = evaluate(context, pool)

    return JobResult(
        context.job,
        context.task,
        rollouts,
        file,
        metrics,
        fitness.found,
        tuple(context.stage_records),
        context.policy.id,
        context.policy,
        base_id,
        tuple(pool),
        tuple(list_evaluated_demonstrators(context)),
        find_kept_rollouts(metrics),
        fitness.rollouts,
        probes,
        measure_reward_gaps(metrics),
        checks=checks,
        instruction=instruction,
    )


def build_context(
    job: Job, store: Store, progress: Progress | None = None, track: TrackerConfig | None = None
) -> JobContext:
    """The job's task, plugins and policy, before any stage."""
    task = load_task(job.task, job.data)
    check_jobs([job], {job.task: task})
    about = describe_policy(job.policy)
    if about and task.instruction == about.task_instruction:  # a plugin found a better one for this policy
        task = replace(task, instruction=about.instruction)
    policy = PolicyHandle(job.policy, task, job.settings.policy)
    return JobContext(job, task, _plugins(job), policy, store, progress or NoProgress(), track)


def check_jobs(jobs: Iterable[Job], tasks: Mapping[str, Task]) -> None:
    """Raises UsageError for jobs that would fail: training without samples or without weights, thinking that the policy
    cannot be switched to, and the reasons that plugins give (their hook `check_job`). `tasks` is by name."""
    jobs = list({(job.arm.name, job.task): job for job in jobs}.values())  # seeds make no difference
    plugins = [_plugins(job) for job in jobs]
    _check_training([job for job, own in zip(jobs, plugins, strict=True) if own.implementing("train_step")], tasks)
    for job, own in zip(jobs, plugins, strict=True):
        _check_ranks(own)
        check_thinking(job.policy, job.settings.policy)
        check_placement(job.policy, job.settings.policy)
        for hook, what in (("weigh", "choose its answers"), ("instruct", "write its instruction")):
            if len(both := own.implementing(hook)) > 1:
                raise UsageError(
                    f"the arm {job.arm.name}: {' and '.join(both)} cannot both {what}.",
                    f"Give each an arm of its own: --arms none --arm {both[0]}={both[0]} ...",
                )
        _check_models(job, own)
    arms: dict[str, list[str]] = {}  # by what is wrong
    for job, own in zip(jobs, plugins, strict=True):
        if fault := _find_missing_answers(own, tasks[job.task]):
            arms.setdefault(fault, []).append(job.arm.name)
        task = replace(tasks[job.task], test=())
        for name, result in own.call_all("check_job", settings=job.settings, task=task, policy_spec=job.policy):
            for fault in check_list(name, "check_job", str, result.value):
                arms.setdefault(fault, []).append(job.arm.name)
    raise_faults(f"arm {', '.join(dict.fromkeys(names))}: {fault}" for fault, names in arms.items())


def _check_ranks(own: PluginSet) -> None:
    """Raises UsageError for a plugin whose training would be the same on each of several ranks."""
    ranks, whole = joined_ranks().size, own.trainers_for("explore_stage")
    if ranks > 1 and whole:
        raise UsageError(
            f"{whole[0]} trains in a loop of its own, which is not dealt out to {ranks} ranks.",
            "Use the plugin rl, or give the command without torchrun.",
        )


def _find_missing_answers(own: PluginSet, task: Task) -> str:
    """Why the train split cannot be imitated or shown, as rows that a rubric grades may have no answer; or ""."""
    acting = list(dict.fromkeys((*own.trainers_for("imitate"), *own.implementing("retrieve"))))
    blank = sum(not sample.answer for sample in task.train)
    if not acting or not blank:
        return ""
    return (
        f"{blank} of {len(task.train)} training questions of {task.name} have no answer to imitate or to show: leave"
        f" {' and '.join(acting)} out, or give them answers."
    )


def _check_training(training: Sequence[Job], tasks: Mapping[str, Task]) -> None:
    found = dict.fromkeys(job.task for job in training if not tasks[job.task].train)
    if found:
        raise UsageError(
            f"there are no samples to train on in {', '.join(found)}.",
            "Leave them out of --task, or answer them without training: `openrft evaluate`.",
        )
    for job in training:
        held, train = job.settings.explore.holdback, len(tasks[job.task].train)
        if held >= train:
            raise UsageError(
                f"explore.holdback={held} leaves none of the {train} training questions of {job.task} to train on.",
                "Hold back fewer.",
            )
        if job.policy.startswith(("baseline:", "openai:")):
            raise UsageError(
                f"the arm {job.arm.name} trains, which needs a policy with local weights, and {job.policy!r} has none.",
                "Give a checkpoint folder or hub id with --policy, or answer without training: `openrft evaluate`.",
            )


def _check_models(job: Job, plugins: PluginSet) -> None:
    """Raises UsageError for a model that needs vLLM where it is not installed, and for a server's model without a price
    if the account has a budget."""
    account = current_account()
    every = [plugins, *plugins.scorers.values()]
    named = [job.policy, *(path for own in every for name in own.names for _, _, path in own.named_paths(name))]
    for spec in named:
        check_engine(spec)
        if account and spec.startswith("openai:"):
            account.check_model(spec.removeprefix("openai:"))


def _plugins(job: Job) -> PluginSet:
    """The arm's plugins and the task's own plugin, which may grade and measure."""
    return PluginSet(dict.fromkeys([job.task.split("/")[0], *job.arm.plugins]), job.options)
