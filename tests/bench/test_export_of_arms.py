"""Arms that train nothing, taken out of a bench: how they ask the policy goes with it, to `evaluate` and `predict`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from openrft import Reward, Task, UsageError, hookimpl
from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.runner import run_bench
from openrft.bench.trained_policy import export_job, find_job
from openrft.cli.progress import open_display
from openrft.plugins.task_registry import load_task
from openrft.policies.description import PolicyDescription, read_description
from openrft.prediction import open_predictor, plan_predictions
from openrft.runtime.progress import NoProgress
from openrft.tasks.task import hide_answer
from openrft.testing import use_plugins

TASK = "pocket/L3/lattice_volume"
DATA = {"train": 6, "test": 5}
FOUND = "Work it out, one step per line. Put the letter of the final answer in \\boxed{} on the last line."
ARMS = (
    "best=best-of-n,best-of-n.completions=4",
    "short=best-of-n,best-of-n.completions=4,best-of-n.reward=brief,brief.per=letter",
    "shown=few-shot",
    "instructed=finder",
)


class Brief:
    """A reward of the user's own, which needs no gold answer."""

    requires = ("rl",)
    rewards = ("outcome",)
    needs_gold = False

    @dataclass(frozen=True)
    class Options:
        per: str = "word"

    def __init__(self, options: Options) -> None:
        self._options = options

    @hookimpl
    def reward(self, rollouts: Any) -> list[Reward]:
        assert self._options.per == "letter"
        return [Reward("brief", "outcome", -float(len(rollout.completion.text))) for rollout in rollouts]


class Finder:
    """Finds an instruction, as gepa does."""

    @hookimpl
    def instruct(self, task: Task) -> str:
        return FOUND


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory):
    """A finished bench, and a function that exports one of its arms."""
    folder = tmp_path_factory.mktemp("arms")
    with use_plugins({"brief": Brief, "finder": Finder}):
        report = run_bench(
            make_plan(BenchRequest((TASK,), (), "none", ARMS, data=DATA)), folder, "b", "openrft bench", 1, open_display
        )
        assert not report.failures

        def export(arm: str | None) -> Path:
            out = folder / f"out-{arm}"
            if not out.exists():
                export_job(report, find_job(report, arm, None, None), folder / ".store", out, False, NoProgress())
            return out

        yield report, export


def ask(policy: Path, folder: Path) -> Any:
    """The result of `openrft evaluate` with the exported policy."""
    plan = make_plan(BenchRequest((TASK,), (), "none", policy=str(policy), data=DATA))
    (result,) = run_bench(plan, folder, policy.name, "openrft evaluate", 1, open_display).results
    return result


@pytest.mark.parametrize("arm", ["best", "short", "shown", "instructed"])
def test_the_exported_arm_answers_as_it_did_in_the_bench(bench, arm, tmp_path):
    report, export = bench
    (own,) = [result for result in report.results if result.arm == arm]
    found = ask(export(arm), tmp_path)
    assert (found.arm, found.items) == (f"out-{arm}", own.items)


def test_the_folder_records_who_chooses_and_by_what(bench):
    _, export = bench
    best, short = (read_description(export(arm)) for arm in ("best", "short"))
    assert isinstance(best, PolicyDescription)
    assert isinstance(short, PolicyDescription)
    assert best.answering == {"best-of-n": {"model": "pocket/prm", "completions": 4}}
    assert list(best.weights) == ["best-of-n.model"]
    assert short.answering["brief"] == {"per": "letter"}
    assert short.answering["best-of-n"]["reward"] == "brief"
    assert not best.trained
    card = (export("best") / "README.md").read_text()
    assert "did not train them" in card
    assert "made of several completions by best-of-n" in card
    assert "`pocket/prm`, which is not in this folder" in card


def test_predictions_are_chosen_as_in_the_arm(bench):
    _, export = bench
    task = load_task(TASK, make_plan(BenchRequest((TASK,), data=DATA)).data)
    questions = [hide_answer(sample) for sample in task.test]
    plan = plan_predictions(str(export("short")), {})
    assert plan.samples == 4
    assert [line for line in plan.describe() if "best-of-n" in line] == [
        "best-of-n makes each answer of 4 completions."
    ]
    predictor = open_predictor(plan)
    found = predictor.predict(questions, [None] * 5, 3)
    plain = replace(predictor, chooser=None).predict(questions, [None] * 5, 3)
    assert [one.completions for one in found] == [4] * 5
    assert all(len(one.reasoning) <= len(other.reasoning) for one, other in zip(found, plain, strict=True))
    assert found != plain


def test_beside_other_arms_the_policy_answers_with_single_completions(bench):
    _, export = bench
    plan = make_plan(BenchRequest((TASK,), (), "none", ("few=few-shot",), policy=str(export("best")), data=DATA))
    assert [(arm.name, arm.plugins) for arm in plan.arms] == [("out-best", ()), ("few", ("few-shot",))]


def test_another_choice_and_its_options_can_be_given(bench):
    _, export = bench
    policy = str(export("best"))
    plan = plan_predictions(policy, {"best-of-n": {"completions": "2"}})
    assert (plan.samples, plan.chooser and plan.chooser.names) == (2, ("best-of-n",))
    assert plan_predictions(policy, {}, plugin="vote").samples == 16
    assert plan_predictions("pocket", {}, 5, "best-of-n").samples == 5  # with the model that pocket recommends
    for given, plugin, words in (
        ({"rl": {"lr": "1"}}, None, "predict has settings of best-of-n and evaluate and policy alone"),
        ({}, "sft", "--plugins sft: it does not choose answers"),
        ({"best-of-n": {"reward": "placebo"}}, None, "may depend on the gold answer"),
        ({"best-of-n": {"model": ""}}, None, "nothing scores its completions"),
    ):
        with pytest.raises(UsageError, match=words):
            plan_predictions(policy, given, plugin=plugin)


def test_what_has_no_weights_to_write_is_one_line(bench, tmp_path):
    report, _ = bench
    job = find_job(report, "best", None, None)
    with pytest.raises(UsageError, match="openai:http://h/v1#m answered in this arm, and it has no weights here"):
        export_job(report, replace(job, policy="openai:http://h/v1#m"), tmp_path, tmp_path / "x", False, NoProgress())
    with pytest.raises(UsageError, match="vanilla' changes nothing"):
        find_job(report, "vanilla", None, None)
    assert find_job(report, None, None, None).arm.name == "instructed"  # the only one that made another prompt


def test_a_found_instruction_goes_into_the_description_and_the_template(bench):
    _, export = bench
    out = export("instructed")
    assert json.loads((out / "openrft.json").read_text())["instruction"] == FOUND
    shown = AutoTokenizer.from_pretrained(out).apply_chat_template([{"role": "user", "content": "?"}], tokenize=False)
    assert FOUND in shown
    assert plan_predictions(str(out), {}).about.instruction == FOUND
    assert FOUND in (out / "README.md").read_text().replace("\\\\", "\\")
