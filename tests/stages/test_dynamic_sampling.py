"""Questions whose answers all earned the same are replaced by others within the step."""

from __future__ import annotations

import openrft
from openrft import Reward, split_steps
from openrft.stages.draw import draw_step_samples
from tests.stages.factories import (
    TASK,
    Trainee,
    Trainer,
    always_wrong,
    half_right,
    make_context,
    run_explore,
    some_teach,
)

TELLING = {s.id for s in TASK.train if int(s.question.split()[2]) % 2 == 0}


def test_questions_that_teach_nothing_are_replaced(monkeypatch, tmp_path):
    assert 4 <= len(TELLING) < 12
    trainer, policy = Trainer(dynamic_sampling_retries=9), Trainee(some_teach)
    rows, counts = run_explore(make_context(monkeypatch, tmp_path, policy, trainer=trainer))
    for shown in trainer.shown:
        assert set(shown) <= TELLING
        assert len(set(shown)) == 4
    assert counts["groups_kept"] == 12
    assert counts["groups_drawn"] == counts["completions"] / 2 > 12
    assert len({seed for seed, _ in policy.drawn}) == len(policy.drawn)  # every draw has a seed of its own
    assert rows[0]["zero_variance"] > 0  # of all that were drawn


def test_redraws_are_bounded_and_no_question_is_asked_twice_in_a_step(monkeypatch, tmp_path):
    trainer, policy = Trainer(dynamic_sampling_retries=1), Trainee(always_wrong)
    _, counts = run_explore(make_context(monkeypatch, tmp_path, policy, steps=2, trainer=trainer))
    assert [len(asked) for _, asked in policy.drawn] == [4, 4, 4, 4]
    assert len(set(policy.drawn[0][1] + policy.drawn[1][1])) == 8
    assert (counts["groups_drawn"], counts["groups_kept"], counts["idle_steps"]) == (16, 0, 2)
    assert [len(shown) for shown in trainer.shown] == [16, 16]  # nothing to choose from: all of it


class Rambled:
    """Of each batch that it scores one step was beyond its context."""

    rewards = ("process",)

    @openrft.hookimpl
    def reward(self, rollouts):
        rewards = [Reward("prm", "process", per_step=(0.5,) * len(split_steps(r.completion.text))) for r in rollouts]
        return openrft.HookResult(rewards, {"steps_beyond_context": 1})


def test_what_a_reward_counted_is_counted_once(monkeypatch, tmp_path):
    class Full(Trainee):
        """No prompt of a second draw fits its context."""

        def generate(self, prompts, sampling, progress=None):
            self.finish_reason = "context" if len(self.drawn) % 2 else "stop"
            return super().generate(prompts, sampling, progress)

    policy = Full(always_wrong)
    context = make_context(
        monkeypatch, tmp_path, policy, steps=2, trainer=Trainer(dynamic_sampling_retries=1), prm=Rambled()
    )
    _, counts = run_explore(context)
    assert (len(policy.drawn), counts["over_context"], counts["unread_steps"]) == (4, 16, 2)
    assert counts["prm.steps_beyond_context"] == 2


def test_a_question_asked_twice_in_a_batch_is_not_taken_for_one_that_taught_nothing(monkeypatch, tmp_path):
    batches = [[s.id for s in draw_step_samples(TASK.train, 5, step, 0)] for step in range(12)]
    assert any(len(set(batch)) < 5 for batch in batches)  # where one epoch ends and the next begins
    trainer, policy = Trainer(dynamic_sampling_retries=3), Trainee(half_right)
    run_explore(make_context(monkeypatch, tmp_path, policy, steps=12, prompts_per_step=5, trainer=trainer))
    assert [len(asked) for _, asked in policy.drawn] == [5] * 12
    assert [len(shown) for shown in trainer.shown] == [10] * 12
