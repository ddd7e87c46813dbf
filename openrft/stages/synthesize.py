"""Synthesize: reasoning for the training questions, from a teacher. The core grades every answer again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from openrft.arm import derived_seed
from openrft.blame import blamed
from openrft.errors import PluginError
from openrft.installed import about
from openrft.sample import Rollout, Sample, content_of, read_jsonl, rollout_from_json, to_json, write_jsonl
from openrft.task import Task
from openrft.work import Tally, Work

VERSION = 1


def synthesize(work: Work) -> tuple[Rollout, ...]:
    """One verified target a question of the original train split (paper, section 3.2); none without an imitator."""
    names = work.plugins.having("synthesize")
    if not names or not work.plugins.training("imitate"):
        return ()

    def make(folder: Path, tally: Tally) -> None:
        answered = work.plugins.first(
            "synthesize",
            samples=work.task.train,
            task=work.training_task,
            policy=work.student.policy(),
            seed=derived_seed(work.job.seed, "synthesize"),
            progress=work.progress,
        )
        if answered is None:
            raise PluginError(f"none of {', '.join(names)} synthesised anything.")
        name, rollouts = answered
        tally.counted_by(name, work.plugins.counts(name))
        tally.tokens = tally.counts.get(f"{name}.tokens", sum(len(r.completion.tokens) for r in rollouts))
        verified = verify(name, work.task.train, rollouts, work.task)
        write_jsonl(folder / "rollouts.jsonl", map(to_json, verified))

    inputs = {
        "samples": content_of(work.task.train),
        "instruction": work.task.instruction,
        "policy": work.student.id,
        "seed": work.job.seed,
        "plugins": work.identity(names),
    }
    result = work.stage("synthesize", VERSION, inputs, make)
    return tuple(rollout_from_json(row) for row in read_jsonl(result.folder / "rollouts.jsonl"))


def verify(name: str, samples: Sequence[Sample], rollouts: Sequence[Rollout], task: Task) -> list[Rollout]:
    """The rollouts graded again. Raises PluginError unless each sample has one, in order, with the right answer."""
    with blamed(name, "gave no list of rollouts in synthesize"):
        given = [r.sample.id for r in rollouts]
    if given != [s.id for s in samples]:
        raise PluginError(f"{about(name)} did not synthesise one rollout for each of {len(samples)} samples, in order.")
    verified = []
    for rollout in rollouts:
        verdict = task.grade(rollout.sample, rollout.completion.text)
        if not verdict.correct:
            raise PluginError(
                f"{about(name)}: the synthesised reasoning for sample {rollout.sample.id} answers wrongly."
            )
        verified.append(replace(rollout, answer=verdict.answer, correct=True))
    return verified
