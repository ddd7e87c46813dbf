"""The six hooks in the paper's order, `judge`, and the providers. Called by name: a plugin takes only what it needs.

    class Brevity(openrft.Plugin):
        requires = ("rl",)

        @openrft.hookimpl
        def reward(self, rollouts): ...

A plugin is a class whose entry point stands in the group `openrft`. What it declares is documented at `Plugin`
(base.py). It is built as `Plugin(options)`, where `Plugin.Options` is a frozen dataclass, or as `Plugin()`.

A hook returns its value, or a `HookResult` around it that also says what was counted and measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import pluggy

from openrft.tasks.task import Task, TaskFamily
from openrft.types import JSON, Demonstration, Prompt, Reward, Rollout, Sample

if TYPE_CHECKING:
    from openrft.config.settings import Settings
    from openrft.grading.grade import Grade
    from openrft.policies.base import Policy, Sampling, TrainablePolicy
    from openrft.runtime.progress import Progress

GROUP = "openrft"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
Objective = Literal["imitate", "explore", "explore_stage"]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class HookResult(Generic[T_co]):
    """What a hook returns, where it has more to say than its value. Around None it counts as None: no answer."""

    value: T_co  # what the hook would return alone
    counts: Mapping[str, int] = field(default_factory=dict)
    # ^ what was counted, by name, such as refusals; kept with the stage as PLUGIN.NAME, added up over its calls.
    #   The core warns of a process reward's `steps_beyond_context`: steps that the reward model could not read
    metrics: Mapping[str, float] = field(default_factory=dict)
    # ^ what was measured, by name; kept as PLUGIN.NAME, in explore in the row of its step
    state: JSON = None  # of train_step: what it is given back as `state` at its next call, also after a resume


Returned: TypeAlias = T | HookResult[T]  # what a hook may return: its value, or a result around it


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

    def log_step(
        self, step: int, rollouts: Sequence[Rollout], metrics: Mapping[str, float], state: JSON = None
    ) -> None:
        """To be called when the policy has learnt from a step's scored rollouts: logs it and saves a checkpoint.

        `state` is what the plugin must remember: `train_step` is given it when a stopped run goes on. Raises
        PluginError for a metric that is not finite.
        """
        ...


class Hooks:
    """Signatures of the hooks. Every argument is passed by name."""

    @hookspec
    def check_job(self, settings: Settings, task: Task) -> Returned[list[str]] | None:
        """What would make a job with this plugin fail, a sentence each; an empty list or None if nothing is known.

        Called for every job of a bench before the first one starts, so it must be quick. `settings` are those of the
        stages, the arm's own included; `task` has no test samples. Options are checked where they are declared.
        """
        raise NotImplementedError

    @hookspec
    def augment(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> Returned[list[Sample]]:
        """New samples made from `samples` (the train split), each with `parent` and `created_by` set.

        Called once, before synthesis. Every plugin's result is collected; the core keeps the originals, drops
        duplicates by id and refuses a sample without a parent among `samples`. `policy` is the untrained policy.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def synthesize(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> Returned[list[Rollout]] | None:
        """Reasoning for `samples` (the original train split): one rollout a sample, targets of imitation.

        `completion.text` must reach the gold answer; the core grades every one again and refuses a wrong one.
        The first plugin that returns a list wins.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def retrieve(
        self, samples: Sequence[Sample], pool: Sequence[Demonstration], task: Task
    ) -> Returned[list[list[Demonstration]]] | None:
        """For each of `samples` the demonstrations to put before it, in order, chosen from `pool` (train split).

        The core refuses a demonstration of the sample itself or of one with the same `Sample.root_id`.
        """
        raise NotImplementedError

    @hookspec
    def reward(self, rollouts: Sequence[Rollout], task: Task, step: int, seed: int) -> Returned[list[Reward]]:
        """One Reward a rollout, in order. Every plugin's result is collected.

        kind "process": `per_step` in [0, 1], one a line of the completion (`openrft.split_steps`); the core
        aggregates it with f and mixes R = alpha * outcome + (1 - alpha) * f(process) (paper, section 2.4).
        Where `explore.credit` is step or min, each step's share of R is earned where it ends (`Rollout.step_rewards`).
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
        state: JSON,
    ) -> Returned[Mapping[str, float]] | None:
        """Change the policy; return metrics, or None if `objective` is not this plugin's.

        "imitate": called once with all synthesised rollouts (SFT). "explore": called once a step with that
        step's scored rollouts (RL); rollouts of one sample form a group. "explore_stage": called once, without
        rollouts, for a plugin whose `trains` names it: it takes every step from `run.first` to `run.steps` itself,
        through `run`, which the others do not get. `state`: what the plugin returned as `HookResult.state` at the step
        before, None at the first; it is kept in checkpoints. If all return None the core refuses.
        """
        raise NotImplementedError

    @hookspec
    def evaluate(self, rollouts: Sequence[Rollout], task: Task) -> Returned[Mapping[str, float]]:
        """Further metrics of the graded test rollouts, by name. Collected; names must not clash."""
        raise NotImplementedError

    @hookspec(firstresult=True)
    def judge(self, rollouts: Sequence[Rollout], task: Task, progress: Progress) -> Returned[list[Grade]] | None:
        """Grades of the test answers that `task.grade` left open (`correct` is None): one a rollout, in order.

        Called before `evaluate`, with those rollouts alone. None = no judge is at hand, or a Grade whose `correct` is
        None: the answer is reported as not scored, never as wrong. A judge that cannot be reached raises.
        """
        raise NotImplementedError

    @hookspec
    def tasks(self) -> TaskFamily:
        """Provider: the family of tasks of the plugin's own name.

        A family may offer more than `TaskFamily`: all rows of a task (`ProvidesAllRows`), a store that loads fast
        (`PreparesStore`), which `openrft tasks prepare` makes, and further names of its tasks (`HasAliases`).
        """
        raise NotImplementedError

    @hookspec
    def policies(self) -> Mapping[str, PolicyInfo]:
        """Provider: named checkpoints (policies, teachers, PRMs), each name starting with the plugin's own."""
        raise NotImplementedError


HOOKS = tuple(name for name in vars(Hooks) if not name.startswith("_"))
