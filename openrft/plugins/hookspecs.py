"""The hooks, in the paper's order, and the providers. Arguments are passed by name; a plugin takes those it needs.

    class Brevity(openrft.Plugin):
        requires = ("rl",)

        @openrft.hookimpl
        def reward(self, rollouts): ...

A plugin is a class with an entry point in the group `openrft`. `Plugin` (base.py) documents its declaration. It is
built as `Plugin(options)`, where `Plugin.Options` is a frozen dataclass, or as `Plugin()`.

A hook returns its value, or a `HookResult` with the value, counts and metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import pluggy

from openrft.tasks.task import Question, Task, TaskFamily
from openrft.types import JSON, Completion, Demonstration, Message, Prompt, Reward, Rollout, Sample

if TYPE_CHECKING:
    from openrft.config.settings import Settings
    from openrft.grading.grade import Grade
    from openrft.policies.base import Policy, Sampling, TrainablePolicy
    from openrft.rewards.reward_check import RewardCheck
    from openrft.runtime.progress import Progress

GROUP = "openrft"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
Objective = Literal["imitate", "explore", "explore_stage"]
AnswerRule = Literal["vote", "best"]
Graded = Literal["open", "all", "none"]  # which answers a plugin grades
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class HookResult(Generic[T_co]):
    """The value of a hook, with counts, metrics or a state. The value None means that the hook has no result."""

    value: T_co  # what the hook would return without it
    counts: Mapping[str, int] = field(default_factory=dict)
    # ^ counts by name, such as refusals. They are kept with the stage as PLUGIN.NAME and added up over its calls.
    #   The core warns of a process reward's `steps_beyond_context`: steps that the reward model could not read
    metrics: Mapping[str, float] = field(default_factory=dict)
    # ^ metrics by name, kept as PLUGIN.NAME; in explore, in the row of the step
    state: JSON = None  # of train_step: it gets this back as `state` at its next call, also after a resume


Returned: TypeAlias = T | HookResult[T]  # what a hook may return: its value, or a HookResult with it


@dataclass(frozen=True, slots=True)
class Candidates:
    """The completions from which one answer to a test question is made. There is no gold answer."""

    question: Question
    messages: tuple[Message, ...]  # the prompt, demonstrations included
    completions: tuple[Completion, ...]  # those that were written, with log-probabilities where the policy gives some


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A named checkpoint of a plugin."""

    path: str  # a checkpoint folder, a GGUF file or a hub id
    summary: str = ""
    recommended: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # ^ settings and plugin options that suit it, by stage or plugin name: {"explore": {"steps": 40}}
    install: str = ""  # what to run where `path` is not there, for weights that come with a package of their own


Verdict = Literal["ok", "warn", "stop", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What one check of `openrft doctor` found."""

    check: str  # its name, in a word or two
    verdict: Verdict
    # ^ stop: the run would be wasted; skipped: the check does not concern this run; failed: it raised (the core's own)
    finding: str  # what was measured, in words, with its number
    advice: str = ""  # what to do; needed for warn and stop
    value: float | None = None  # the number that the verdict rests on
    threshold: float | None = None  # where the verdict would change


class Exploration(Protocol):
    """The RL stage, as given to a plugin that runs all of its steps itself (objective "explore_stage").

    The plugin samples completions and updates the policy. The core provides questions, rewards, log and checkpoints, so
    that the arm can be compared with any other.
    """

    first: int  # the step to begin with; above 0 if a stopped run continues, with adapter and optimizer restored
    policy: TrainablePolicy

    @property
    def steps(self) -> int:
        """The total number of steps."""
        ...

    def draw_prompts(self, step: int) -> list[Prompt]:
        """The prompts of a step, with demonstrations. They are the same for every trainer with the same seed."""
        ...

    def sampling(self, step: int) -> Sampling:
        """How to sample the completions of a step. A random stream seeded with its `seed` makes a resumed run draw the
        same completions."""
        ...

    def score_rollouts(self, step: int, rollouts: Sequence[Rollout]) -> list[Rollout]:
        """The rollouts (`prompt.to_rollout(completion)`) with grades, the rewards of every plugin of the arm, and R."""
        ...

    def log_step(
        self, step: int, rollouts: Sequence[Rollout], metrics: Mapping[str, float], state: JSON = None
    ) -> None:
        """Log a step and save a checkpoint. Call it after the policy was updated with the step's scored rollouts.

        `state` is what the plugin must remember. `train_step` gets it when a stopped run continues. Raises PluginError
        for a metric that is not finite.
        """
        ...


class Hooks:
    """Signatures of the hooks. Every argument is passed by name."""

    @hookspec
    def check_job(self, settings: Settings, task: Task, policy_spec: str) -> Returned[list[str]] | None:
        """Reasons why a job with this plugin would fail, one sentence each. An empty list or None if none is known.

        Called for every job of a bench before the first one starts, so it must be quick. `settings` are those of the
        stages, including the arm's own. `task` has no test samples. `policy_spec` names the policy as the user does
        ("openai:URL#MODEL" has no log-probabilities, for example). Options are checked where they are declared.
        """
        raise NotImplementedError

    @hookspec
    def diagnose(
        self,
        rollouts: Sequence[Rollout],
        task: Task,
        policy: Policy,
        settings: Settings,
        seed: int,
        progress: Progress,
    ) -> Returned[list[Diagnosis]]:
        """Checks of this plugin for `openrft doctor`, which looks for what would waste a run before it starts.

        `rollouts` are graded answers of the untrained `policy` to a few training questions, several to each, drawn as
        in RL. `task` has no test samples. An empty list if nothing can be checked. If it raises, doctor reports a
        failed check of this plugin and goes on. A run never calls it.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def instruct(
        self,
        task: Task,
        policy: Policy,
        sampling: Sampling,
        grade_answers: Callable[[Sequence[Rollout]], list[Rollout]],
        seed: int,
        progress: Progress,
    ) -> Returned[str] | None:
        """A better instruction for `task`, found on its training questions. All later stages use it.

        Called once, before all other stages. `policy` is the untrained policy, and `sampling` is that of the
        evaluation. `grade_answers` gives rollouts the grades that they get everywhere in this arm: by the task's own
        rule and by plugins with the hook `grade`. The count `tokens` of the HookResult says how many tokens were
        generated.
        """
        raise NotImplementedError

    @hookspec
    def augment(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> Returned[list[Sample]]:
        """New samples made from `samples` (the train split), each with `parent` and `created_by` set.

        Called once, before synthesis. The results of all plugins are collected. The core keeps the originals, drops
        duplicates by id and refuses a sample without a parent among `samples`. `policy` is the untrained policy.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def synthesize(
        self, samples: Sequence[Sample], task: Task, policy: Policy, seed: int, progress: Progress
    ) -> Returned[list[Rollout]] | None:
        """Reasoning for `samples` (the original train split), as targets of imitation: at most one rollout per sample,
        in the order of `samples`. A sample without one is not imitated.

        `completion.text` must reach the gold answer. The core grades every rollout again and refuses a wrong one. The
        first plugin that returns a list wins.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def retrieve(
        self, samples: Sequence[Sample], pool: Sequence[Demonstration], task: Task
    ) -> Returned[list[list[Demonstration]]] | None:
        """For each of `samples`, the demonstrations to show before it, in order, from `pool` (the train split).

        The core refuses a demonstration of the sample itself or of one with the same `Sample.root_id`. In RL `samples`
        are the step's questions, or those of them that have demonstrations (`Plugin.demonstration_share`,
        `Plugin.demonstration_fade`).
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def draw_questions(
        self, samples: Sequence[Sample], count: int, task: Task, step: int, steps: int, seed: int
    ) -> Returned[list[Sample]] | None:
        """Which `count` of `samples` an RL step asks, such as easy ones first (a curriculum).

        `samples` are the training questions, augmented ones included; where dynamic sampling draws further ones, those
        that the step has not asked. `step` counts from 0 to `steps` - 1. `seed` differs from step to step. The answer
        must depend on the arguments alone, because a resumed run asks again. The core refuses a question twice, or one
        that is not among `samples`. None leaves it to the core: every question once an epoch, in shuffled order.
        """
        raise NotImplementedError

    @hookspec
    def reward(self, rollouts: Sequence[Rollout], task: Task, step: int, seed: int) -> Returned[list[Reward | None]]:
        """One Reward per rollout, in order. The results of all plugins are collected.

        What a completion is worth in RL besides its grade. How right an answer is, in RL and in evaluation alike, is
        for the hook `grade`. Evaluation calls this one only to choose among completions: see `Plugin.needs_gold`.

        kind "process": `per_step` in [0, 1], one score per step of the completion (`openrft.split_steps`), or one
        `score` for the whole of it, such as for brevity. The core aggregates the steps with f and computes
        R = alpha * outcome + (1 - alpha) * f(process) (paper, section 2.4). If `explore.credit` is step or min, each
        step's share of R is earned where it ends (`Rollout.step_rewards`).
        kind "outcome": its `score` takes the grade's place in R (placebo studies, learned verifiers). Test answers keep
        their grades. The mean counts where several plugins give one.

        None where a reward could not be computed, such as when a server failed: the core leaves the rollout out of the
        step and counts it. If that is more than half of them, the job stops. An exception stops the job and names the
        plugin. It never becomes a zero.
        `step` counts from 0. -1 means rollouts outside of RL: those that measure process rewards (stages/fitness.py),
        for which plugins without process rewards are not called, probes, which are wrong answers that may be rewarded
        (stages/probe.py), and completions to choose from, which have no grade. The plugin's `rewards` declares its
        kinds.
        """
        raise NotImplementedError

    @hookspec
    def check_reward(
        self, rollouts: Sequence[Rollout], task: Task, seed: int, progress: Progress
    ) -> Returned[RewardCheck] | None:
        """Check this plugin's own rewards before RL uses them, such as how well two judges agree.

        Called once before RL, with answers of the policy to training questions, which the task's own rule has graded
        (`correct` is None where it cannot). The findings and warnings are in the report. None if there is nothing to
        check.
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

        "imitate": called once with all synthesised rollouts (SFT). "explore": called once per step with that step's
        scored rollouts (RL); rollouts of one sample form a group. "explore_stage": called once without rollouts, for a
        plugin whose `trains` names it. It runs every step from `run.first` to `run.steps` itself, through `run`, which
        is None for the others. `state`: the `HookResult.state` of the plugin's previous step, None at the first. It is
        kept in checkpoints. If all plugins return None, the job fails.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def weigh(
        self,
        candidates: Sequence[Candidates],
        task: Task,
        progress: Progress,
        rewards: Sequence[Sequence[Reward]] | None,
    ) -> Returned[list[list[float]]]:
        """A weight from 0 up for each completion of each test question, from which its answer is made.

        `completions_per_answer` completions are drawn for each answer. `answer_rule` says what the weights do: "vote"
        adds up those of equal answers, and "best" takes the completion with the highest. An arm can have one plugin
        with this hook. `rewards`: those of each completion, by the plugin that an option of the type
        `openrft.RewardName` names; None without such an option.
        """
        raise NotImplementedError

    @hookspec
    def evaluate(self, rollouts: Sequence[Rollout], task: Task) -> Returned[Mapping[str, float]]:
        """Further metrics of the graded test rollouts, by name: numbers, in a unit that the name makes clear.

        `rollouts` are all completions of all test questions, `evaluate.completions` for each, with verdicts. `task` has
        no test samples. The report lists them as further metrics. Two plugins cannot give the same name.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def grade(self, rollouts: Sequence[Rollout], task: Task, progress: Progress) -> Returned[list[Grade]] | None:
        """How right each answer is: one Grade per rollout, in order.

        The task's own rule (`task.grade`) comes first, and each rollout has its verdict. The plugin's `grades` says
        which rollouts it is called with: "open", those that the rule left open (`correct` is None), or "all". It grades
        test answers before `evaluate`, each step's answers before `reward`, and what is measured before RL. In a
        bench it does so for every arm, so that all arms are measured alike.

        Return None if there is nothing to grade with. Then, or with a Grade whose `correct` is None, the answer is
        reported as not scored and never as wrong. In RL it is left out, unless a plugin gives its outcome reward. A
        server that cannot be reached raises. `Grade.score` is in [0, 1]; `Grade.reason` is kept with the rollout.
        """
        raise NotImplementedError

    @hookspec
    def tasks(self) -> TaskFamily:
        """The plugin's task family, which has the plugin's name.

        A family may offer more than `TaskFamily`: all rows of a task (`ProvidesAllRows`), a store that loads fast, for
        `openrft tasks prepare` (`PreparesStore`), further names of its tasks (`HasAliases`), and where its rows are if
        `data` does not say so (`HasSource`).
        """
        raise NotImplementedError

    @hookspec
    def policies(self) -> Mapping[str, PolicyInfo]:
        """Named checkpoints (policies, teachers, PRMs), which users give as `--policy NAME` and the like.

        Each name starts with the plugin's name. Called without loading a model.
        """
        raise NotImplementedError


HOOKS = tuple(name for name in vars(Hooks) if not name.startswith("_"))
