"""Plugins that give something else than was asked for, hook by hook, and families that fail outside any hook."""

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import openrft
from openrft import Task, TaskInfo


class Odd:
    """Gives `what` from the hook `hook`, and nothing from the others."""

    @dataclass(frozen=True)
    class Options:
        hook: str = ""
        what: str = "number"

    def __init__(self, options):
        self.options = options

    def _given(self, hook):
        things = {"number": 3, "numbers": [3], "rows": [[3], [3]], "text": {"a": "many"}, "nothing": None}
        return things[self.options.what] if self.options.hook == hook else None

    @openrft.hookimpl
    def augment(self, samples):
        return self._given("augment") or []

    @openrft.hookimpl
    def synthesize(self, samples):
        return self._given("synthesize")

    @openrft.hookimpl
    def retrieve(self, samples):
        given = self._given("retrieve")
        return given * (len(samples) // 2) if given == [[3], [3]] else given

    @openrft.hookimpl
    def grade(self, rollouts):
        return self._given("grade")

    @openrft.hookimpl
    def evaluate(self, rollouts):
        return self._given("evaluate")

    @openrft.hookimpl
    def reward(self, rollouts):
        given = self._given("reward")
        if self.options.hook != "reward":
            return [openrft.Reward("odd", "outcome", 1.0) for _ in rollouts]
        return given * len(rollouts) if given == [3] else given


class Measuring:
    """Its metric is no number: an arm of its own may fail, and no other."""

    @openrft.hookimpl
    def evaluate(self, rollouts):
        return {"length": "long"}


class Lost:
    """Looks for rows where there are none, and grades with a grader or knows a rule that breaks."""

    family = "lost"

    def names(self, data=None):
        kinds = {"rows": "rows that are not there", "graded": "a grader that breaks", "ruled": "a rule that breaks"}
        return [TaskInfo(f"lost/{name}", summary) for name, summary in kinds.items()]

    def load(self, name, request):
        from openrft.testing import toy_task

        if name == "lost/rows":
            return Path("nowhere.jsonl").read_text()
        task = toy_task(request.train, request.test)
        if name == "lost/ruled":
            return replace(
                task, name=name, baseline_rules={s.task: lambda train: lambda asked: 1 / 0 for s in task.test}
            )
        return Task(name, task.train, task.test, grade=lambda sample, completion: completion[10**9])


class LostPlugin:
    @openrft.hookimpl
    def tasks(self):
        return Lost()


class Plain:
    """Its tasks are no family, its options no dataclass."""

    Options = dict

    @openrft.hookimpl
    def tasks(self):
        return object()


class Familyless:
    @openrft.hookimpl
    def tasks(self):
        return object()


class Deadly:
    """Kills its own process the first `times` times, counted in a file."""

    @dataclass(frozen=True)
    class Options:
        file: str = ""
        times: int = 1

    def __init__(self, options):
        self.options = options

    @openrft.hookimpl
    def evaluate(self, rollouts):
        file = Path(self.options.file)
        deaths = len(file.read_text()) if file.exists() else 0
        if deaths < self.options.times:
            file.write_text("x" * (deaths + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return {}


class Demanding:
    """An option without a default."""

    @dataclass(frozen=True)
    class Options:
        key: str

    def __init__(self, options):
        self.options = options

    @openrft.hookimpl
    def evaluate(self, rollouts):
        return {}
