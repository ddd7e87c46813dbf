"""Answer questions that have no label: several completions each, and the answer that most of them give.

The policy is asked as it was trained: with the instruction, settings and demonstrations of its openrft.json where it
has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openrft.config.parse import raise_faults
from openrft.config.settings import parse_stage_settings
from openrft.grading.agreement import find_plurality, number_answers
from openrft.grading.grade import Grade, grade
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import describe_policy, open_policy, read_policy_demonstrations
from openrft.policies.base import Policy, Sampling
from openrft.runtime.progress import Progress
from openrft.stages.context import StageStats
from openrft.stages.retrieve import call_retrieve_hook
from openrft.tasks.prompt import INSTRUCTION, box_answer, build_messages
from openrft.tasks.task import Question, Task
from openrft.types import Completion, Demonstration, Message, Sample

# For a policy that does not know its own instruction, and questions without options.
OPEN_INSTRUCTION = "Reason step by step, one step per line. Put the final answer in \\boxed{} on the last line."


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one question."""

    answer: str | None  # of most completions that can be read; None: none can, or none was written
    agreement: float  # the share of all completions that give this answer
    reasoning: str  # the first completion that gives it; else the first one
    completions: int
    unread: int  # completions without an answer that either reading finds
    tokens: int  # generated, over all completions
    cut_off: int = 0  # completions that reached the longest length
    error: str = ""  # what a server said, if it answered none of the requests
    grade: Grade | None = None  # of `answer`, if the question has a label


@dataclass(slots=True)
class Predictor:
    """A policy with everything that its prompts need."""

    policy: Policy
    sampling: Sampling
    instruction: str | None = None  # None: the core's own, which depends on whether there are options
    task: str = ""  # the task that the policy was trained on
    pool: list[Demonstration] = field(default_factory=list)
    plugins: PluginSet | None = None  # those that show demonstrations

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
        asked = [sample or _to_sample(question) for question, sample in zip(questions, samples, strict=True)]
        prompts = [self._build_prompt(one, shown) for one, shown in zip(asked, self._retrieve(asked), strict=True)]
        groups = self.policy.generate(prompts, replace(self.sampling, seed=seed), progress)
        return [
            vote(one, group, labelled is not None, rules)
            for one, group, labelled in zip(asked, groups, samples, strict=True)
        ]

    def converse(self, turns: Sequence[Message], seed: int) -> Completion:
        """The next turn of a conversation. The instruction stands before it. Raises PolicyError."""
        messages = [{"role": "system", "content": self.instruction or OPEN_INSTRUCTION}, *turns]
        return self.policy.generate([messages], replace(self.sampling, n=1, seed=seed))[0][0]

    def _build_prompt(self, sample: Sample, shown: Sequence[Demonstration]) -> tuple[Message, ...]:
        instruction = self.instruction or (INSTRUCTION if sample.options else OPEN_INSTRUCTION)
        return build_messages(sample, shown, instruction)

    def _retrieve(self, samples: Sequence[Sample]) -> list[list[Demonstration]]:
        if self.plugins is None:
            return [[] for _ in samples]
        task = Task(self.task, tuple(one.sample for one in self.pool), (), self.instruction or INSTRUCTION)
        return call_retrieve_hook(self.plugins, samples, self.pool, task, StageStats())


def open_predictor(spec: str, given: dict[str, dict[str, Any]], samples: int) -> Predictor:
    """The policy that `spec` names, asked as it was trained. `given` holds settings of the stages `evaluate` and
    `policy` that differ. Raises CheckpointError, UnknownName or UsageError."""
    about = describe_policy(spec)
    known = about.settings if about else {}
    values = {owner: {**known.get(owner, {}), **given.get(owner, {})} for owner in ("evaluate", "policy")}
    settings, faults = parse_stage_settings(values)
    raise_faults(faults)
    how = settings.evaluate
    sampling = Sampling(samples, how.temperature, how.top_p, how.max_tokens)
    policy = open_policy(spec, settings=settings.policy)
    if about is None:
        return Predictor(policy, sampling)
    pool = read_policy_demonstrations(spec)
    plugins = PluginSet(about.demonstrations, about.demonstrations) if pool else None
    return Predictor(policy, sampling, about.instruction, about.task, pool, plugins)


def vote(
    sample: Sample, group: Sequence[Completion], labelled: bool, rules: GradingRules = DEFAULT_RULES
) -> Prediction:
    """The answer that most completions give; of equally frequent ones, the first. Answers that the grader takes for
    equal count together, each as the lenient reading finds it.

    Self-consistency (arXiv 2203.11171).
    """
    written = [one for one in group if one.is_written]
    answers = [_read(sample, one.text) for one in written]
    numbers = number_answers(sample, answers, rules)
    best = find_plurality(numbers)
    chosen = 0 if best is None else numbers.index(best)
    answer = None if best is None else answers[chosen]
    errors = [one.error for one in group if one.finish_reason == "error"]
    return Prediction(
        answer=answer,
        agreement=0.0 if best is None else numbers.count(best) / len(group),
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


def _to_sample(question: Question) -> Sample:
    """The question as a sample. Its answer is not known and any that fits its kind will do: it is only read, never
    compared."""
    answer = {"choice": "A", "boolean": "Yes"}.get(question.kind, "0")
    return Sample(question.text, answer, question.options, question.kind, question.task)
