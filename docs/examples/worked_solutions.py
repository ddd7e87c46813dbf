"""A teacher without a model: a rule that an expert wrote down works each training question out in steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import openrft
from openrft import Completion, HookResult, Rollout, Sample, Task

TENTHS = [f"-{n}" for n in range(9, -1, -1)] + [str(n) for n in range(30)]
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
        rollouts = []
        for sample in samples:
            steps = solve(sample) if self.options.steps else []
            right = steps[-1:] == [f"The lowest is {sample.answer}. {sample.gold}."]
            text = "\n".join([*(steps if right else []), openrft.box_answer(sample.answer)])
            rollouts.append(Rollout(sample, openrft.build_messages(sample, (), task.instruction), Completion(text)))
        solved = sum("\n" in rollout.completion.text for rollout in rollouts)
        return HookResult(rollouts, {"questions": len(samples), "solved": solved})


def solve(sample: Sample) -> list[str]:
    """Steps to the lowest barrier. Tenths are counted up: a small model finds what it wrote, but compares badly."""
    given = {f"{solute} in {host}": value for solute, host, value in BARRIER.findall(sample.question)}
    barriers = {f"{'ABCD'[i]}. {pair}": given[pair] for i, pair in enumerate(sample.options) if pair in given}
    tenths = {line: re.sub(r"\b0?\.(\d).*", r"\1", value) for line, value in barriers.items()}  # -0.38 is -3
    steps = [f"{line}: {value}, tenths {tenths[line]}" for line, value in barriers.items()]
    if len(lowest := count_up(tenths, TENTHS, steps)) > 1:  # the next digit tells, in the same way
        marks = {line: re.sub(r"\b0?\.(\d\d).*", r"\1", barriers[line]) for line in lowest}
        steps.append(", ".join(f"{line[0]} {mark}" for line, mark in marks.items()))
        digits = range(9, -1, -1) if marks[lowest[0]][0] == "-" else range(10)
        lowest = count_up(marks, [f"{tenths[lowest[0]]}{digit}" for digit in digits], steps)
    return [*steps, f"The lowest is {lowest[0]}."] if lowest else []


def count_up(marks: dict[str, str], scale: Sequence[str], steps: list[str]) -> list[str]:
    for place, mark in enumerate(scale):
        if found := [line for line in marks if marks[line] == mark]:
            steps.append("".join(f"{lower} no, " for lower in scale[:place]) + " ".join([mark, *(f[0] for f in found)]))
            return found
    return []
