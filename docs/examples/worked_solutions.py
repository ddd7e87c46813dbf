"""A teacher without a model: a rule that an expert wrote down works each training question out in steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import lowest_barrier
import second_largest
import typical_fitness

import openrft
from openrft import Completion, HookResult, Rollout, Sample, Task

# Each gives the steps, and the letter that they lead to; none: they only lay out what the answer depends on.
RULES: dict[str, Callable[[Sample], tuple[list[str], str | None]]] = {
    "lowest-barrier": lowest_barrier.solve,
    "second-largest": second_largest.solve,
    "typical-fitness": typical_fitness.solve,
}


class WorkedSolutions(openrft.Plugin):
    """A question that the rule does not solve, or answers wrongly, is imitated by its bare answer."""

    replaces = ("teacher",)

    @dataclass(frozen=True)
    class Options:
        rule: Literal["lowest-barrier", "second-largest", "typical-fitness"] = openrft.option(
            "lowest-barrier", help="Which rule works the questions out."
        )
        steps: bool = openrft.option(True, help="Whether the steps are written; false: bare answers alone.")

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def synthesize(self, samples: Sequence[Sample], task: Task) -> HookResult[list[Rollout]]:
        rollouts = []
        for sample in samples:
            steps, letter = RULES[self.options.rule](sample) if self.options.steps else ([], None)
            right = letter in (sample.answer, None)
            text = "\n".join([*(steps if right else []), openrft.box_answer(sample.answer)])
            rollouts.append(Rollout(sample, openrft.build_messages(sample, (), task.instruction), Completion(text)))
        solved = sum("\n" in rollout.completion.text for rollout in rollouts)
        return HookResult(rollouts, {"questions": len(samples), "solved": solved})
