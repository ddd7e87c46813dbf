"""Plugins check their own rewards before RL: once for arms that start alike, on answers that only the rule graded."""

from __future__ import annotations

import pytest
import torch

import openrft
from openrft import pipeline
from openrft.config.settings import EvaluateSettings, ExploreSettings, FitnessSettings, Settings
from openrft.errors import PluginError
from openrft.job import Arm, Job
from openrft.pipeline import build_context
from openrft.runtime.store import Store
from openrft.stages.check_reward import check_rewards
from openrft.testing import toy_task, use_plugins
from openrft.types import Reward

TASK = toy_task(8, 4)
SETTINGS = Settings(
    ExploreSettings(steps=1, prompts_per_step=2, group_size=2, max_tokens=6),
    EvaluateSettings(completions=1, max_tokens=6),
    FitnessSettings(questions=5, completions=3),
)


class Toy:
    """Where the task comes from; `load_task` is replaced."""

    @openrft.hookimpl
    def tasks(self):
        return None


class Checked:
    """Says how many answers it was shown."""

    rewards = ("outcome",)
    shown: list

    @openrft.hookimpl
    def reward(self, rollouts):
        return [Reward("checked", "outcome", 1.0) for _ in rollouts]

    @openrft.hookimpl
    def check_reward(self, rollouts, task, seed):
        self.shown.append((rollouts, task, seed))
        return openrft.HookResult(
            openrft.RewardCheck((f"{len(rollouts)} answers",), ("it is a toy",)), metrics={"answers": len(rollouts)}
        )


class Other(Checked):
    """Has nothing to say."""

    @openrft.hookimpl
    def check_reward(self):
        return None


class Wrong(Checked):
    """Gives words alone."""

    @openrft.hookimpl
    def check_reward(self):
        return "fine"


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    torch.set_num_threads(1)
    Checked.shown = []
    monkeypatch.setattr(pipeline, "load_task", lambda name, request: TASK)
    with use_plugins({"toy": Toy, "checked": Checked, "other": Other, "wrong": Wrong}):
        yield


def check(tiny, store, *plugins, settings=SETTINGS):
    context = build_context(Job(Arm("arm", plugins), "toy/sums", 0, str(tiny), settings=settings), Store(store))
    return check_rewards(context), context


def test_answers_to_training_questions_are_checked_once(tiny, tmp_path, caplog):
    (found,), context = check(tiny, tmp_path, "rl", "checked")
    assert found == openrft.RewardCheck(("5 answers",), ("it is a toy",), "checked")
    assert str(found) == "5 answers. WARNING: it is a toy."
    assert "before RL, checked: 5 answers. WARNING: it is a toy." in caplog.text
    (record,) = context.stage_records
    assert (record.stage, record.metrics) == ("check_reward", {"checked.answers": 5})
    ((rollouts, task, _),) = Checked.shown
    assert {r.sample.id for r in rollouts} <= {s.id for s in TASK.train}
    assert all(r.correct is not None for r in rollouts)
    assert task.test == ()
    again, context = check(tiny, tmp_path, "rl", "checked", "other")
    assert again == (found,)
    assert len(Checked.shown) == 2  # another plugin that checks is another measurement
    again, context = check(tiny, tmp_path, "rl", "checked")
    assert again == (found,)
    assert context.stage_records[0].reused


def test_nothing_is_drawn_without_rl_or_without_a_plugin_that_checks(tiny, tmp_path):
    none = Settings(SETTINGS.explore, SETTINGS.evaluate, FitnessSettings(questions=0))
    for plugins, settings in (("checked",), SETTINGS), (("rl",), SETTINGS), (("rl", "checked"), none):
        found, context = check(tiny, tmp_path, *plugins, settings=settings)
        assert (found, context.stage_records) == ((), [])


def test_what_is_no_check_is_refused(tiny, tmp_path):
    with pytest.raises(PluginError, match="gave a str in check_reward, in place of a RewardCheck"):
        check(tiny, tmp_path, "rl", "wrong")
