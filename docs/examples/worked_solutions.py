"""A teacher without a model: a rule that an expert wrote down works each training question out in steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import openrft
from openrft import Completion, HookResult, Rollout, Sample, Task

BARRIER = re.compile(r"Solute Element[ \d]*: (\w+), Host Element[ \d]*: (\w+), Diffusion Barrier[^:]*: (-?[\d.]+)")


class WorkedSolutions(openrft.Plugin):
    """A question that the rule does not solve, or answers wrongly, is imitated by its bare answer."""

    replaces = ("teacher",)

    @dataclass(frozen=True)
    class Options:
        steps: bool = openrft.option(True, help="Whether the steps are written; false: bare answers alone.")

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def synthesize(self, samples: Sequence[Sample], task: Task) -> HookResult[list[Rollout]]:
        rollouts, solved = [], 0
        for sample in samples:
            steps = solve(sample) if self.options.steps else []
            if steps[-1:] != [f"The lowest is {sample.answer}. {sample.gold}."]:
                steps = []
            solved += bool(steps)
            text = "\n".join([*steps, openrft.box_answer(sample.answer)])
            prompt = openrft.build_messages(sample, (), task.instruction)
            rollouts.append(Rollout(sample, prompt, Completion(text)))
        return HookResult(rollouts, {"questions": len(samples), "solved": solved})


def solve(sample: Sample) -> list[str]:
    """The barrier of each option, the lower of two at a time, and the lowest. No steps if the question gives none."""
    given = {f"{solute} in {host}": value for solute, host, value in BARRIER.findall(sample.question)}
    named = zip("ABCD", sample.options, strict=False)
    barriers = {f"{letter}. {pair}": given[pair] for letter, pair in named if pair in given}
    if not barriers:
        return []
    steps = [f"{line}: {value}" for line, value in barriers.items()]
    lowest, *others = barriers
    for line in others:
        compared = f"{lowest[0]} {barriers[lowest]} or {line[0]} {barriers[line]}"
        lowest = min(lowest, line, key=lambda each: float(barriers[each]))
        steps.append(f"{compared}: {lowest[0]}")
    return [*steps, f"The lowest is {lowest}."]
