"""What the checks look at: a job before it starts, and answers of its policy, drawn once for all checks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.policies.base import Sampling, TrainablePolicy
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.stages.grade import grade_rollouts
from openrft.tasks.prompt import build_messages
from openrft.types import Demonstration, Rollout, Sample

if TYPE_CHECKING:
    from openrft.bench.plan import BenchPlan

QUESTIONS = 20  # training questions that the policy answers
COMPLETIONS = (4, 8)  # to each: as many as an RL group has, within these


@dataclass(eq=False)
class Subject:
    """One job on one task, examined before it runs."""

    context: JobContext
    plan: BenchPlan
    folder: Path  # where the run would write
    questions: int = QUESTIONS

    @property
    def train(self) -> Sequence[Sample]:
        """The training questions."""
        return self.context.task.train

    @property
    def trains(self) -> bool:
        """Whether the arm has RL."""
        plugins = self.context.plugins
        return bool(plugins.trainers_for("explore") or plugins.trainers_for("explore_stage"))

    @property
    def imitates(self) -> bool:
        """Whether the arm imitates a teacher before RL."""
        plugins = self.context.plugins
        return bool(plugins.trainers_for("imitate") and plugins.implementing("synthesize"))

    @property
    def k(self) -> int:
        """The number of completions of each question."""
        low, high = COMPLETIONS
        return min(max(self.context.job.settings.explore.group_size, low), high)

    @property
    def policy(self) -> Any:
        """The untrained policy, loaded when it is first needed."""
        return self.context.policy.load()

    @property
    def weights(self) -> TrainablePolicy | None:
        """The policy, if it has local weights and a tokenizer."""
        if self.context.job.policy.startswith(("openai:", BASELINE_PREFIX)):
            return None
        return cast(TrainablePolicy, self.policy) if hasattr(self.policy, "attach_lora") else None

    @cached_property
    def asked(self) -> list[Sample]:
        """The training questions that the checks ask the policy, drawn by the job's seed."""
        draw = random.Random(derive_seed(self.context.job.seed, "doctor"))
        return draw.sample(list(self.train), min(self.questions, len(self.train)))

    @cached_property
    def answers(self) -> list[Rollout]:
        """`k` graded answers to each question asked, drawn as in RL and adjacent, without demonstrations."""
        return self.answer(self.asked, [()] * len(self.asked), self.k)

    def answer(
        self, samples: Sequence[Sample], demonstrations: Sequence[Sequence[Demonstration]], completions: int
    ) -> list[Rollout]:
        """Graded answers, `completions` to each sample, drawn as in RL. Those that were not written are left out."""
        how = self.context.job.settings.explore
        seed = derive_seed(self.context.job.seed, "doctor", "sampling")
        sampling = Sampling(n=completions, temperature=how.temperature, max_tokens=how.max_tokens, seed=seed)
        instruction = self.context.task.instruction
        prompts = [build_messages(s, d, instruction) for s, d in zip(samples, demonstrations, strict=True)]
        groups = self.policy.generate(prompts, sampling, self.context.progress)
        drawn = [
            Rollout(sample, prompt, completion, tuple(d.sample.id for d in shown))
            for sample, prompt, group, shown in zip(samples, prompts, groups, demonstrations, strict=True)
            for completion in group
            if completion.is_written
        ]
        return grade_rollouts(self.context, drawn, StageStats())

    @property
    def taught(self) -> list[Sample]:
        """The questions that the teacher is asked: the first half of those asked."""
        return self.asked[: max(1, self.questions // 2)]

    @cached_property
    def targets(self) -> list[Rollout]:
        """The teacher's solutions of `taught`; empty without a teacher."""
        plugins = self.context.plugins
        if not plugins.implementing("synthesize"):
            return []
        few = self.taught
        found = plugins.call_first(
            "synthesize",
            samples=few,
            task=replace(self.context.training_task, train=tuple(few)),
            policy=self.policy,
            seed=derive_seed(self.context.job.seed, "doctor", "synthesize"),
            progress=self.context.progress,
        )
        return [] if found is None else list(found[1].value)


def by_question(rollouts: Sequence[Rollout]) -> dict[str, list[Rollout]]:
    """The rollouts of each question, by its id."""
    groups: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        groups.setdefault(rollout.sample.id, []).append(rollout)
    return groups


def accuracy(rollouts: Sequence[Rollout]) -> float:
    """The share of right answers among those that could be graded; 0 without any."""
    graded = [bool(r.correct) for r in rollouts if r.correct is not None]
    return sum(graded) / len(graded) if graded else 0.0


def percent(share: float) -> str:
    """0.437 -> "44%"."""
    return f"{100 * share:.0f}%"
