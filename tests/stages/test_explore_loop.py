"""What can go wrong in a run of RL is seen: refused with a name, or counted."""

from __future__ import annotations

import math

import pytest

import openrft
from openrft import Completion, Reward, Rollout
from openrft.errors import OpenRFTError, PluginError, UsageError
from openrft.stages.rl_metrics import compute_step_metrics, has_no_learning_signal
from openrft.tasks.prompt import box_answer
from tests.stages.factories import (
    TASK,
    Judge,
    Trainee,
    Trainer,
    always_wrong,
    half_right,
    make_context,
    outcome,
    run_explore,
    untimed,
)


def process(*per_step):
    return lambda rollouts: [Reward("judge", "process", per_step=per_step) for _ in rollouts]


@pytest.mark.parametrize(
    ("gives", "words"),
    [
        (lambda rollouts: 1 / 0, "raised ZeroDivisionError in reward"),
        (lambda rollouts: None, "gave None in place of a list of rewards"),
        (lambda rollouts: [], "gave 0 rewards for 8 rollouts"),
        (lambda rollouts: (r for r in rollouts), "gave a generator in place of a list of rewards"),
        (lambda rollouts: [0.5] * len(rollouts), "float in place of a Reward"),
        (process(0.5, math.nan), r"a step's score is nan, which is not in \[0, 1\]"),
        (process(0.5, 1.5), r"a step's score is 1.5, which is not in \[0, 1\]"),
        (process(0.5), "1 scores for 2 steps"),
        (process(0.5, 0.5, 0.5), "3 scores for 2 steps"),
        (outcome(math.nan), "the score is nan"),
        (outcome(math.inf), "the score is inf"),
        (outcome(None), "an outcome reward without a score"),
        (outcome("0.5"), "the score '0.5' is a str, not a number"),
        (lambda rollouts: [Reward("judge", "proces", 0.5)] * 8, "the kind 'proces' is neither outcome nor process"),
        (process(0.5, None), "a step's score None is a NoneType, not a number"),
        (lambda rollouts: [Reward("judge", "process", per_step=0.5)] * 8, "per_step is a float, not a row of numbers"),
    ],
)
def test_a_reward_that_is_none_stops_the_job_and_names_the_plugin(monkeypatch, tmp_path, gives, words):
    trainer = Trainer()
    context = make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=trainer, judge=Judge(gives))
    with pytest.raises(PluginError, match=rf"'judge' \(openrft-judge 1.0\).*{words}"):
        run_explore(context)
    assert trainer.shown == []


def test_numbers_of_numpy_are_as_good_as_pythons(monkeypatch, tmp_path):
    import numpy as np

    def gives(rollouts):
        return [Reward("judge", "process", np.float32(0.5), np.array([0.25, 0.75])) for _ in rollouts]

    rows, _ = run_explore(
        make_context(monkeypatch, tmp_path, Trainee(always_wrong), trainer=Trainer(), judge=Judge(gives))
    )
    assert [row["reward.judge"] for row in rows] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_no_number_stops_the_job_before_it_is_saved(monkeypatch, tmp_path, value):
    trainer = Trainer(says=lambda step: {"loss": value if step == 1 else 0.5})
    context = make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=trainer)
    with pytest.raises(PluginError, match=f"trainer: after step 1 loss is {value}"):
        run_explore(context)
    assert [f.name for f in tmp_path.glob("explore/*.resume/*")] == ["1"]  # the checkpoint before step 1 stands


def test_a_policy_whose_probabilities_are_no_numbers_is_not_trained(monkeypatch, tmp_path):
    trainer = Trainer()
    with pytest.raises(OpenRFTError, match="step 0: the policy's probabilities are no longer finite"):
        run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right, logprob=math.nan), trainer=trainer))
    assert trainer.shown == []


def test_an_exploding_loss_is_counted(monkeypatch, tmp_path):
    trainer = Trainer(says=lambda step: {"loss": -1e6 if step else 0.5})
    rows, counts = run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=trainer))
    assert counts["exploded_steps"] == 2
    assert rows[1]["loss"] == -1e6


def test_completions_that_never_end_or_say_nothing_are_counted(monkeypatch, tmp_path):
    rows, counts = run_explore(make_context(monkeypatch, tmp_path, Trainee(always_wrong, "length"), trainer=Trainer()))
    assert counts["cut_off"] == counts["completions"] == 3 * 4 * 2
    assert [row["cut_off"] for row in rows] == [1, 1, 1]
    assert counts["cut_off_thinking"] == 0
    inside = Trainee(lambda messages, i: "<think>perhaps" if i else "<think>no</think>", "length")
    assert (
        run_explore(make_context(monkeypatch, tmp_path / "t", inside, trainer=Trainer()))[1]["cut_off_thinking"] == 12
    )
    policy = Trainee(lambda messages, i: "" if i else "so\nwell")
    rows, counts = run_explore(
        make_context(monkeypatch, tmp_path / "blank", policy, trainer=Trainer(), judge=Judge(by_steps))
    )
    assert (counts["blank"], rows[0]["blank"], rows[0]["unparsed"]) == (12, 0.5, 1)
    assert rows[0]["reward"] == pytest.approx(0.3 * 0.5 / 2)  # nothing said is worth nothing


def by_steps(rollouts):
    return [Reward("judge", "process", per_step=(0.5,) * len(openrft.split_steps(r.completion.text))) for r in rollouts]


def test_steps_that_can_teach_nothing_are_counted(monkeypatch, tmp_path):
    rows, counts = run_explore(make_context(monkeypatch, tmp_path, Trainee(always_wrong), trainer=Trainer()))
    assert counts["idle_steps"] == 3
    assert [row["zero_variance"] for row in rows] == [1, 1, 1]
    rows, counts = run_explore(make_context(monkeypatch, tmp_path / "other", Trainee(half_right), trainer=Trainer()))
    assert counts["idle_steps"] == 0
    assert rows[0]["zero_variance"] == 0


def test_one_answer_a_question_is_not_called_idle():
    """As the paper's PPO draws them: a critic tells such answers apart."""
    one = [Rollout(s, (), Completion("x", (1,)), reward=float(i), correct=False) for i, s in enumerate(TASK.train)]
    assert compute_step_metrics(one)["zero_variance"] == 0
    assert compute_step_metrics([*one, one[0]])["zero_variance"] == 1  # of the one question that has two


def test_a_step_is_idle_if_nothing_was_set_above_another():
    def step(*rewards, each=1, **metrics):
        rollouts = [
            Rollout(s, (), Completion("x", (1,)), reward=r, correct=False)
            for s, r in zip(TASK.train, rewards, strict=False)
            for _ in range(each)
        ]
        return has_no_learning_signal(rollouts, {**compute_step_metrics(rollouts), **metrics})

    assert step(1.0, 1.0, updates=2)  # whatever a critic makes of it
    assert not step(1.0, 0.0, updates=1)
    assert step(1.0, 0.0, each=2)  # answers are compared with those to the same question alone
    assert not step(1.0, 0.0, each=2, updates=1)  # or with all of the batch
    assert not step(1.0)


def test_a_row_holds_the_figures_of_its_step(monkeypatch, tmp_path):
    policy = Trainee(half_right, logprob=-2.0)
    policy.sampling_metrics = {"cuda_graphs.share": 0.75}
    rows, _ = run_explore(make_context(monkeypatch, tmp_path, policy, trainer=Trainer()))
    row = rows[0]
    assert row["cuda_graphs.share"] == 0.75
    assert (row["step"], row["reward"], row["correct"], row["unparsed"], row["reward.outcome"]) == (
        0,
        0.5,
        0.5,
        0.5,
        0.5,
    )
    assert row["entropy"] == 2.0
    assert row["tokens"] == row["length"] * 8 == 4 * len(f"so\n{box_answer('A')}") + 4 * len("so\nwell")
    assert {"seconds.rollout", "seconds.reward", "seconds.train", "loss"} <= set(row)


class Whole:
    """Runs the stage in its own way, up to `until`."""

    trains = ("explore_stage",)

    def __init__(self, until=3):
        self.until = until

    @openrft.hookimpl
    def train_step(self, objective, rollouts, run):
        assert (objective, rollouts) == ("explore_stage", ())
        for step in range(run.first, self.until):
            prompts = run.draw_prompts(step)
            groups = run.policy.generate([p.messages for p in prompts], run.sampling(step))
            answered = [p.to_rollout(c) for p, group in zip(prompts, groups, strict=True) for c in group]
            run.log_step(step, run.score_rollouts(step, answered), {"loss": 0.5})
        return {}


def test_a_plugin_that_runs_the_whole_stage_gets_the_same_questions_rewards_and_log(monkeypatch, tmp_path):
    ours, theirs = Trainee(half_right), Trainee(half_right)
    one = run_explore(make_context(monkeypatch, tmp_path / "ours", ours, trainer=Trainer()))
    other = run_explore(make_context(monkeypatch, tmp_path / "theirs", theirs, whole=Whole()))
    assert (untimed(one[0]), one[1], ours.drawn) == (untimed(other[0]), other[1], theirs.drawn)


def test_a_plugin_that_ends_early_or_shares_the_stage_is_refused(monkeypatch, tmp_path):
    with pytest.raises(PluginError, match=r"'whole' \(openrft-whole 1.0\) ended after 2 of 3 steps"):
        run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), whole=Whole(until=2)))
    with pytest.raises(UsageError, match="trainer and whole cannot both explore in one arm"):
        run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=Trainer(), whole=Whole()))
