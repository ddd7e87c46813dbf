"""The inputs of hooks in the checks: a few questions, answers and demonstrations, none, unusual ones, or very many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from openrft.plugins.hookspecs import Candidates
from openrft.stages.grade import grade_by_rule
from openrft.tasks.prompt import box_answer
from openrft.tasks.task import Task, hide_answer
from openrft.testing.toys import toy_rollouts, toy_task
from openrft.types import Completion, Demonstration, Rollout, Sample

LONG_WORDS = 20_000  # of the longest completion; most contexts are shorter
ODD_TEXT = "\x00\u202e\U0001d518 \u00e9\r\n\n\\boxed{A}"  # a null, a mark for right-to-left text, two scripts


@dataclass(frozen=True, slots=True)
class Batch:
    """The arguments of hooks that hold many items. They are lists, as in a run, so that a hook could change them."""

    task: Task
    samples: list[Sample]
    pool: list[Demonstration]
    rollouts: list[Rollout]  # graded by the task's rule; those of one question are adjacent
    candidates: list[Candidates]  # the completions of each question

    def reverse(self) -> Batch:
        """The same items in the opposite order. The pool stays."""
        return replace(self, samples=self.samples[::-1], rollouts=self.rollouts[::-1], candidates=self.candidates[::-1])


def make_batch(task: Task, rollouts: Sequence[Rollout] | None = None) -> Batch:
    """The training questions of `task` with `rollouts`: by default four answers to each."""
    rollouts = toy_rollouts(task) if rollouts is None else list(rollouts)
    groups: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        groups.setdefault(rollout.sample.id, []).append(rollout)
    candidates = [
        Candidates(hide_answer(own[0].sample), own[0].messages, tuple(rollout.completion for rollout in own))
        for own in groups.values()
    ]
    pool = [Demonstration(sample, box_answer(sample.answer)) for sample in task.train]
    return Batch(task, list(task.train), pool, rollouts, candidates)


def make_empty_batch() -> Batch:
    """No questions and no answers. The task itself has some."""
    task = toy_task()
    return replace(make_batch(task, ()), samples=[])


def make_huge_batch(items: int) -> Batch:
    """At least `items` answers to a quarter as many questions. One of them is very long."""
    task = toy_task(-(-items // 4))
    rollouts = toy_rollouts(task)
    text = "step " * LONG_WORDS + "\n" + rollouts[0].completion.text
    return make_batch(task, [*_grade(task, [_with_text(rollouts[0], text)]), *rollouts[1:]])


def make_odd_batches() -> Iterator[tuple[str, Batch]]:
    """Unusual batches that occur in real runs and that authors often do not test, each with its name."""
    task, one = toy_task(), toy_task(train=1)
    usual = toy_rollouts(task)
    yield "a single question with a single answer", make_batch(one, toy_rollouts(one)[:1])
    yield "only empty completions", make_batch(task, _grade(task, [_with_text(r, "") for r in usual]))
    yield "only right answers", make_batch(task, [r for r in usual if r.correct])
    yield "only wrong answers", make_batch(task, [r for r in usual if r.correct is False])
    bare = [replace(r, completion=Completion(r.completion.text)) for r in usual]
    yield "completions without tokens and log-probabilities", make_batch(task, bare)
    yield "completions with odd characters", make_batch(task, _grade(task, [_with_text(r, ODD_TEXT) for r in usual]))


def _with_text(rollout: Rollout, text: str) -> Rollout:
    tokens = tuple(text.encode())
    return replace(rollout, completion=Completion(text, tokens, (-1.0,) * len(tokens)))


def _grade(task: Task, rollouts: Sequence[Rollout]) -> list[Rollout]:
    return grade_by_rule(task, [replace(r, answer=None, correct=None) for r in rollouts])
