"""What the grader leaves open is graded by a judge, left open without one, and never made a wrong answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from openrft.errors import PluginError
from openrft.grading.grade import Grade
from openrft.plugins.hookspecs import HookResult
from openrft.runtime.progress import NoProgress
from openrft.stages.context import StageStats
from openrft.stages.judge import judge_open_answers
from openrft.testing import toy_task
from openrft.types import Completion, Rollout, rollout_from_json, to_json

TASK = toy_task(2, 2)


def rollouts() -> list[Rollout]:
    graded = Rollout(TASK.test[0], (), Completion("a"), answer="A", correct=True)
    waiting = Rollout(TASK.test[1], (), Completion("b"), answer="b")
    return [graded, waiting, graded, waiting]


def make_context(found: Any) -> Any:
    asked: list[int] = []

    def call_first(hook: str, rollouts: list[Rollout], **more: Any) -> Any:
        assert hook == "judge"
        asked.append(len(rollouts))
        return found and (found[0], HookResult(found[1]))

    return SimpleNamespace(
        plugins=SimpleNamespace(call_first=call_first), training_task=TASK, progress=NoProgress(), asked=asked
    )


def test_only_what_is_open_is_judged_in_order() -> None:
    judged = judge_open_answers(
        make_context(("toy", [Grade("b", True, 1.0), Grade("b", False, 0.25)])), rollouts(), StageStats()
    )
    assert [(r.correct, r.score) for r in judged] == [(True, None), (True, 1.0), (True, None), (False, 0.25)]
    assert [rollout_from_json(to_json(r)) for r in judged] == judged


def test_without_a_judge_it_stays_open() -> None:
    judged = judge_open_answers(make_context(None), rollouts(), StageStats())
    assert [r.correct for r in judged] == [True, None, True, None]
    nothing_open = make_context(None)
    assert judge_open_answers(nothing_open, rollouts()[::2], StageStats()) == rollouts()[::2]
    assert nothing_open.asked == []


def test_a_judge_that_leaves_answers_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrft.stages.judge.find_plugin", lambda name: f"plugin {name!r}")
    with pytest.raises(PluginError, match="plugin 'toy' judged 1 of 2 answers"):
        judge_open_answers(make_context(("toy", [Grade("b", True)])), rollouts(), StageStats())


def test_what_a_grade_is_worth() -> None:
    assert Grade("A", True).value == 1
    assert Grade(None, False).value == 0
    assert Grade("x", False, 0.4).value == 0.4
    assert Grade("x", None).value is None
