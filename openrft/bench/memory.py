"""What memory the arms of a plan need at most, for `--dry-run`: their policies, and the models that plugins load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.config.settings import PolicySettings
from openrft.errors import CheckpointError
from openrft.job import Job
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import VLLM_PREFIX, find_kept_checkpoint
from openrft.plugins.task_registry import load_task
from openrft.tasks.prompt import build_messages
from openrft.tasks.task import Task

if TYPE_CHECKING:
    from openrft.bench.plan import BenchPlan
    from openrft.policies.memory_forecast import PolicyMemory, ReaderMemory, Workload

LONGEST = 8  # the prompts of this many of the longest questions are tokenised
READ_TOKENS = 8192  # of a pass of a model that only reads, if no option of its plugin says
PLACEMENT = ("device", "dtype", "load", "attention")  # options with which a plugin's model is loaded


@dataclass(frozen=True, slots=True)
class ArmMemory:
    """What one arm needs at most, in bytes."""

    arm: str
    peak: int
    policy: PolicyMemory | None = None  # None: it has no weights here
    readers: Mapping[str, ReaderMemory] = field(default_factory=dict)  # beside the policy, by name
    alone: Mapping[str, PolicyMemory] = field(default_factory=dict)  # teachers and rewriters, before training


def forecast_memory(plan: BenchPlan) -> list[ArmMemory]:
    """The arms that load models, in the plan's order. Each on the task that takes most.

    Raises UsageError for weights that do not fit, and CheckpointError for a model whose config cannot be read.
    """
    found: dict[str, ArmMemory] = {}
    prompts: dict[tuple[str, str], int] = {}
    for job in {(job.arm.name, job.task): job for job in plan.jobs()}.values():
        memory = _forecast_job(job, prompts)
        if memory and memory.peak > (found[memory.arm].peak if memory.arm in found else 0):
            found[memory.arm] = memory
    return list(found.values())


def describe_memory(arms: Sequence[ArmMemory], workers: int) -> str:
    """One sentence about the arm that needs most; empty if none loads a model."""
    if not arms:
        return ""
    most = max(arms, key=lambda arm: arm.peak)
    parts = [f"{name} {_gb(size)}" for name, size in _list_parts(most)]
    device = most.policy.device if most.policy else "cpu"
    several = f", {workers} jobs at a time {_gb(workers * most.peak)}" if workers > 1 and device == "cpu" else ""
    return (
        f"at most {_gb(most.peak)} GB of memory in a job on {device}{several}, if completions run to their last token;"
        f" most in the arm {most.arm} (GB): {', '.join(parts)}."
    )


def _list_parts(memory: ArmMemory) -> Iterator[tuple[str, int]]:
    from openrft.policies.memory_forecast import PROCESS_BYTES

    policy = memory.policy
    if policy is None or policy.device == "cpu":
        yield "Python and libraries", PROCESS_BYTES
    if policy is not None:
        yield f"weights in {policy.dtype}", policy.weights
        yield "rollouts", policy.rollouts
        if policy.adapter:
            yield "adapter and optimizer", policy.adapter
            yield "an update" + " with recomputed activations" * policy.recompute, policy.working
    for name, reader in memory.readers.items():
        yield name, reader.peak
    for name, other in memory.alone.items():
        yield f"{name} before training", other.peak


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f}" if size < 10e9 else f"{size / 1e9:.0f}"


def _forecast_job(job: Job, prompts: dict[tuple[str, str], int]) -> ArmMemory | None:
    from openrft.policies.memory_forecast import (
        PROCESS_BYTES,
        Workload,
        forecast_policy,
        forecast_reader,
        forecast_sampling,
        sum_peak,
    )

    plugins = PluginSet(dict.fromkeys([job.task.split("/")[0], *job.arm.plugins]), job.options)
    task, settings, path = load_task(job.task, job.data), job.settings, _find_weights(job.policy)
    policy, peak = None, 0
    readers: dict[str, ReaderMemory] = {}
    alone: dict[str, PolicyMemory] = {}
    if path is not None:
        key = (job.policy, job.task)
        if key not in prompts:
            prompts[key] = _measure_prompts(path, task, settings.policy)
        how = settings.evaluate
        work = Workload(prompts[key], how.max_tokens, max(1, len(task.test)), how.completions, 0)
        policy = forecast_sampling(path, settings.policy, work)
        if trained := _plan_training(plugins, job, work):
            answering, policy = policy, forecast_policy(path, settings.policy, trained)
            policy = replace(policy, rollouts=max(policy.rollouts, answering.rollouts))
    for name in plugins.names:
        options = plugins.options[name]
        for option, marker, spec in plugins.named_paths(name):
            own = _find_weights(spec) if marker.names == "weights" else None
            if own is None:
                continue
            placed = PolicySettings(**{key: options[key] for key in PLACEMENT if key in options})
            if name in (*plugins.implementing("reward"), *plugins.trainers_for("explore")) or option == "embedder":
                readers[spec] = forecast_reader(own, placed, int(options.get("batch_tokens", READ_TOKENS)))
            elif policy is not None:
                tokens, each = int(options.get("max_tokens", 2048)), int(options.get("first_round", 1))
                work = Workload(prompts[job.policy, job.task], tokens, max(1, len(task.train)), each, 0)
                alone[spec] = forecast_sampling(own, placed, work)
    if policy is not None:
        peak = sum_peak(policy, list(readers.values()))
    elif readers:
        peak = PROCESS_BYTES + max(reader.peak for reader in readers.values())
    peak = max([peak, *(sum_peak(other) for other in alone.values())])
    return ArmMemory(job.arm.name, peak, policy, readers, alone) if peak else None


def _plan_training(plugins: PluginSet, job: Job, asked: Workload) -> Workload | None:
    """What the arm's training step takes; None for an arm that trains nothing. RL's step is the larger one."""
    exploring = [*plugins.trainers_for("explore"), *plugins.trainers_for("explore_stage")]
    trainers = exploring or plugins.trainers_for("imitate")
    if not trainers:
        return None
    options: dict[str, Any] = plugins.options[trainers[0]]
    rank, tokens = int(options.get("lora_rank", 8)), options.get("micro_batch_tokens")
    if not exploring:
        return replace(asked, prompts=int(options.get("batch_size", 8)), group_size=1, lora_rank=rank)
    how = job.settings.explore
    return replace(
        asked,
        completion=how.max_tokens,
        prompts=how.prompts_per_step,
        group_size=how.group_size,
        lora_rank=rank,
        micro_batch_tokens=tokens,
    )


def _find_weights(spec: str) -> str | None:
    """The checkpoint folder or hub id of a model; None for one without weights here."""
    if spec.startswith((BASELINE_PREFIX, "openai:")):
        return None
    return find_kept_checkpoint(spec.removeprefix(VLLM_PREFIX))


def _measure_prompts(path: str, task: Task, settings: PolicySettings) -> int:
    """Tokens of the longest prompt without demonstrations, of the questions with the longest texts."""
    from openrft.policies.checkpoint_files import load_tokenizer
    from openrft.policies.plain_prompt import open_prompts

    asked = [build_messages(sample, (), task.instruction) for sample in (*task.train, *task.test)]
    asked.sort(key=lambda messages: sum(len(turn["content"]) for turn in messages), reverse=True)
    try:
        prompts = open_prompts(load_tokenizer(path, None, settings.date), path, (), settings)
    except OSError as fault:
        raise CheckpointError(f"the tokenizer of {path!r} cannot be loaded: {fault}") from fault
    return max((len(prompts.encode(messages)) for messages in asked[:LONGEST]), default=0)
