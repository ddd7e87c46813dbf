"""Toy data for tests of plugins: sums with four options, graded answers to them, and a policy that follows a script."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from openrft.policies.base import Sampling
from openrft.runtime.progress import Progress
from openrft.stages.grade import grade_by_rule
from openrft.tasks.prompt import box_answer, build_messages
from openrft.tasks.task import Task
from openrft.types import LETTERS, Completion, Message, Rollout, Sample


def toy_sample(a: int, b: int, seed: int = 0) -> Sample:
    """The question "What is a + b?", with four options whose order depends on the seed."""
    options = [str(a + b + d) for d in (0, 1, 2, 3)]
    random.Random(f"{a}+{b}/{seed}").shuffle(options)
    return Sample(f"What is {a} + {b}?", LETTERS[options.index(str(a + b))], tuple(options), task="toy/sums")


def toy_task(train: int = 8, test: int = 8) -> Task:
    """Sums of small numbers; train and test are disjoint."""
    pairs = [(a, b) for a in range(2, 40) for b in range(2, 40)]
    random.Random(0).shuffle(pairs)
    samples = [toy_sample(a, b) for a, b in pairs[: train + test]]
    return Task("toy/sums", tuple(samples[:train]), tuple(samples[train:]))


class ScriptedPolicy:
    """A policy whose answers come from a function: (messages, sample number) -> text."""

    def __init__(self, script: Callable[[Sequence[Message], int], str]) -> None:
        self.id = "scripted"
        self._script = script
        self.asked = 0  # prompts answered so far

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """The script's answers. Tokens are the bytes of the text."""
        self.asked += len(prompts)
        return [
            [Completion(text, tuple(text.encode())) for text in (self._script(p, i) for i in range(sampling.n))]
            for p in prompts
        ]


def toy_rollouts(task: Task) -> list[Rollout]:
    """A right, a wrong, an unparsed and an empty completion for each training sample, graded."""
    rollouts = []
    for sample in task.train:
        wrong = next(letter for letter in LETTERS if letter != sample.answer)
        for text in (f"so\n{box_answer(sample.answer)}", f"so\n{box_answer(wrong)}", "so\nwell", ""):
            completion = Completion(text, tuple(text.encode()), (-1.0,) * len(text.encode()))
            messages = build_messages(sample, (), task.instruction)
            rollouts.append(Rollout(sample, messages, completion))
    return grade_by_rule(task, rollouts)
