"""Held-back questions: never trained on, answered every few steps; a hacked reward parts from their grade."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import openrft
from openrft import pipeline
from openrft.config.settings import ExploreSettings, Settings
from openrft.errors import UsageError
from openrft.job import Arm, Job
from openrft.runtime.files import read_jsonl
from openrft.stages.explore import explore
from openrft.stages.gap import measure_reward_gaps
from openrft.stages.holdback import hold_back
from openrft.tasks.prompt import box_answer, format_question
from openrft.types import Reward
from tests.stages.factories import TASK, Trainee, Trainer, make_context


class PaysWords:
    """Pays each "therefore" a tenth, right or wrong."""

    @openrft.hookimpl
    def reward(self, rollouts: Any) -> list[Reward]:
        return [Reward("words", "process", min(r.completion.text.count("therefore") / 10, 1.0)) for r in rollouts]


class PaysTruth:
    """Pays what is right."""

    @openrft.hookimpl
    def reward(self, rollouts: Any) -> list[Reward]:
        return [Reward("words", "process", float(bool(r.correct))) for r in rollouts]


class Stopping(Trainer):
    """Interrupts at a step."""

    stop_at = None

    @openrft.hookimpl
    def train_step(self, policy: Any, rollouts: Any, step: int) -> dict[str, float]:
        if step == self.stop_at:
            raise KeyboardInterrupt
        policy.trained += 1
        self.shown.append([r.sample.id for r in rollouts])
        return {"loss": 0.5}


def pleaser() -> Trainee:
    """Says "therefore" once more after each update, and is never right."""
    policy = Trainee(lambda messages, i: "therefore\n" * policy.trained + box_answer("no letter"))  # which is no answer
    return policy


def learner() -> Trainee:
    """Knows the answers to more questions after each update."""
    gold = {format_question(s): s.answer for s in TASK.train}

    def answer(messages: Any, i: int) -> str:
        known = sum(map(ord, messages[-1]["content"])) % 7 < policy.trained
        return box_answer(gold[messages[-1]["content"]] if known else "no letter")

    policy = Trainee(answer)
    return policy


def run(
    monkeypatch: Any,
    store: Any,
    *,
    plugin: Any = None,
    trainer: Any = None,
    policy: Any = None,
    train: Any = TASK.train,
    **how: Any,
) -> tuple[Any, Trainee, Any]:
    """(the log's file, the policy, the trainer) of eight steps."""
    policy, trainer = policy or pleaser(), trainer or Stopping()
    context = make_context(monkeypatch, store, policy, steps=8, rl=trainer, words=plugin or PaysWords())
    settings = replace(context.job.settings, explore=replace(context.job.settings.explore, **how))
    context.job = replace(context.job, settings=settings)
    return explore(context, train, ()), policy, trainer


def held_back_questions(monkeypatch: Any, store: Any, n: int) -> list[Any]:
    context = make_context(monkeypatch, store, pleaser(), rl=Trainer())
    explore_settings = replace(context.job.settings.explore, holdback=n)
    context.job = replace(context.job, settings=replace(context.job.settings, explore=explore_settings))
    return hold_back(context, TASK.train)[1]


def test_what_was_made_from_a_held_back_question_is_not_trained_on_either(monkeypatch, tmp_path):
    held = held_back_questions(monkeypatch, tmp_path, 4)
    variant = [replace(s, question=f"Please: {s.question}", parent=s.id, created_by="da") for s in TASK.train]
    _, _, trainer = run(monkeypatch, tmp_path, train=(*TASK.train, *variant), holdback=4, prompts_per_step=16)
    taught = {sample for step in trainer.shown for sample in step}
    kept = {s.id for s in TASK.train} - {s.id for s in held}
    assert taught == kept | {v.id for v in variant if v.parent in kept}
    assert len(kept) == 8


def test_they_are_answered_every_few_steps_and_logged(monkeypatch, tmp_path):
    file, policy, _ = run(monkeypatch, tmp_path, holdback=4, holdback_every=3)
    rows = list(read_jsonl(file))
    measured = [row["step"] for row in rows if "holdback.reward.words" in row]
    assert measured == [0, 3, 6]
    assert rows[3]["holdback.reward.words"] == pytest.approx(0.3)  # the policy before this step's update
    assert rows[3]["holdback.gap.words"] == pytest.approx(0.3)
    assert (rows[3]["holdback.correct"], rows[3]["holdback.unparsed"]) == (0.0, 1.0)
    asked = {format_question(s) for s in held_back_questions(monkeypatch, tmp_path / "other", 4)}
    assert [set(drawn) == asked for _, drawn in policy.drawn].count(True) == 3
    length = len(("therefore\n" * 3 + box_answer("no letter")).encode())
    assert rows[3]["tokens"] == 4 * 2 * length + 4 * length  # two answers to each of four questions, and these four


def test_a_reward_that_is_hacked_parts_from_the_grade_of_both_kinds_of_questions(monkeypatch, tmp_path):
    file, _, _ = run(monkeypatch, tmp_path, holdback=4, holdback_every=1)
    found = measure_reward_gaps(file)
    assert [(gap.source, gap.held_back, gap.grows) for gap in found] == [("words", True, True), ("words", False, True)]
    assert [gap.growth for gap in found] == [pytest.approx(0.7)] * 2


def test_an_honest_reward_of_a_policy_that_learns_does_not(monkeypatch, tmp_path):
    file, _, _ = run(monkeypatch, tmp_path, policy=learner(), plugin=PaysTruth(), holdback=4, holdback_every=1)
    assert [gap.grows for gap in measure_reward_gaps(file)] == [False, False]
    rows = list(read_jsonl(file))
    assert (rows[0]["reward.words"], rows[-1]["reward.words"]) == (0, 1)  # there was something to learn


def test_without_holding_back_the_gap_on_training_questions_is_known_all_the_same(monkeypatch, tmp_path):
    file, policy, _ = run(monkeypatch, tmp_path)
    assert [(gap.held_back, gap.grows) for gap in measure_reward_gaps(file)] == [(False, True)]
    assert len(policy.drawn) == 8
    assert not [column for row in read_jsonl(file) for column in row if column.startswith(("holdback", "seconds.h"))]


def test_a_stopped_run_goes_on_with_the_same_log(monkeypatch, tmp_path):
    def go(store: str, stop_at: int | None = None) -> Any:
        trainer = Stopping()
        trainer.stop_at = stop_at
        return run(monkeypatch, tmp_path / store, trainer=trainer, holdback=3, holdback_every=2)[0]

    straight = go("straight")
    with pytest.raises(KeyboardInterrupt):
        go("stopped", stop_at=4)  # the questions are answered, the step is not logged
    stopped = go("stopped")
    rows = [
        [{k: v for k, v in row.items() if not k.startswith(("seconds", "peak"))} for row in read_jsonl(file)]
        for file in (straight, stopped)
    ]
    assert rows[0] == rows[1]


def test_without_rl_nothing_is_known():
    assert measure_reward_gaps(None) == ()


def test_holding_back_every_question_is_refused_before_anything_runs():
    job = Job(Arm("arm", ("rl",)), TASK.name, 0, "pocket", settings=Settings(ExploreSettings(holdback=12)))
    with pytest.raises(UsageError, match=r"explore\.holdback=12 leaves none of the 12 training questions of toy/sums"):
        pipeline._check_training([job], {TASK.name: TASK})
