"""Fitness: before RL leans on process rewards, do they tell right from wrong on rollouts of the policy it starts from?

The questions are originals of the train split, without demonstrations, so that arms that start from the same policy
share the measurement. Its draws are keyed apart from every other stage's: measuring changes nothing that follows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from openrft.arm import derived_seed
from openrft.fitness.verdict import Fitness, fitness_from_json
from openrft.policies.base import Sampling
from openrft.prompt import messages_for
from openrft.sample import Rollout, Sample, content_of, to_json, write_jsonl
from openrft.stages.reward import judged
from openrft.work import Tally, Work

VERSION = 1
BEFORE = -1  # the step that the reward hook is told
FILE = "fitness.json"


def assess(work: Work) -> tuple[Fitness, ...]:
    """What was found of each source of process rewards; empty without one, without RL, or with fitness.questions=0."""
    how, explore = work.job.settings.fitness, work.job.settings.explore
    names = work.rewarding("process")
    if not names or not how.questions or not (work.plugins.training("explore") or work.plugins.training("explore-run")):
        return ()
    asked = _asked(work)

    def make(folder: Path, tally: Tally) -> None:
        from openrft.fitness.measure import measure

        rollouts = _drawn(work, asked, tally)
        rewards = judged(work, rollouts, BEFORE)
        process = [{reward.name: reward for reward in row if reward.kind == "process"} for row in rewards]
        sources = sorted(set.intersection(*map(set, process))) if process else []
        found = [measure(name, work.student.id, rollouts, [row[name] for row in process]) for name in sources]
        for name in names:
            tally.counted_by(name, work.plugins.counts(name))
        (folder / FILE).write_text(json.dumps([asdict(f) for f in found], indent=1), encoding="utf-8")
        scored = (replace(r, rewards=tuple(given)) for r, given in zip(rollouts, rewards, strict=True))
        write_jsonl(folder / "rollouts.jsonl", map(to_json, scored))

    inputs = {
        "samples": content_of(asked),
        "instruction": work.task.instruction,
        "settings": {**asdict(how), "temperature": explore.temperature, "max_tokens": explore.max_tokens},
        "policy": work.student.id,
        "seed": work.job.seed,
        "plugins": work.identity(names),
    }
    result = work.stage("fitness", VERSION, inputs, make)
    rows = json.loads((result.folder / FILE).read_text("utf-8"))
    return tuple(map(fitness_from_json, rows))


def _asked(work: Work) -> list[Sample]:
    train = work.task.train
    draw = random.Random(derived_seed(work.job.seed, "fitness"))
    return draw.sample(train, min(work.job.settings.fitness.questions, len(train)))


def _drawn(work: Work, asked: Sequence[Sample], tally: Tally) -> list[Rollout]:
    """Graded rollouts as RL would draw them; none for a prompt that is longer than the policy's context."""
    explore = work.job.settings.explore
    sampling = Sampling(
        n=work.job.settings.fitness.completions,
        temperature=explore.temperature,
        max_tokens=explore.max_tokens,
        seed=derived_seed(work.job.seed, "fitness", "sampling"),
    )
    prompts = [messages_for(s, (), work.task.instruction) for s in asked]
    groups = work.student.policy().generate(prompts, sampling, work.progress)
    rollouts = []
    for sample, prompt, group in zip(asked, prompts, groups, strict=True):
        for completion in group:
            if completion.finish != "context":
                verdict = work.task.grade(sample, completion.text)
                completion = replace(completion, logprobs=())
                rollouts.append(Rollout(sample, prompt, completion, answer=verdict.answer, correct=verdict.correct))
    tally.tokens = sum(len(r.completion.tokens) for r in rollouts)
    return rollouts
