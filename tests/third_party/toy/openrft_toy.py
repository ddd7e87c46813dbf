"""What a third party would publish: a task family and a process reward with an option."""

from dataclasses import dataclass
from typing import Literal

import openrft
from openrft import DataRequest, Reward, Task, TaskInfo
from openrft.testing import toy_sample


class Sums:
    family = "toy"

    def names(self, data=None):
        return [TaskInfo("toy/sums", "sums of two small numbers")]

    def load(self, name, request: DataRequest):
        train = [toy_sample(2 + i % 30, 2 + i // 30) for i in range(request.train)]
        test = [toy_sample(32 + i % 30, 2 + i // 30) for i in range(request.test)]
        return Task(name, tuple(train), tuple(test))


class Toy:
    @openrft.hookimpl
    def tasks(self):
        return Sums()


class Brevity:
    """Each step scores 1 if it is short."""

    requires = ("rl",)

    @dataclass(frozen=True)
    class Options:
        limit: int = openrft.option(40, help="How long a step may be.", source="taste", ge=1)
        unit: Literal["characters", "bytes"] = "characters"

    def __init__(self, options):
        self.options = options

    @openrft.hookimpl
    def reward(self, rollouts):
        def scores(text):
            return tuple(float(len(step) <= self.options.limit) for step in openrft.split_steps(text))

        return [Reward("brevity", "process", per_step=scores(r.completion.text)) for r in rollouts]

    @openrft.hookimpl
    def evaluate(self, rollouts):
        return {"mean_characters": sum(len(r.completion.text) for r in rollouts) / len(rollouts)}
