"""A rule as a policy: `baseline:NAME` answers a task's questions like any policy, and cannot be trained."""

from __future__ import annotations

from collections.abc import Sequence

from openrft.baselines.registry import check_baseline_name, make_answerer
from openrft.errors import PolicyError, UsageError
from openrft.policies.base import Sampling
from openrft.runtime.code_digest import digest_package
from openrft.runtime.progress import Progress
from openrft.tasks.prompt import box_answer, format_question
from openrft.tasks.task import Task, hide_answer
from openrft.types import Completion, Message, content_id

BASELINE_PREFIX = "baseline:"


class BaselinePolicy:
    """Finds a question by its rendered text, because a rule needs question and options and not the prompt.

    If the rule does not apply, the completion is empty and counts as unparsed.
    """

    def __init__(self, spec: str, task: Task | None) -> None:
        self.id = identify_baseline(spec, task)
        assert task is not None
        self._answer = make_answerer(spec.removeprefix(BASELINE_PREFIX), task)
        self._questions = {format_question(sample): hide_answer(sample) for sample in (*task.train, *task.test)}

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """The rule's answer to the last question of each prompt, `sampling.n` times. Raises PolicyError."""
        return [[Completion(self._text(prompt), temperature=sampling.temperature)] * sampling.n for prompt in prompts]

    def _text(self, prompt: Sequence[Message]) -> str:
        question = self._questions.get(prompt[-1]["content"])
        if question is None:
            raise PolicyError(
                f"{self.id} was asked something that is not a question of its task: {prompt[-1]['content'][:60]!r}."
            )
        answer = self._answer(question)
        return "" if answer is None else box_answer(answer)


def identify_baseline(spec: str, task: Task | None) -> str:
    """The rule's name and a digest of what it learns from. Raises UnknownName, or UsageError without a task."""
    name = check_baseline_name(spec.removeprefix(BASELINE_PREFIX))
    if task is None:
        raise UsageError(f"{spec} answers only the questions of a task.", "Use it with evaluate or bench.")
    own = {leaf: digest_package(rule.__module__.split(".")[0]) for leaf, rule in task.baseline_rules.items()}
    return f"{BASELINE_PREFIX}{name}#{content_id([[s.id, s.kind, s.task] for s in task.train], own)}"
