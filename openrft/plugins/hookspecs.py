"""The six hooks in the paper's order, `judge`, and the providers. Called by name: a plugin takes only what it needs.

    @openrft.hookimpl
    def reward(self, rollouts): ...

A plugin is a class whose entry point stands in the group `openrft`. It is built as `Plugin(options)`, where
`Plugin.Options` is a frozen dataclass (leave it out and the plugin takes none; its fields are bool, int, float, str or
a Literal, or one of these or None), or as `Plugin()`. Class attributes
that the core reads: `needs` (names of plugins without which this one cannot act, such as ("rl",)), `provides` (names
of plugins whose place it takes in an arm, where others need them), `objectives` (what its train_step trains for;
"imitate" and "explore" where it is left out), `rewards` (the kinds of reward it gives, both where it is left out),
`support` (True if it changes nothing by itself, such as a teacher).

Attributes of the instance: `counts`, what its last hook counted, by name (a process reward's `steps_beyond_context` is
added up over a run and warned of); `content`, a text that tells apart what its options name besides a `model` (weights
of an embedder in a folder, say): results are stored under it, as they are under code and options. Of a plugin that
trains for explore: `redraws`, how many times a step may draw further questions in place of groups whose rewards are all
equal (dynamic sampling, DAPO, arXiv 2503.14476, section 3.2), 0 where it is left out; and `state`, plain JSON that its
train_step must remember from one step to the next: it is kept in checkpoints and set again when a run goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pluggy

from openrft.tasks.task import Task, TaskFamily
from openrft.types import Demonstration, Prompt, Reward, Rollout, Sample

if TYPE_CHECKING:
    from openrft.grading.grade import Grade
    from openrft.policies.base import Policy, Sampling, TrainablePolicy
    from openrft.runtime.progress import Progress

GROUP = "openrft"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
Objective = Literal["imitate", "explore", "explore_stage"]


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A named checkpoint that a plugin ships or knows."""

    path: str  # a checkpoint folder or a hub id
    summary: str = ""
    recommended: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # ^ settings and plugin options that suit it, by stage or plugin name: {"explore": {"steps": 40}}


class Exploration(Protocol):
    """The explore stage as a plugin sees it that runs the whole of it (objective "explore_stage").

    The plugin decides how completions are drawn and how the policy learns. What is asked, how answers are judged, the
    log and the checkpoints stay the core's, so that its arm compares with any other.
    """

    first: int  # the step to begin with: above 0 where a stopped run goes on, with the adapter and optimizer restored
    policy: TrainablePolicy

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        ...

    def draw_prompts(self, step: int) -> list[Prompt]:
        """The step's questions behind their demonstrations; the same for every trainer with the same seed."""
        ...

    def sampling(self, step: int) -> Sampling:
        """How many completions a question, how long and how warm; a random stream seeded with `seed` makes a run that
        goes on draw what it would have drawn."""
        ...

    def score_rollouts(self, step: int, rollouts: Sequence[Rollout]) -> list[Rollout]:
        """The rollouts (`prompt.to_rollout(completion)`) graded, rewarded by every plugin of the arm, mixed into R."""
        ...

    def log_step(self, step: int, rollouts: Sequence[Rollout], metrics: Mapping[str, float]) -> None:
        """To be called when the policy has learnt from a step's judged rollouts: logs it and saves a checkpoint.

        Raises PluginError for a metric that is not finite.
        """
        ...


class Hooks:
    """Signatures of the hooks. Every argument is passed by name."""

    @hookspec
    def augment(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> list[Sample]:
        """New samples made from `samples` (the train split), each with `parent` and `via` set.

        Called once, before synthesis. Every plugin's result is collected; the core keeps the originals, drops
        duplicates by id and refuses a sample without a parent among `samples`. `policy` is the untrained policy.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def synthesize(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> list[Rollout] | None:
        """Reasoning for `samples` (the original train split): one rollout a sample, targets of imitation.

        `completion.text` must reach the gold answer; the core grades every one again and refuses a wrong one.
        The first plugin that returns a list wins.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def retrieve(
        self, samples: Sequence[Sample], pool: Sequence[Demonstration], task: Task
    ) -> list[list[Demonstration]] | None:
        """For each of `samples` the demonstrations to put before it, in order, chosen from `pool` (train split).

        The core refuses a shot whose sample is the sample itself or its kin (`Sample.root`).
        """
        raise NotImplementedError

    @hookspec
    def reward(self, rollouts: Sequence[Rollout], task: Task, step: int, seed: int) -> list[Reward]:
        """One Reward a rollout, in order. Every plugin's result is collected.

        kind "process": `per_step` in [0, 1], one a line of the completion (`openrft.steps_of`); the core
        aggregates it with f and mixes R = alpha * outcome + (1 - alpha) * f(process) (paper, section 2.4).
        Where `explore.credit` is step or min, each step's share of R is earned where it ends (`Rollout.earned`).
        kind "outcome": replaces the grader's outcome reward (placebo studies, learned verifiers).
        `step` counts from 0; -1 stands for rollouts that are only looked at before RL (stages/fitness.py), which are
        not drawn where the plugin's attribute `rewards` says that it gives no process rewards.
        An exception stops the job and names the plugin; it never becomes a zero.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def train_step(
        self,
        policy: TrainablePolicy,
        rollouts: Sequence[Rollout],
        objective: Objective,
        step: int,
        seed: int,
        progress: Progress,
        run: Exploration | None,
    ) -> Mapping[str, float] | None:
        """Change the policy; return metrics, or None if `objective` is not this plugin's.

        "imitate": called once with all synthesised rollouts (SFT). "explore": called once a step with that
        step's scored rollouts (RL); rollouts of one sample form a group. "explore_stage": called once, without
        rollouts, for a plugin whose `objectives` name it: it takes every step from `run.first` to `run.steps` itself,
        through `run`, which the others do not get. If all return None the core refuses.
        """
        raise NotImplementedError

    @hookspec
    def evaluate(self, rollouts: Sequence[Rollout], task: Task) -> Mapping[str, float]:
        """Further metrics of the graded test rollouts, by name. Collected; names must not clash."""
        raise NotImplementedError

    @hookspec(firstresult=True)
    def judge(self, rollouts: Sequence[Rollout], task: Task, progress: Progress) -> list[Grade] | None:
        """Grades of the test answers that `task.grade` left open (`correct` is None): one a rollout, in order.

        Called before `evaluate`, with those rollouts alone. None = no judge is at hand, or a Grade whose `correct` is
        None: the answer is reported as not scored, never as wrong. A judge that cannot be reached raises.
        """
        raise NotImplementedError

    @hookspec
    def tasks(self) -> TaskFamily:
        """Provider: the family of tasks of the plugin's own name.

        A family may offer more than `TaskFamily`: all rows of a task (`task.Whole`), or a store that loads fast
        (`task.Preparing`), which `openrft tasks prepare` makes.
        """
        raise NotImplementedError

    @hookspec
    def policies(self) -> Mapping[str, PolicyInfo]:
        """Provider: named checkpoints (policies, teachers, PRMs), each name starting with the plugin's own."""
        raise NotImplementedError
