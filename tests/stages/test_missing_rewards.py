"""An answer that could not be graded or rewarded is left out of RL and counted. It never earns a made-up reward."""

from __future__ import annotations

from dataclasses import replace

import pytest

import openrft
from openrft import Grade, Reward
from openrft.errors import OpenRFTError
from tests.stages.factories import TASK, Trainee, Trainer, make_context, run_explore


class Judge:
    """Rewards what it is told to, and grades open answers as it is told to."""

    def __init__(self, reward=None, grade=None):
        self.gives, self.gives_grade = reward, grade

    @openrft.hookimpl
    def reward(self, rollouts):
        return [self.gives(rollout) for rollout in rollouts]


class GradingJudge(Judge):
    @openrft.hookimpl
    def grade(self, rollouts):
        return [self.gives_grade(rollout) for rollout in rollouts]

    @openrft.hookimpl
    def reward(self, rollouts):
        return [Reward("length", "process", float(len(rollout.completion.text) > 3)) for rollout in rollouts]


def answer(messages, i):
    return "so\nwell" if i else "so\nyes"


def run(monkeypatch, tmp_path, judge, opened=False):
    trainer = Trainer()
    context = make_context(monkeypatch, tmp_path, Trainee(answer), trainer=trainer, judge=judge)
    if opened:  # a task whose grader leaves every answer open
        context.task = replace(TASK, grade=lambda sample, text: Grade(text, None))
    rows, counts = run_explore(context)
    return rows, counts, trainer


def test_a_rollout_without_a_reward_is_left_out(monkeypatch, tmp_path):
    judge = Judge(lambda r: None if r.completion.text.endswith("well") else Reward("judge", "outcome", 0.5))
    rows, counts, trainer = run(monkeypatch, tmp_path, judge)
    assert counts["unrewarded"] == 3 * 4
    assert counts["completions"] == 3 * 4
    assert [len(shown) for shown in trainer.shown] == [4, 4, 4]
    assert [row["reward"] for row in rows] == [0.5, 0.5, 0.5]


def test_more_than_half_without_a_reward_stops_the_job(monkeypatch, tmp_path):
    few = TASK.train[0].id
    judge = Judge(lambda r: Reward("judge", "outcome", 0.5) if r.sample.id == few else None)
    with pytest.raises(OpenRFTError, match=r"step 0: [678] of 8 answers could not be rewarded"):
        run(monkeypatch, tmp_path, judge)


def test_open_answers_are_graded_in_rl(monkeypatch, tmp_path):
    def grade(rollout):
        return Grade(rollout.completion.text, rollout.completion.text.endswith("yes"), 0.75)

    rows, counts, _ = run(monkeypatch, tmp_path, GradingJudge(grade=grade), opened=True)
    assert [row["correct"] for row in rows] == [0.5, 0.5, 0.5]
    assert counts["unrewarded"] == 0
    assert rows[0]["reward"] == pytest.approx(0.7 * 0.75 + 0.3 * 1.0)  # the paper's alpha


def test_an_answer_that_stays_open_earns_nothing_and_costs_nothing(monkeypatch, tmp_path):
    def grade(rollout):
        return Grade("x", None if rollout.completion.text.endswith("well") else False)

    _, counts, trainer = run(monkeypatch, tmp_path, GradingJudge(grade=grade), opened=True)
    assert counts["unrewarded"] == 12
    assert [len(shown) for shown in trainer.shown] == [4, 4, 4]
    nobody = Judge(lambda r: Reward("judge", "process", 1.0))
    with pytest.raises(OpenRFTError, match="8 of 8 answers could not be rewarded"):
        run(monkeypatch, tmp_path / "nobody", nobody, opened=True)
    rewarded = Judge(lambda r: Reward("judge", "outcome", 1.0))
    assert run(monkeypatch, tmp_path / "rewarded", rewarded, opened=True)[1]["unrewarded"] == 0
