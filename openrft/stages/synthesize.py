"""Synthesize: a teacher's reasoning for the training questions. The core grades every answer again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from openrft.errors import PluginError
from openrft.plugins.errors import name_plugin_in_errors
from openrft.plugins.registry import find_plugin
from openrft.runtime.files import read_jsonl, write_jsonl
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.tasks.task import Task
from openrft.types import Rollout, Sample, digest_samples, rollout_from_json, to_json

VERSION = 1


def synthesize(context: JobContext) -> tuple[Rollout, ...]:
    """Verified targets, at most one per question of the original train split (paper, section 3.2). None if no plugin
    imitates."""
    names = context.plugins.implementing("synthesize")
    if not names or not context.plugins.trainers_for("imitate"):
        return ()

    def make(folder: Path, stats: StageStats) -> None:
        answered = context.plugins.call_first(
            "synthesize",
            samples=context.task.train,
            task=context.training_task,
            policy=context.policy.load(),
            seed=derive_seed(context.job.seed, "synthesize"),
            progress=context.progress,
        )
        if answered is None:
            raise PluginError(f"none of {', '.join(names)} synthesised anything.")
        name, result = answered
        verified = verify_targets(name, context.task.train, result.value, context.task)
        stats.add_result(name, result)
        stats.tokens = result.counts.get("tokens", sum(len(r.completion.tokens) for r in verified))
        write_jsonl(folder / "rollouts.jsonl", map(to_json, verified))

    inputs = {
        "samples": digest_samples(context.task.train),
        "instruction": context.task.instruction,
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(names),
    }
    result = context.run_stage("synthesize", VERSION, inputs, make)
    return tuple(rollout_from_json(row) for row in read_jsonl(result.folder / "rollouts.jsonl"))


def verify_targets(name: str, samples: Sequence[Sample], rollouts: Sequence[Rollout], task: Task) -> list[Rollout]:
    """The rollouts graded again. Raises PluginError unless they are in the order of `samples`, at most one to each and
    at least one in all, with right answers."""
    with name_plugin_in_errors(name, "gave no list of rollouts in synthesize"):
        given = [r.sample.id for r in rollouts]
    if samples and not given:
        raise PluginError(
            f"{find_plugin(name)} left out all {len(samples)} samples, so there is nothing to imitate.",
            "Take another teacher, or leave out the plugins that imitate.",
        )
    own = set(given)
    if given != [s.id for s in samples if s.id in own]:
        raise PluginError(
            f"{find_plugin(name)} did not synthesise at most one rollout for each of {len(samples)} samples, in order."
        )
    verified = []
    for rollout in rollouts:
        verdict = task.grade(rollout.sample, rollout.completion.text)
        if not verdict.correct:
            raise PluginError(
                f"{find_plugin(name)}: the synthesised reasoning for sample {rollout.sample.id} answers wrongly."
            )
        verified.append(replace(rollout, answer=verdict.answer, correct=True))
    return verified
