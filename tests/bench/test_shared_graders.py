"""All arms of a bench are graded alike: a plugin that only grades is in every arm and is not measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest

import openrft
from openrft.bench.plan import BenchPlan, BenchRequest, make_plan
from openrft.bench.shared_graders import find_grader_of_all
from openrft.errors import UsageError
from openrft.testing import use_plugins


class Exact(openrft.Plugin):
    """Grades, and rewards if it is told to."""

    @dataclass(frozen=True)
    class Options:
        grades: Literal["all", "none"] = "all"

    def __init__(self, options: Options) -> None:
        self.grades = options.grades
        self.rewards = ("outcome",) if options.grades == "none" else ()

    @openrft.hookimpl
    def grade(self, rollouts: Any) -> None: ...

    @openrft.hookimpl
    def reward(self, rollouts: Any) -> None: ...


class Both(openrft.Plugin):
    """Grades, and changes what RL earns."""

    @openrft.hookimpl
    def grade(self, rollouts: Any) -> None: ...

    @openrft.hookimpl
    def reward(self, rollouts: Any) -> None: ...


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    with use_plugins({"exact": Exact, "both": Both}):
        yield


def plan(*plugins: str, arms: str = "ablation", extra: tuple[str, ...] = (), **values: Any) -> BenchPlan:
    return make_plan(BenchRequest(plugins=plugins, arms=arms, extra=extra, values=values))


def members(found: BenchPlan) -> dict[str, tuple[str, ...]]:
    return {arm.name: arm.plugins for arm in found.arms}


def test_a_plugin_that_grades_is_in_every_arm_and_is_not_measured() -> None:
    found = plan("rl", "exact")
    assert members(found) == {"vanilla": ("exact",), "rl": ("rl", "exact")}
    assert found.ablation.plugins == ("rl",)
    assert "exact grades the answers of every arm, so that all are measured alike." in found.notices


def test_an_arm_or_an_option_names_the_grader() -> None:
    by_arm = plan(arms="none", extra=("trained=rl,exact",))
    by_option = plan(arms="none", extra=("trained=rl",), exact={"grades": "all"})
    assert members(by_arm) == members(by_option) == {"vanilla": ("exact",), "trained": ("rl", "exact")}


def test_a_grader_of_all_answers_is_known_by_its_options() -> None:
    assert find_grader_of_all(["rl", "exact"], {}) == "exact"
    assert find_grader_of_all(["rl", "exact"], {"exact": {"grades": "none"}}) is None
    assert find_grader_of_all(["rl", "both"], {}) is None


def test_what_only_rewards_is_measured_like_any_plugin() -> None:
    found = plan("rl", "exact", exact={"grades": "none"})
    assert found.ablation.plugins == ("rl", "exact")
    assert members(found)["vanilla"] == ()


def test_one_arm_cannot_have_its_own_grader() -> None:
    with pytest.raises(UsageError, match="the arm x sets options of exact, which grades every arm"):
        plan(arms="none", extra=("x=rl,exact,exact.grades=none",))


def test_a_plugin_that_grades_and_does_more_is_told_of() -> None:
    found = plan("rl", "both")
    assert members(found)["vanilla"] == ()
    assert "both grades the answers of some arms only: they are not measured like the others." in found.notices
