"""Who grades: the task's rule first, then a plugin that grades all answers, or one for those that are open."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import openrft
from openrft.errors import PluginError, UsageError
from openrft.grading.grade import Grade
from openrft.plugins.manager import PluginSet
from openrft.runtime.progress import NoProgress
from openrft.stages.context import StageStats
from openrft.stages.grade import call_grade_hooks
from openrft.testing import toy_task, use_plugins
from openrft.types import Completion, Rollout, rollout_from_json, to_json

TASK = toy_task(2, 2)
GRADED = Rollout(TASK.test[0], (), Completion("a"), answer="A", correct=True)
OPEN = Rollout(TASK.test[1], (), Completion("b"), answer="b")
FAILED = Rollout(TASK.test[1], (), Completion("", finish_reason="error"))


class First:
    """Gives these grades, in turn; none at all if there are none."""

    given: Sequence[Grade] | None = None
    asked: list[str]  # completions

    @openrft.hookimpl
    def grade(self, rollouts: Sequence[Rollout]) -> list[Grade] | None:
        type(self).asked = [rollout.completion.text for rollout in rollouts]
        return None if self.given is None else list(self.given)


class Second(First):
    """Another one."""


class Whole(First):
    """Grades every answer, unless its options say otherwise."""

    def __init__(self) -> None:
        self.grades = self.wanted

    wanted = "all"


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    for kind in (First, Second, Whole):
        kind.given, kind.asked = None, []
    Whole.wanted = "all"
    with use_plugins({"first": First, "second": Second, "whole": Whole, "rival": Whole}):
        yield


def grade(rollouts: list[Rollout], *names: str) -> list[Rollout]:
    return call_grade_hooks(PluginSet(names, {}), rollouts, TASK, NoProgress(), StageStats())


def test_only_what_is_open_is_graded_in_order() -> None:
    First.given = [Grade("b", True, 1.0, reason="so it is"), Grade("b", False, 0.25)]
    found = grade([GRADED, OPEN, FAILED, GRADED, OPEN], "first")
    graded = [(r.correct, r.score, r.reason) for r in found]
    assert graded[:3] == [(True, None, ""), (True, 1.0, "so it is"), (None, None, "")]
    assert graded[3:] == [(True, None, ""), (False, 0.25, "")]
    assert First.asked == ["b", "b"]
    assert [rollout_from_json(to_json(r)) for r in found] == found


def test_what_nobody_grades_stays_open() -> None:
    assert grade([GRADED, OPEN], "first") == grade([GRADED, OPEN]) == [GRADED, OPEN]
    First.asked = []
    assert grade([GRADED], "first") == [GRADED]
    assert First.asked == []


def test_the_first_that_grades_open_answers_wins() -> None:
    Second.given = [Grade("b", True)]
    assert [r.correct for r in grade([OPEN], "first", "second")] == [True]
    First.given, Second.asked = [Grade("b", None)], []
    assert [r.correct for r in grade([OPEN], "first", "second")] == [None]  # it failed, and nobody else is asked
    assert Second.asked == []


def test_one_plugin_grades_every_answer_in_place_of_the_rule() -> None:
    Whole.given, First.given = [Grade("a", False), Grade("b", None)], [Grade("b", True)]
    assert [r.correct for r in grade([GRADED, FAILED, OPEN], "first", "whole")] == [False, None, None]
    assert (Whole.asked, First.asked) == (["a", "b"], [])
    Whole.given = None  # it has nothing to grade with
    assert [r.correct for r in grade([GRADED, FAILED, OPEN], "first", "whole")] == [True, None, True]


def test_two_plugins_cannot_grade_every_answer() -> None:
    with pytest.raises(UsageError, match="whole and rival both grade every answer"):
        grade([OPEN], "whole", "first", "rival")


def test_options_decide_what_is_graded() -> None:
    Whole.wanted, Whole.given = "none", [Grade("b", True)]
    assert grade([OPEN], "whole") == [OPEN]
    assert PluginSet(["whole"], {}).implementing("grade") == []
    Whole.wanted = "every"
    with pytest.raises(PluginError, match=r"'whole' .*grades is 'every'\. Use open, all, none"):
        grade([OPEN], "whole")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([Grade("b", True)], "gave 1 grades for 2 answers"),
        ([Grade("b", True), 1], "gave a int in grade, in place of a Grade"),
        ([Grade("b", True, 1.5)] * 2, r"the score is 1\.5, which is not in \[0, 1\]"),
        ([Grade("b", True, math.nan)] * 2, "the score is nan"),
        ([Grade("b", True, "0.5")] * 2, "the score is a str"),
        ([Grade("b", 0.5)] * 2, r"correct is 0\.5"),
        ([Grade(True, True)] * 2, "the answer is a bool"),
    ],
)
def test_a_plugin_that_grades_wrongly_is_named(given: Any, words: str) -> None:
    First.given = given
    with pytest.raises(PluginError, match=f"'first' .*{words}"):
        grade([OPEN, OPEN], "first")


def test_numbers_of_numpy_become_plain_ones() -> None:
    First.given = [Grade("b", np.bool_(True), np.float32(0.5))]  # type: ignore[arg-type]
    (found,) = grade([OPEN], "first")
    assert (found.correct, found.score) == (True, 0.5)
    assert (type(found.correct), type(found.score)) == (bool, float)


def test_what_a_grade_is_worth() -> None:
    assert Grade("A", True).value == 1
    assert Grade(None, False).value == 0
    assert Grade("x", False, 0.4).value == 0.4
    assert Grade("x", None).value is None
