"""Answer questions that have no label: several completions each, and one answer chosen from them.

The policy is asked as it was trained: with the instruction, settings and demonstrations of its openrft.json where it
has one. The answer is chosen as its arm chose it, such as by best-of-n; else it is that of most completions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from openrft.config.parse import raise_faults
from openrft.config.settings import Settings, parse_stage_settings
from openrft.errors import CheckpointError, UsageError
from openrft.grading.agreement import number_answers
from openrft.grading.grade import Grade, grade
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.plugins.errors import check_list
from openrft.plugins.hookspecs import AnswerRule, Candidates
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import (
    check_files,
    describe_policy,
    fingerprint_policy,
    open_policy,
    read_policy_demonstrations,
    recommend_settings,
)
from openrft.plugins.registry import load_declaration
from openrft.policies.base import Policy, Sampling
from openrft.policies.description import PolicyDescription
from openrft.runtime.progress import NoProgress, Progress
from openrft.stages.choose import call_weigh_hook, find_best, find_winner
from openrft.stages.context import StageStats
from openrft.stages.retrieve import call_retrieve_hook
from openrft.stages.work import count_completions_per_answer
from openrft.tasks.prompt import INSTRUCTION, box_answer, build_messages
from openrft.tasks.task import Question, SourceRow, Task, hide_answer
from openrft.tasks.unlabelled import to_sample
from openrft.types import Completion, Demonstration, Message, Sample

# For a policy that does not know its own instruction, and questions without options.
OPEN_INSTRUCTION = "Reason step by step, one step per line. Put the final answer in \\boxed{} on the last line."
TOO_LONG = "the question is longer than the policy's context"
COMPLETIONS = 3  # for each question, where neither the user nor a plugin says how many

Values = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one question."""

    answer: str | None  # that was chosen; None: none can be read, or none was written
    agreement: float  # the share of all completions that give this answer
    reasoning: str  # the completion that was chosen; of a vote, the first one that gives the answer
    completions: int
    unread: int  # completions without an answer that either reading finds
    tokens: int  # generated, over all completions
    cut_off: int = 0  # completions that reached the longest length
    error: str = ""  # why there is no completion: what a server said, or that the question is too long
    grade: Grade | None = None  # of `answer`, if the question has a label


@dataclass(frozen=True, slots=True)
class PredictionPlan:
    """How a policy will be asked, before anything is loaded."""

    spec: str
    settings: Settings
    samples: int  # completions for each question
    about: PolicyDescription | None = None
    demonstrators: PluginSet | None = None
    chooser: PluginSet | None = None  # of the plugin that chooses each answer from its completions

    def describe(self) -> Iterator[str]:
        """What a user should know of it, one line each."""
        if self.about is not None:
            with_them = f", with demonstrations by {self.demonstrators.names[0]}" if self.demonstrators else ""
            how = self.settings.evaluate
            yield (
                f"{self.spec} is asked as it was trained: its instruction{with_them}, temperature {how.temperature:g},"
                f" at most {how.max_tokens} tokens."
            )
        if self.chooser:
            yield f"{self.chooser.names[0]} makes each answer of {self.samples} completions."
            for option, was in (self.about.weights if self.about else {}).items():
                owner, _, name = option.partition(".")
                if (path := self.chooser.options.get(owner, {}).get(name)) and fingerprint_policy(str(path)) != was:
                    yield f"{option}={path} is not what it was when the policy was evaluated."

    def know(self, rows: Sequence[SourceRow]) -> list[bool]:
        """Which of these rows, which all have a question, hold one that the policy was trained on."""
        asked = [to_sample(row.question) for row in rows if row.question is not None]
        return self.about.find_known(asked) if self.about else [False] * len(asked)

    def identify(self) -> list[object]:
        """What the predictions depend on, besides policy, questions and seed."""
        sets = [own for one in (self.demonstrators, self.chooser) if one for own in (one, *one.scorers.values())]
        rows = [row for own in sets for row in own.identity(own.names)]
        named = [path for own in sets for name in own.names for _, mark, path in own.named_paths(name)
                 if mark.names == "weights"]  # fmt: skip
        return [repr(self.settings), self.samples, rows, [fingerprint_policy(path) for path in named]]


@dataclass(slots=True)
class Predictor:
    """A policy with everything that its prompts and its choice of answers need."""

    policy: Policy
    sampling: Sampling
    instruction: str | None = None  # None: the core's own, which depends on whether there are options
    task: str = ""  # the task that the policy was trained on
    pool: list[Demonstration] = field(default_factory=list)
    demonstrators: PluginSet | None = None
    chooser: PluginSet | None = None

    def predict(
        self,
        questions: Sequence[Question],
        samples: Sequence[Sample | None],
        seed: int,
        progress: Progress | None = None,
        rules: GradingRules = DEFAULT_RULES,
    ) -> list[Prediction]:
        """One prediction per question. `samples` holds the questions with their labels, where they have one.

        `rules` say when two numbers are equal. `seed` draws the completions: equal questions, seeds and policies give
        equal predictions. Raises PolicyError.
        """
        asked = [sample or to_sample(question) for question, sample in zip(questions, samples, strict=True)]
        prompts = [self._build_prompt(one, shown) for one, shown in zip(asked, self._retrieve(asked), strict=True)]
        groups = self.policy.generate(prompts, replace(self.sampling, seed=seed), progress)
        weights, rule = self._weigh(asked, prompts, groups, progress or NoProgress())
        return [
            choose_answer(one, group, labelled is not None, rules, own, rule)
            for one, group, labelled, own in zip(asked, groups, samples, weights, strict=True)
        ]

    def converse(self, turns: Sequence[Message], seed: int) -> Completion:
        """The next turn of a conversation. The instruction comes first. Raises PolicyError."""
        messages = [{"role": "system", "content": self.instruction or OPEN_INSTRUCTION}, *turns]
        return self.policy.generate([messages], replace(self.sampling, n=1, seed=seed))[0][0]

    def _build_prompt(self, sample: Sample, shown: Sequence[Demonstration]) -> tuple[Message, ...]:
        instruction = self.instruction or (INSTRUCTION if sample.options else OPEN_INSTRUCTION)
        return build_messages(sample, shown, instruction)

    def _retrieve(self, samples: Sequence[Sample]) -> list[list[Demonstration]]:
        if self.demonstrators is None:
            return [[] for _ in samples]
        task = Task(self.task, tuple(one.sample for one in self.pool), (), self.instruction or INSTRUCTION)
        return call_retrieve_hook(self.demonstrators, samples, self.pool, task, StageStats())

    def _weigh(
        self,
        asked: Sequence[Sample],
        prompts: Sequence[tuple[Message, ...]],
        groups: Sequence[Sequence[Completion]],
        progress: Progress,
    ) -> tuple[Sequence[Sequence[float] | None], AnswerRule]:
        """The weights of the written completions of each question, and what they do; None where all weigh the same."""
        if self.chooser is None:
            return [None for _ in asked], "vote"
        candidates = [
            Candidates(hide_answer(one), messages, tuple(c for c in group if c.is_written))
            for one, messages, group in zip(asked, prompts, groups, strict=True)
        ]
        task = Task(self.task, (), (), self.instruction or INSTRUCTION)
        weights = call_weigh_hook(self.chooser, candidates, task, progress, StageStats())
        return weights, self.chooser.declarations[self.chooser.names[0]].answer_rule


def plan_predictions(spec: str, given: Values, samples: int | None = None, plugin: str | None = None) -> PredictionPlan:
    """How the policy that `spec` names will be asked. `given` holds the settings and plugin options that differ.

    `plugin` chooses the answers, in place of the one of the policy's arm. Raises CheckpointError, UnknownName or
    UsageError.
    """
    about, known = describe_policy(spec), recommend_settings(spec)
    shown: Values = about.demonstrations if about else {}
    choosing: dict[str, Mapping[str, object]] = dict(about.answering) if about else {}
    if plugin is not None:
        if "weigh" not in load_declaration(plugin).hooks:
            raise UsageError(f"--plugins {plugin}: it does not choose answers.", "Give vote or best-of-n.")
        choosing = {**{owner: known[owner] for owner in known if owner == plugin}, **choosing}
    chooser = plugin or next((name for name in choosing if "weigh" in load_declaration(name).hooks), None)
    options = {name: {**choosing.get(name, {}), **given.get(name, {})} for name in {**choosing, **given}}
    plugins = PluginSet([chooser], options) if chooser else None
    owners = {"evaluate", "policy", *shown, *(plugins.names if plugins else ())}
    owners |= {name for own in (plugins.scorers.values() if plugins else ()) for name in own.names}
    if unknown := [owner for owner in given if owner not in owners]:
        raise UsageError(f"--set {unknown[0]}: predict has settings of {' and '.join(sorted(owners))} alone.")
    values = {owner: {**known.get(owner, {}), **given.get(owner, {})} for owner in ("evaluate", "policy")}
    settings, faults = parse_stage_settings(values)
    raise_faults(faults)
    shown = {name: {**own, **given.get(name, {})} for name, own in shown.items()}
    demonstrators = PluginSet(shown, shown) if shown else None
    _check_weights([plugins, demonstrators, *(plugins.scorers.values() if plugins else ())])
    if plugins:
        samples = count_completions_per_answer(plugins) if samples is None else samples
        _check(plugins, settings, spec)
    return PredictionPlan(spec, settings, samples or COMPLETIONS, about, demonstrators, plugins)


def _check_weights(sets: Sequence[PluginSet | None]) -> None:
    """Raises CheckpointError for a model that is not where an option says, such as on another machine."""
    for own in filter(None, sets):
        for name in own.names:
            for option, marker, path in own.named_paths(name):
                try:
                    if marker.names == "weights":
                        check_files(path)
                        fingerprint_policy(path)
                except CheckpointError as fault:
                    fault.message = f"{name}.{option}: {fault.message}"
                    fault.advice = f"Say where it is with --set {name}.{option}=PATH."
                    raise


def _check(plugins: PluginSet, settings: Settings, spec: str) -> None:
    """Raises UsageError for a plugin that could not choose answers, before any is drawn."""
    task = Task("new questions", (), ())
    for name, result in plugins.call_all("check_job", settings=settings, task=task, policy_spec=spec):
        raise_faults(check_list(name, "check_job", str, result.value))


def open_predictor(plan: PredictionPlan) -> Predictor:
    """The policy of the plan, loaded. Raises CheckpointError, UnknownName or UsageError."""
    how, about = plan.settings.evaluate, plan.about
    sampling = Sampling(plan.samples, how.temperature, how.top_p, how.max_tokens)
    policy = open_policy(plan.spec, settings=plan.settings.policy)
    if about is None:
        return Predictor(policy, sampling, chooser=plan.chooser)
    pool = read_policy_demonstrations(plan.spec)
    return Predictor(policy, sampling, about.instruction, about.task, pool, plan.demonstrators, plan.chooser)


def choose_answer(
    sample: Sample,
    group: Sequence[Completion],
    labelled: bool,
    rules: GradingRules = DEFAULT_RULES,
    weights: Sequence[float] | None = None,
    rule: AnswerRule = "vote",
) -> Prediction:
    """One answer from the completions of a question, each as the lenient reading finds it.

    "vote": the answer with the largest sum of `weights`, one for each written completion; None: all weigh the same
    (self-consistency, arXiv 2203.11171). Answers that the grader takes for equal count together; of equal sums, the
    first answer wins. "best": that of the completion with the highest weight.
    """
    written = [one for one in group if one.is_written]
    answers = [_read(sample, one.text) for one in written]
    numbers = number_answers(sample, answers, rules)
    weights = [1.0] * len(written) if weights is None else weights
    chosen = (find_best(weights) if rule == "best" else find_winner(numbers, weights)) if written else 0
    answer = answers[chosen] if written else None
    errors = [TOO_LONG if one.finish_reason == "context" else one.error for one in group if not one.is_written]
    return Prediction(
        answer=answer,
        agreement=0.0 if answer is None else numbers.count(numbers[chosen]) / len(group),
        reasoning=written[chosen].text if written else "",
        completions=len(written),
        unread=answers.count(None),
        tokens=sum(len(one.tokens) for one in group),
        cut_off=sum(one.finish_reason == "length" for one in group),
        error=errors[0] if errors and not written else "",
        grade=grade(sample, "" if answer is None else box_answer(answer), rules) if labelled else None,
    )


def _read(sample: Sample, text: str) -> str | None:
    verdict = grade(sample, text)
    return verdict.answer if verdict.answer is not None else (verdict.lenient or verdict).answer
