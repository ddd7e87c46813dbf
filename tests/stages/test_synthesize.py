"""What the core accepts as targets of imitation."""

from __future__ import annotations

import pytest

from openrft.errors import PluginError
from openrft.stages.synthesize import verify_targets
from openrft.tasks.prompt import box_answer
from openrft.tasks.task import Task
from openrft.types import Completion, Rollout, Sample

SAMPLES = tuple(Sample(f"question {i}", "AB"[i % 2], ("x", "y"), task="toy") for i in range(4))
TASK = Task("toy", SAMPLES, SAMPLES)


def target(i, letter=None):
    return Rollout(SAMPLES[i], (), Completion(box_answer(letter or SAMPLES[i].answer)))


@pytest.mark.parametrize("chosen", [(0, 1, 2, 3), (1, 3), (2,)])
def test_some_samples_may_have_no_target(chosen):
    verified = verify_targets("teacher", SAMPLES, [target(i) for i in chosen], TASK)
    assert [rollout.sample for rollout in verified] == [SAMPLES[i] for i in chosen]
    assert all(rollout.correct for rollout in verified)


def test_of_no_samples_none_are_left_out():
    assert verify_targets("teacher", (), [], TASK) == []


@pytest.mark.parametrize(
    ("rollouts", "words"),
    [
        ([], "left out all 4 samples, so there is nothing to imitate"),
        ([target(1), target(0)], "at most one rollout for each of 4 samples, in order"),
        ([target(1), target(1)], "at most one rollout for each of 4 samples, in order"),
        ([Rollout(Sample("another", "A", ("x", "y")), (), Completion(box_answer("A")))], "at most one rollout"),
        ([target(0), target(1, "A")], "answers wrongly"),
    ],
)
def test_other_lists_are_refused(rollouts, words):
    with pytest.raises(PluginError, match=words):
        verify_targets("teacher", SAMPLES, rollouts, TASK)
