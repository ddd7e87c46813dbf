"""Fitness: measure, before RL, whether process rewards tell right from wrong on rollouts of the policy RL starts from.

The questions are originals of the train split without demonstrations, so arms that start from the same policy share the
measurement. Its draws have their own keys, so measuring changes nothing that follows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from openrft.config.documents import read_value
from openrft.errors import StoreError
from openrft.policies.base import Sampling
from openrft.rewards.fitness import RewardFitness
from openrft.runtime.files import write_jsonl
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.stages.grade import grade_rollouts
from openrft.stages.reward import BEFORE_RL, collect_plugin_rewards
from openrft.tasks.prompt import build_messages
from openrft.types import Rollout, Sample, digest_samples, to_json

VERSION = 1
FITNESS_FILE = "fitness.json"
ROLLOUTS_FILE = "rollouts.jsonl"


@dataclass(frozen=True, slots=True)
class MeasuredFitness:
    """What was measured, and on what."""

    found: tuple[RewardFitness, ...] = ()  # of each source of process rewards
    rollouts: Path | None = None  # the graded rollouts with their rewards, in the store


def measure_reward_fitness(context: JobContext) -> MeasuredFitness:
    """The measurement of each source of process rewards. Empty without one, without RL, or with fitness.questions=0."""
    how, explore = context.job.settings.fitness, context.job.settings.explore
    names = context.plugins.rewarding("process")
    if (
        not names
        or not how.questions
        or not (context.plugins.trainers_for("explore") or context.plugins.trainers_for("explore_stage"))
    ):
        return MeasuredFitness()
    asked = draw_questions(context)

    def make(folder: Path, stats: StageStats) -> None:
        from openrft.rewards.fitness_statistics import compute_reward_fitness

        rollouts = grade_rollouts(context, draw_rollouts(context, asked, how.completions, stats), stats)
        given = collect_plugin_rewards(context, rollouts, BEFORE_RL, stats, kind="process")
        stats.count("unrewarded", sum(row is None for row in given))
        rollouts = [rollout for rollout, row in zip(rollouts, given, strict=True) if row is not None]
        rewards = [row for row in given if row is not None]
        process = [{reward.name: reward for reward in row if reward.kind == "process"} for row in rewards]
        sources = sorted(set.intersection(*map(set, process))) if process else []
        found = [
            compute_reward_fitness(name, context.policy.id, rollouts, [row[name] for row in process])
            for name in sources
        ]
        (folder / FITNESS_FILE).write_text(json.dumps([asdict(f) for f in found], indent=1), encoding="utf-8")
        scored = (replace(r, rewards=tuple(row)) for r, row in zip(rollouts, rewards, strict=True))
        write_jsonl(folder / ROLLOUTS_FILE, map(to_json, scored))

    inputs = {
        "samples": digest_samples(asked),
        "instruction": context.task.instruction,
        "settings": {**asdict(how), "temperature": explore.temperature, "max_tokens": explore.max_tokens},
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(dict.fromkeys([*names, *context.plugins.implementing("grade")])),
    }
    result = context.run_stage("fitness", VERSION, inputs, make)
    rows = json.loads((result.folder / FITNESS_FILE).read_text("utf-8"))
    found, faults = read_value(tuple[RewardFitness, ...], rows, "ignore")
    if faults:
        raise StoreError(f"{result.folder / FITNESS_FILE}: {faults[0]}.", "Delete this folder and run again.")
    return MeasuredFitness(found, result.folder / ROLLOUTS_FILE)


def draw_questions(context: JobContext) -> list[Sample]:
    """`fitness.questions` originals of the train split, the same for every arm."""
    train = context.task.train
    draw = random.Random(derive_seed(context.job.seed, "fitness"))
    return draw.sample(train, min(context.job.settings.fitness.questions, len(train)))


def draw_rollouts(context: JobContext, asked: Sequence[Sample], completions: int, stats: StageStats) -> list[Rollout]:
    """Rollouts without a grade, `completions` for each question, drawn as in RL; none for a prompt that is longer than
    the policy's context."""
    explore = context.job.settings.explore
    sampling = Sampling(
        n=completions,
        temperature=explore.temperature,
        max_tokens=explore.max_tokens,
        seed=derive_seed(context.job.seed, "fitness", "sampling"),
    )
    prompts = [build_messages(s, (), context.task.instruction) for s in asked]
    groups = context.policy.load().generate(prompts, sampling, context.progress)
    rollouts = []
    for sample, prompt, group in zip(asked, prompts, groups, strict=True):
        for completion in group:
            if completion.is_written:
                rollouts.append(Rollout(sample, prompt, replace(completion, logprobs=())))
    stats.tokens = sum(len(r.completion.tokens) for r in rollouts)
    return rollouts
