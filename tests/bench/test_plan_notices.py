"""What a plan tells: a policy that knows the questions, a split that is smaller, solutions that nobody imitates."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from openrft.bench.plan import BenchRequest, make_plan
from openrft.errors import UsageError
from openrft.plugins.task_registry import load_task
from openrft.policies.description import PolicyDescription, write_description
from openrft.tasks.task import DataRequest
from openrft.types import identify_question

ROWS = "question,A,B,answer,explanation\n" + "".join(
    f"Which is case {i}?,{i},{i + 1},A,It is {i}.\n" for i in range(10)
)


@pytest.fixture
def data(tmp_path: Path) -> str:
    (tmp_path / "own.csv").write_text(ROWS)
    return str(tmp_path / "own.csv")


def plan_of(data: str, *plugins: str, policy: str = "pocket", **more: int) -> tuple[str, ...]:
    return make_plan(BenchRequest(("questions/all",), plugins, policy=policy, data={"data": data, **more})).notices


def test_a_policy_that_was_trained_on_test_questions_is_told_of(tiny: Path, data: str, tmp_path: Path) -> None:
    task = load_task("questions/all", DataRequest(data=data))
    about = PolicyDescription("sft", ("sft",), 0, task.name, "pocket", "0", "Think.", {}, {}, 5, "0", 5)
    known = (*map(identify_question, task.train), identify_question(task.test[0]))
    own = tmp_path / "own-policy"
    shutil.copytree(tiny, own)
    for trained_on, told in ((known, True), (known[:-1], False), ((), False)):
        write_description(own, dataclasses.replace(about, trained_on=trained_on))
        said = [line for line in plan_of(data, policy=str(own)) if "was trained on" in line]
        assert bool(said) is told
        assert all("trained on 1 of the 5 test questions of questions/all" in line for line in said)


def test_a_question_is_known_whatever_the_order_of_its_options() -> None:
    sample = load_task("pocket/L3", DataRequest(train=1, test=1)).test[0]
    turned = dataclasses.replace(sample, options=sample.options[::-1], answer="A")
    assert identify_question(turned) == identify_question(sample)
    assert identify_question(dataclasses.replace(sample, question="x?")) != identify_question(sample)


def test_a_split_that_is_smaller_than_was_asked_for_is_told(data: str) -> None:
    said = "questions/all has fewer questions than were asked for: 1 of 5 train questions and 9 of 70 test questions."
    assert said in plan_of(data, train=5, test=70)
    assert not [line for line in (*plan_of(data), *plan_of(data, train=5, test=5)) if "fewer" in line]


def test_solutions_that_nobody_imitates_are_told(data: str) -> None:
    assert any("5 worked solutions of its own" in line for line in plan_of(data, "sft"))
    values = {"teacher": {"model": "solutions"}}
    asked = BenchRequest(("questions/all",), ("sft",), data={"data": data}, values=values)
    assert not [line for line in make_plan(asked).notices if "worked solutions" in line]
    assert not [line for line in plan_of(data, "rl") if "worked solutions" in line]


def test_without_a_reward_model_the_usual_plugins_lack_prm(tiny: Path) -> None:
    plan = make_plan(BenchRequest(policy=str(tiny)))
    assert plan.ablation.plugins == ("sft", "da", "icl")
    assert any("prm was left out" in line for line in plan.notices)
    assert "prm" in make_plan(BenchRequest()).ablation.plugins  # pocket recommends one
    with pytest.raises(UsageError, match="no process reward model is named"):
        make_plan(BenchRequest(policy=str(tiny), plugins=("prm",)))


def test_a_plugin_that_acts_in_no_arm_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--plugins questions: it has tasks alone\. Name it with --task"):
        make_plan(BenchRequest(plugins=("questions",)))
