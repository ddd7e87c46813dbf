"""A teacher without a model: rules that an expert wrote down work each training question out in steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import openrft
from openrft import Completion, HookResult, Rollout, Sample, Task

BARRIER = re.compile(r"Solute Element[ \d]*: (\w+), Host Element[ \d]*: (\w+), Diffusion Barrier[^:]*: (-?[\d.]+)")


class WorkedSolutions(openrft.Plugin):
    """A question that no rule solves, or that a rule answers wrongly, is imitated by its bare answer."""

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
            if not steps or steps[-1] != f"{sample.answer}. {sample.gold}":
                steps = []
            solved += bool(steps)
            text = "\n".join([*steps, openrft.box_answer(sample.answer)])
            prompt = openrft.build_messages(sample, (), task.instruction)
            rollouts.append(Rollout(sample, prompt, Completion(text)))
        return HookResult(rollouts, {"questions": len(samples), "solved": solved})


def solve(sample: Sample) -> list[str]:
    """The steps, of which the last names the option. None where no rule applies."""
    barriers = {f"{solute} in {host}": value for solute, host, value in BARRIER.findall(sample.question)}
    if not barriers:
        return []
    best = min(barriers, key=lambda pair: float(barriers[pair]))
    steps = [f"{pair}: {value}" for pair, value in barriers.items()]
    steps.append(f"The lowest barrier is {barriers[best]}: {best}.")
    named = zip("ABCD", sample.options, strict=False)
    return [*steps, *(f"{letter}. {text}" for letter, text in named if text == best)]
