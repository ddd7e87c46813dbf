"""R = alpha * outcome + (1 - alpha) * f(process), worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.config.settings import ExploreSettings
from openrft.errors import PluginError
from openrft.rewards.combine import aggregate_steps, assign_rewards, mix_outcome_and_process, split_over_steps
from openrft.types import Completion, Reward, Rollout, Sample

STEPS = (0.9, 0.2, 0.5)
ROLLOUT = Rollout(Sample("q", "A", ("x", "y")), (), Completion("one\ntwo\n\n\\boxed{A}"), answer="A", correct=True)


def test_aggregations_by_hand():
    assert aggregate_steps(STEPS, "mean") == pytest.approx(1.6 / 3)
    assert aggregate_steps(STEPS, "min") == 0.2
    assert aggregate_steps(STEPS, "last") == 0.5
    assert aggregate_steps(STEPS, "product") == pytest.approx(0.09)
    weights = [math.exp(-9), math.exp(-2), math.exp(-5)]
    expected = (weights[0] * 0.9 + weights[1] * 0.2 + weights[2] * 0.5) / sum(weights)
    assert aggregate_steps(STEPS, "softmin") == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1), st.sampled_from(["mean", "min", "last", "product", "softmin"]))
def test_aggregations_stay_in_range(steps, f):
    assert -1e-9 <= aggregate_steps(steps, f) <= 1 + 1e-9


def test_no_steps_score_zero():
    assert aggregate_steps((), "mean") == 0.0


def test_the_mix_by_hand_and_its_exact_ends():
    assert mix_outcome_and_process(1.0, [0.2], 0.7) == pytest.approx(0.7 + 0.3 * 0.2)
    assert mix_outcome_and_process(1.0, [0.2], 1.0) == 1.0
    assert mix_outcome_and_process(1.0, [0.2], 0.0) == 0.2
    assert mix_outcome_and_process(1.0, [], 0.7) == 1.0


def test_scored_fills_in_the_outcome_and_the_aggregate():
    rollout = assign_rewards(ROLLOUT, [Reward("prm", "process", per_step=STEPS)], 0.7, "min")
    assert [(r.name, r.score) for r in rollout.rewards] == [("outcome", 1.0), ("prm", 0.2)]
    assert rollout.reward == pytest.approx(0.76)


def test_a_plugins_outcome_replaces_the_graders():
    rollout = assign_rewards(ROLLOUT, [Reward("placebo", "outcome", 0.0)], 0.7, "min")
    assert rollout.reward == 0.0
    assert [r.name for r in rollout.rewards] == ["placebo"]


def test_the_lenient_reading_adds_only_what_the_strict_one_cannot_read():
    unread = replace(ROLLOUT, answer=None, correct=False, lenient_answer="A", lenient_correct=True)
    partly = replace(ROLLOUT, correct=False, score=0.25, lenient_answer="A", lenient_correct=True)
    judge = Reward("judge", "outcome", 0.5)
    judged = replace(unread, score=0.5, lenient_answer=None, lenient_correct=False)  # by its whole text
    assert assign_rewards(judged, [], 0.7, "min", reading="lenient").reward == 0.5
    found = {
        reading: [
            assign_rewards(unread, [], 0.7, "min", reading=reading).reward,
            assign_rewards(partly, [], 0.7, "min", reading=reading).reward,
            assign_rewards(unread, [judge], 0.7, "min", reading=reading).reward,
        ]
        for reading in ("strict", "lenient")
    }
    assert found == {"strict": [0.0, 0.25, 0.5], "lenient": [1.0, 0.25, 0.5]}


def test_a_reward_that_is_no_number_is_refused():
    with pytest.raises(PluginError, match="'prm' gave nan"):
        assign_rewards(ROLLOUT, [Reward("prm", "process", math.nan)], 0.7, "min")


def test_shares_by_hand():
    assert split_over_steps(STEPS, "step") == pytest.approx([0.3, 0.2 / 3, 0.5 / 3])
    weights = [math.exp(-9), math.exp(-2), math.exp(-5)]
    expected = [w * p / sum(weights) for w, p in zip(weights, STEPS, strict=True)]
    assert split_over_steps(STEPS, "min") == pytest.approx(expected)
    assert split_over_steps((), "step") == split_over_steps((), "min") == []


def test_the_worst_step_earns_nearly_all_of_the_minimum():
    first, worst, last = split_over_steps((1.0, 0.1, 0.9), "min")
    assert worst == pytest.approx(0.1, abs=1e-3)
    assert first + last < 1e-3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_shares_add_up_to_the_process_score(steps):
    assert sum(split_over_steps(steps, "step")) == pytest.approx(aggregate_steps(steps, "mean"))
    assert sum(split_over_steps(steps, "min")) == pytest.approx(aggregate_steps(steps, "softmin"))


@pytest.mark.parametrize("credit", ["step", "min"])
def test_what_was_earned_adds_up_to_the_reward(credit):
    sources = [
        Reward("prm", "process", per_step=STEPS),
        Reward("judge", "process", per_step=(1.0, 1.0, 0.0)),
        Reward("whole", "process", 0.4),
    ]
    rollout = assign_rewards(ROLLOUT, sources, 0.7, "last", credit)
    assert len(rollout.step_rewards) == 4
    assert math.fsum(rollout.step_rewards) == pytest.approx(rollout.reward)
    assert rollout.step_rewards[-1] == pytest.approx(0.7 * 1 + 0.3 * 0.4 / 3)
    assert rollout.rewards[1].score == pytest.approx(aggregate_steps(STEPS, "mean" if credit == "step" else "softmin"))


def test_credit_of_the_sequence_leaves_the_reward_whole():
    assert assign_rewards(ROLLOUT, [Reward("prm", "process", per_step=STEPS)], 0.7, "min").step_rewards == ()
    assert assign_rewards(ROLLOUT, [], 0.7, "min", "step").step_rewards == ()


@pytest.mark.parametrize("credit", ["step", "min"])
def test_outcome_alone_is_earned_at_the_end_whatever_the_credit(credit):
    given = [Reward("prm", "process", per_step=STEPS)]
    one, other = assign_rewards(ROLLOUT, given, 1.0, "min", credit), assign_rewards(ROLLOUT, given, 1.0, "min")
    assert (one.step_rewards, one.reward) == (other.step_rewards, other.reward) == ((), 1.0)


def test_an_empty_completion_earns_only_its_outcome():
    empty = Rollout(ROLLOUT.sample, (), Completion(""), correct=False)
    assert assign_rewards(empty, [Reward("prm", "process")], 0.7, "min", "step").step_rewards == (0.0,)


def test_an_aggregation_that_the_credit_cannot_add_up_to_is_refused():
    assert ExploreSettings(credit="step").effective_aggregation == "mean"
    assert ExploreSettings(credit="min").effective_aggregation == "softmin"
    assert ExploreSettings().effective_aggregation == "min"
    assert ExploreSettings(credit="step", aggregation="mean").effective_aggregation == "mean"
    for other in ("last", "min"):
        with pytest.raises(ValueError, match="credit=step brings its own aggregation, mean"):
            ExploreSettings(credit="step", aggregation=other)


def test_an_answer_right_in_part_earns_its_part():
    partly = replace(ROLLOUT, correct=False, score=0.75)
    assert assign_rewards(partly, (), 0.7, "min").reward == 0.75
    assert (
        assign_rewards(replace(ROLLOUT, score=1.0), [Reward("prm", "process", per_step=STEPS)], 0.5, "min").reward
        == 0.6
    )
