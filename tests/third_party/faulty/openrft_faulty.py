"""Plugins that each break one thing that the conformance kit checks, and one that breaks nothing."""

import os
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

import openrft
from openrft import PolicyInfo, Reward, Task, TaskInfo
from openrft.testing import toy_task


class Scorer(openrft.Plugin):
    """A reward for short answers; the others change `score`."""

    rewards = ("outcome",)

    @openrft.hookimpl
    def reward(self, rollouts, step, seed):
        return [Reward("faulty", "outcome", float(score)) for score in self.score(rollouts, seed)]

    def score(self, rollouts, seed):
        return [1 / (1 + len(r.completion.text)) for r in rollouts]


class Steady(Scorer):
    """Breaks nothing."""

    needs_gold = False

    @dataclass(frozen=True)
    class Options:
        share: float = openrft.option(0.5, help="What an answer earns, as a share of the highest reward.", ge=0, le=1)

    def __init__(self, options):
        self.options = options

    def score(self, rollouts, seed):
        """Right and wrong answers alike: 0 for an empty one."""
        return [self.options.share * (r.sample.question in r.messages[-1]["content"]) for r in rollouts]


class Unmarked(openrft.Plugin):
    def reward(self, rollouts):
        return []


class Unhelped(Scorer):
    @dataclass(frozen=True)
    class Options:
        limit: int = 3

    def __init__(self, options):
        pass


class NotANumber(Scorer):
    def score(self, rollouts, seed):
        return [float("nan") for _ in rollouts]


class Sorted(Scorer):
    def score(self, rollouts, seed):
        return sorted(super().score(rollouts, seed))


class Adding(Scorer):
    def score(self, rollouts, seed):
        scores = super().score(rollouts, seed)
        return [sum(scores[: i + 1]) for i in range(len(scores))]


class Unseeded(Scorer):
    def score(self, rollouts, seed):
        return [random.random() for _ in rollouts]


class Counting(Scorer):
    """Knows how often it was called."""

    def __init__(self):
        self.calls = 0

    def score(self, rollouts, seed):
        self.calls += 1
        return [self.calls for _ in rollouts]


class Writing(Scorer):
    def score(self, rollouts, seed):
        for rollout in rollouts:
            rollout.sample.meta["seen"] = True
        return super().score(rollouts, seed)


class Resorting(Scorer):
    """Sorts the list that it is given, and gives the rewards of the order before."""

    def score(self, rollouts, seed):
        scores = super().score(rollouts, seed)
        rollouts.sort(key=lambda r: r.completion.text)
        return scores


class Averaging(Scorer):
    def score(self, rollouts, seed):
        mean = sum(len(r.completion.text) for r in rollouts) / len(rollouts)
        return [float(len(r.completion.text) > mean) for r in rollouts]


class Scaling(Scorer):
    """Divides by the spread of the batch."""

    def score(self, rollouts, seed):
        sizes = [len(r.completion.text) for r in rollouts]
        spread = max(sizes, default=0) - min(sizes, default=0)
        return [size / spread if spread else float("nan") for size in sizes]


class Small(Scorer):
    def score(self, rollouts, seed):
        if len(rollouts) > 500:
            raise MemoryError("too many answers")
        return super().score(rollouts, seed)


class Peeking(Scorer):
    needs_gold = False

    def score(self, rollouts, seed):
        return [float(r.sample.gold in r.completion.text) for r in rollouts]


class GradePeeking(Scorer):
    needs_gold = False

    def score(self, rollouts, seed):
        return [float(bool(r.correct)) for r in rollouts]


class PaysLength(Scorer):
    def score(self, rollouts, seed):
        return [min(len(r.completion.text) / 5000, 1.0) for r in rollouts]


class Hashing(Scorer):
    """The hash of a text is another one in every process."""

    def score(self, rollouts, seed):
        return [hash(r.sample.question) % 100 for r in rollouts]


class Trainer(openrft.Plugin):
    trains = ("explore",)

    @openrft.hookimpl
    def train_step(self, policy, rollouts, seed):
        policy.attach_lora(2, 4, seed)
        return self.measure(policy)

    def measure(self, policy):
        return {"loss": float("nan")}


class Silent(Trainer):
    def measure(self, policy):
        return None


class Noisy(Trainer):
    def measure(self, policy):
        for name, weight in policy.model.named_parameters():
            if "lora_B" in name:
                weight.data += random.random()
        return {"loss": 1.0}


class Family:
    family = "faulty-tasks"

    def names(self, data=None):
        return [TaskInfo("faulty-tasks/sums", "")]

    def load(self, name, request):
        task = toy_task(request.train, request.test)
        return Task(name, task.train, (*task.test[:-1], task.test[0]))


class Tasks(openrft.Plugin):
    @openrft.hookimpl
    def tasks(self):
        return Family()


class HashedFamily(Family):
    """The order of a set of texts is another one in every process."""

    family = "faulty-order"

    def names(self, data=None):
        return [TaskInfo("faulty-order/sums", "")]

    def load(self, name, request):
        task = toy_task(request.train, request.test)
        by_question = {sample.question: sample for sample in task.train}
        return replace(task, name=name, train=tuple(by_question[question] for question in set(by_question)))


class HashedTasks(openrft.Plugin):
    @openrft.hookimpl
    def tasks(self):
        return HashedFamily()


class RowlessFamily(Family):
    """Sound, but its rows are not on this machine."""

    family = "faulty-rowless"

    def names(self, data=None):
        return [TaskInfo("faulty-rowless/sums", "")]

    def load(self, name, request):
        raise openrft.DataError("its rows are elsewhere.", "Give --data.")


class RowlessTasks(openrft.Plugin):
    @openrft.hookimpl
    def tasks(self):
        return RowlessFamily()


class Policies(openrft.Plugin):
    @openrft.hookimpl
    def policies(self):
        return {"faulty-policies/base": PolicyInfo(str(Path(__file__).parent / "nowhere"))}


class Sleeping(Scorer):
    def __init__(self):
        time.sleep(600)


class Dying(Scorer):
    def score(self, rollouts, seed):
        os._exit(3)
