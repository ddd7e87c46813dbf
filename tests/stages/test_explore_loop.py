"""What can go wrong in a run of RL is seen: refused with a name, or counted."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import openrft
from openrft import Completion, Grade, Reward, Rollout, split_steps
from openrft.errors import OpenRFTError, PluginError, UsageError
from openrft.stages.draw import draw_step_samples
from openrft.stages.rl_metrics import compute_step_metrics, has_no_learning_signal
from openrft.tasks.prompt import box_answer
from openrft.testing import toy_task
from tests.stages.factories import TASK, Trainee, Trainer, make_context, run_explore


def half_right(messages, i):
    """One of a group's two completions is right."""
    sample = next(s for s in TASK.train if s.question in messages[-1]["content"])
    return f"so\n{box_answer(sample.answer)}" if i == 0 else "so\nwell"


def always_wrong(messages, i):
    return "so\nwell"


class Judge:
    """Gives what it is told to give."""

    def __init__(self, gives):
        self.gives = gives

    @openrft.hookimpl
    def reward(self, rollouts, step):
        return self.gives(rollouts)


def process(*per_step):
    return lambda rollouts: [Reward("judge", "process", per_step=per_step) for _ in rollouts]


def outcome(score):
    return lambda rollouts: [Reward("judge", "outcome", score) for _ in rollouts]


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


# -- two readings, and a start without a reward ----------------------------------------------------------------------


def read_both_ways(sample, text):
    """Strict: boxed letters only. Lenient: a bare letter on the last line, too."""
    strict = openrft.grade(sample, text)
    last = text.rsplit("\n", 1)[-1].strip()
    if strict.answer is None and last in "ABCD":
        return replace(strict, lenient=Grade(last, last == sample.answer))
    return strict


def bare_letter(messages, i):
    """The right letter without its box, every other time."""
    sample = next(s for s in TASK.train if s.question in messages[-1]["content"])
    return f"so\n{sample.answer}" if i == 0 else "so\nwell"


def read_in_both_ways(context):
    context.task = replace(TASK, grade=read_both_ways)
    return context


def test_the_strict_reading_earns_the_reward_and_the_lenient_one_does_by_option(monkeypatch, tmp_path):
    shown = {}
    for reading in ("strict", "lenient"):
        context = make_context(
            monkeypatch, tmp_path / reading, Trainee(bare_letter), trainer=Trainer(), reading=reading
        )
        rows, counts = run_explore(read_in_both_ways(context))
        shown[reading] = [(row["reward"], row["correct"], row["lenient_correct"], row["unparsed"]) for row in rows]
        assert counts["idle_steps"] == (3 if reading == "strict" else 0)
        assert context.stage_records[-1].metrics["last.lenient_correct"] == 0.5
    assert shown == {"strict": [(0.0, 0.0, 0.5, 1.0)] * 3, "lenient": [(0.5, 0.0, 0.5, 1.0)] * 3}


@pytest.mark.parametrize(
    ("script", "reading", "words"),
    [
        (bare_letter, "strict", "50% of them are right in the lenient reading: use sft first, or explore.reading=len"),
        (bare_letter, "lenient", ""),
        (always_wrong, "strict", "none of the first 24 answers earned an outcome reward.*Use sft first, or easier"),
        (half_right, "strict", ""),
        (lambda messages, i: half_right(messages, 0), "strict", "all of the first 24 answers earned the full outcome"),
    ],
)
def test_a_start_that_teaches_nothing_is_warned_of_at_once(monkeypatch, tmp_path, caplog, script, reading, words):
    trainer = Trainer()
    context = make_context(monkeypatch, tmp_path, Trainee(script), trainer=trainer, reading=reading)
    _, counts = run_explore(read_in_both_ways(context))
    assert counts["first_completions"] == 24
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    if words:
        (line,) = warnings
        assert re.search(words, line)
    else:
        assert warnings == []


def test_a_plugins_outcome_reward_is_judged_by_what_it_gave(monkeypatch, tmp_path, caplog):
    context = make_context(monkeypatch, tmp_path, Trainee(bare_letter), trainer=Trainer(), judge=Judge(outcome(0.0)))
    run_explore(read_in_both_ways(context))
    assert "lenient" not in caplog.text  # its reward does not follow a reading
    assert "none of the first 24 answers earned an outcome reward" in caplog.text
    caplog.clear()
    run_explore(
        make_context(
            monkeypatch, tmp_path / "some", Trainee(always_wrong), trainer=Trainer(), judge=Judge(outcome(0.25))
        )
    )
    assert caplog.text == ""


def test_only_the_answers_before_training_count_as_the_first(monkeypatch, tmp_path):
    """Steps are counted until there are 50 completions; later ones say nothing about the start."""
    _, counts = run_explore(
        make_context(monkeypatch, tmp_path, Trainee(half_right), steps=9, prompts_per_step=12, trainer=Trainer())
    )
    assert (counts["completions"], counts["first_completions"], counts["first_unrewarded"]) == (216, 72, 36)


# -- dynamic sampling --------------------------------------------------------------------------------------------


def some_teach(messages, i):
    """Of the twelve questions, those with an even first number teach."""
    number = int(messages[-1]["content"].split()[2])
    return half_right(messages, i) if number % 2 == 0 else always_wrong(messages, i)


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


# -- stopping and going on -----------------------------------------------------------------------------------------


class Stopping(Trainer):
    """Remembers a running total; interrupts at a step."""

    stop_at = None

    @openrft.hookimpl
    def train_step(self, policy, rollouts, step, state):
        if step == self.stop_at:
            raise KeyboardInterrupt
        policy.trained += 1
        total = (state or {"total": 0})["total"] + step + 1
        return openrft.HookResult({"total": total}, state={"total": total})


def test_a_stopped_run_goes_on_with_the_plugins_state_and_the_same_draws(monkeypatch, tmp_path):
    def go(store, stop_at=None, dynamic_sampling_retries=2):
        trainer, policy = Stopping(dynamic_sampling_retries=dynamic_sampling_retries), Trainee(some_teach)
        trainer.stop_at = stop_at
        return run_explore(make_context(monkeypatch, tmp_path / store, policy, steps=5, trainer=trainer)), policy

    (straight, counts), whole = go("straight")
    with pytest.raises(KeyboardInterrupt):
        go("stopped", stop_at=3)
    (unfinished,) = tmp_path.glob("stopped/explore/*.part/rollouts.jsonl")
    first = unfinished.read_text().splitlines()[0]
    with unfinished.open("a") as file:  # as if step 3 had been logged, but not saved, when the run was killed
        file.write(first.replace('"step": 0', '"step": 3') + "\n" + first[:50])
    (stopped, counted), rest = go("stopped")
    kept = [next(tmp_path.glob(f"{run}/explore/*/rollouts.jsonl")) for run in ("straight", "stopped")]
    assert kept[0].read_text() == kept[1].read_text()
    assert list(dict.fromkeys(row["step"] for row in map(json.loads, kept[1].read_text().splitlines()))) == [0, 2, 4]
    assert [row["total"] for row in stopped] == [1, 3, 6, 10, 15]
    assert untimed(stopped) == untimed(straight)
    assert counted == counts
    assert rest.drawn == whole.drawn[-len(rest.drawn) :]
    assert rest.trained == 5
    assert not list(tmp_path.glob("*/explore/*.resume"))


def untimed(rows):
    return [{k: v for k, v in row.items() if not k.startswith(("seconds", "peak"))} for row in rows]


@pytest.mark.parametrize("damage", ["checkpoint", "first checkpoint", "log", "half a line"])
def test_damage_is_noticed_and_the_run_begins_where_it_can(monkeypatch, tmp_path, damage):
    def go(stop_at=None):
        trainer = Stopping()
        trainer.stop_at = stop_at
        return run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), steps=4, trainer=trainer))

    with pytest.raises(KeyboardInterrupt):
        go(stop_at=1 if damage == "first checkpoint" else 2)
    (log,) = tmp_path.glob("explore/*.part/metrics.jsonl")
    if "checkpoint" in damage:
        next(tmp_path.glob("explore/*.resume/[12]/trained.txt")).write_text("9")
    elif damage == "log":
        log.write_text(log.read_text().splitlines()[0] + "\n")
    else:
        log.write_text(log.read_text() + '{"step": 2, "rew')
    rows, counts = go()
    assert [row["total"] for row in rows] == [1, 3, 6, 10]
    assert counts["damaged_checkpoints"] == (0 if damage == "half a line" else 1)


def test_a_kill_between_the_result_and_its_cleaning_leaves_nothing(monkeypatch, tmp_path):
    run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=Trainer()))
    (done,) = tmp_path.glob("explore/*/metrics.jsonl")
    leftover = done.parent.with_name(done.parent.name + ".resume")
    shutil.copytree(done.parent, leftover)
    run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=Trainer()))
    assert not leftover.exists()


# -- a plugin that runs the whole stage ----------------------------------------------------------------------------


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


# -- how questions are drawn ------------------------------------------------------------------------------------------


TRAIN = toy_task(7, 1).train


@given(st.integers(1, 10), st.integers(0, 5))
def test_every_question_comes_once_an_epoch(size, seed):
    size = min(size, 7)
    drawn = [s.id for step in range(7) for s in draw_step_samples(TRAIN, size, step, seed)]
    for epoch in range(size):
        assert sorted(drawn[7 * epoch : 7 * epoch + 7]) == sorted(s.id for s in TRAIN)


def test_epochs_differ_and_seeds_differ():
    orders = {tuple(s.id for s in draw_step_samples(TRAIN, 7, step, seed)) for step in range(3) for seed in range(3)}
    assert len(orders) == 9
