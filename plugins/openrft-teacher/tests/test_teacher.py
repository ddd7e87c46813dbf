"""Rejection sampling as the core sees it: who is asked how often, what becomes the target, what is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from openrft_teacher import Teacher, plan_rounds

import openrft
from openrft import Completion, Sample, Sampling, Task, build_messages
from openrft.testing import build_options, check_plugin

Answer = Callable[[str, int], Completion]  # (question, how often it was asked before) -> what the teacher writes


@dataclass
class Scripted:
    """A teacher that answers by script, and remembers every round."""

    answer: Answer
    calls: list[tuple[list[str], Sampling]] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    id: str = "scripted"

    def generate(self, prompts: Any, sampling: Sampling, progress: Any = None) -> list[list[Completion]]:
        questions = [prompt[-1]["content"].split("\n")[0] for prompt in prompts]
        self.calls.append((questions, sampling))
        return [[self._one(question) for _ in range(sampling.n)] for question in questions]

    def _one(self, question: str) -> Completion:
        before = self.asked.get(question, 0)
        self.asked[question] = before + 1
        return self.answer(question, before)


class Notes:
    """Keeps what the plugin says of its progress."""

    def __init__(self) -> None:
        self.updates: list[str] = []

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self.updates.append(f"{stage} {done}/{total} {note}")


def write(text: str, tokens: int = 3) -> Completion:
    return Completion(text, tuple(range(tokens)), (-1.0,) * tokens)


def solved_at(turn: dict[str, int]) -> Answer:
    """Right from the given try on (counted from 0), wrong before."""

    def answer(question: str, before: int) -> Completion:
        right = before >= turn[question]
        return write(f"try {before}\n\\boxed{{{'B' if right else 'A'}}}")

    return answer


def task_of(*questions: str) -> Task:
    samples = tuple(Sample(q, "B", ("x", "y"), task="toy") for q in questions)
    return Task("toy", samples, samples)


def teach(
    policy: Scripted, task: Task, options: Teacher.Options | None = None
) -> tuple[list[openrft.Rollout], Mapping[str, int], Notes]:
    plugin, notes = Teacher(options or Teacher.Options()), Notes()
    result = plugin.synthesize(task.train, task, policy, 7, notes)
    return result.value, result.counts, notes


def test_easy_questions_do_not_cost_what_hard_ones_cost() -> None:
    policy = Scripted(solved_at({"easy": 0, "middle": 5, "hard": 40, "never": 1000}))
    task = task_of("never", "easy", "hard", "middle")
    rollouts, counts, notes = teach(policy, task)
    assert [(questions, sampling.n) for questions, sampling in policy.calls] == [
        (["never", "easy", "hard", "middle"], 4),
        (["never", "hard", "middle"], 8),
        (["never", "hard"], 16),
        (["never", "hard"], 32),
        (["never"], 4),
    ]
    assert policy.asked == {"never": 64, "easy": 4, "hard": 60, "middle": 12}
    assert counts["tries"] == 140
    assert counts["tokens"] == 3 * 140
    assert (counts["solved"], counts["fallback"]) == (3, 1)
    assert counts["right"] == 4 + 20 + 7
    assert [rollout.sample.question for rollout in rollouts] == ["never", "easy", "hard", "middle"]
    assert "solved 3, fallback 1, tries 140" in notes.updates[-1]


def test_the_first_right_completion_is_the_target_and_every_target_is_right() -> None:
    task = task_of("middle")
    (rollout,), _, _ = teach(Scripted(solved_at({"middle": 5})), task)
    assert rollout.completion.text == "try 5\n\\boxed{B}"
    assert rollout.completion.tokens == (0, 1, 2)
    assert rollout.messages == build_messages(task.train[0], instruction=task.instruction)
    assert task.grade(rollout.sample, rollout.completion.text).correct


def test_the_gold_answer_alone_where_no_try_is_right() -> None:
    task = task_of("never")
    (rollout,), counts, _ = teach(Scripted(solved_at({"never": 1000})), task)
    assert rollout.completion == Completion("\\boxed{B}", ())
    assert task.grade(rollout.sample, rollout.completion.text).correct
    assert counts["fallback"] == 1


def test_unsolved_questions_can_be_left_out() -> None:
    task = task_of("never", "easy", "not here", "easy too")
    policy = Scripted(solved_at({"never": 1000, "easy": 0, "not here": 1000, "easy too": 1}))
    rollouts, counts, notes = teach(policy, task, Teacher.Options(unsolved="leave-out"))
    assert [rollout.sample.question for rollout in rollouts] == ["easy", "easy too"]
    assert all(rollout.completion.tokens for rollout in rollouts)
    assert (counts["questions"], counts["solved"], counts["left_out"], counts["fallback"]) == (4, 2, 2, 0)
    assert "solved 2, left_out 2" in notes.updates[-1]


def test_the_shortest_of_a_round() -> None:
    lengths = {0: 9, 1: 4, 2: 6, 3: 4}
    policy = Scripted(lambda question, before: write(f"{before}\n\\boxed{{B}}", lengths[before]))
    (rollout,), _, _ = teach(policy, task_of("q"), Teacher.Options(keep="shortest"))
    assert rollout.completion.text.startswith("1\n")


def test_of_a_teacher_that_thinks_only_the_answer_after_the_thought_counts() -> None:
    written = [
        "<think>B?</think>\n\\boxed{A}",
        "<think>\\boxed{B}",
        "<think>\nA?\n</think>\n\n\\boxed{B}",
        "\\boxed{A}",
    ]
    task = task_of("q")
    (rollout,), counts, _ = teach(Scripted(lambda question, before: write(written[before])), task)
    assert rollout.completion.text == written[2]  # the whole trace: the student marks its thought in its own way
    assert counts["right"] == 1


def test_a_right_answer_that_was_cut_off_is_no_target() -> None:
    policy = Scripted(lambda question, before: Completion("\\boxed{B} and", (1,), finish_reason="length"))
    (rollout,), counts, _ = teach(policy, task_of("q"), Teacher.Options(tries=4))
    assert rollout.completion.tokens == ()
    assert counts["cut_off"] == 4


def test_a_question_beyond_the_context_is_asked_once() -> None:
    policy = Scripted(lambda question, before: Completion("", finish_reason="context"))
    (rollout,), counts, _ = teach(policy, task_of("q"))
    assert len(policy.calls) == 1
    assert rollout.completion.text == "\\boxed{B}"
    assert (counts["over_context"], counts["fallback"], counts["tries"]) == (1, 1, 0)


def test_rounds_draw_from_different_seeds_and_the_same_job_from_the_same() -> None:
    first, again = (Scripted(solved_at({"never": 1000})) for _ in range(2))
    teach(first, task_of("never"))
    teach(again, task_of("never"))
    seeds = [sampling.seed for _, sampling in first.calls]
    assert len(set(seeds)) == len(seeds) == 5
    assert seeds == [sampling.seed for _, sampling in again.calls]


def test_another_teacher_is_opened_by_name_and_its_token_ids_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    other = Scripted(lambda question, before: write("why\n\\boxed{B}"))
    monkeypatch.setattr(openrft, "open_policy", lambda spec, **_: opened.append(spec) or other)
    student = Scripted(lambda question, before: write("\\boxed{A}"))
    (rollout,), counts, _ = teach(student, task_of("q"), Teacher.Options(model="pocket/teacher"))
    assert opened == ["pocket/teacher"]
    assert student.calls == []
    assert rollout.completion == Completion("why\n\\boxed{B}")
    assert counts["tokens"] == 12


@pytest.mark.parametrize(("tries", "first", "sizes"), [(64, 4, [4, 8, 16, 32, 4]), (3, 8, [3]), (1, 1, [1])])
def test_rounds_double_and_add_up(tries: int, first: int, sizes: list[int]) -> None:
    assert list(plan_rounds(tries, first)) == sizes


def test_it_conforms_as_installed() -> None:
    assert check_plugin("teacher", {"tries": "8"}) == ["check_job", "synthesize"]


def test_no_tries_is_refused() -> None:
    for name in ("tries", "max_tokens"):
        with pytest.raises(openrft.UsageError, match=f"{name}: 0 is not at least 1"):
            build_options(Teacher.Options, {name: 0})


@pytest.mark.parametrize("model", ["none", ""])
def test_a_teacher_must_be_named(model: str) -> None:
    with pytest.raises(
        openrft.UsageError, match=f"model={model} names no teacher. Write self for the policy in training"
    ):
        Teacher.Options(model=model)
    with pytest.raises(openrft.UsageError, match="teacher: model="):
        check_plugin("teacher", {"model": model})
