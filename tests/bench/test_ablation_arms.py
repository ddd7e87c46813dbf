"""Which arms --plugins stands for."""

from __future__ import annotations

import pytest

from openrft.bench.ablation import AblationPlan, build_arms, parse_arms
from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_from_json, plan_to_json
from openrft.errors import UnknownName, UsageError


def plan(plugins, mode="ablation"):
    notices = []
    arms, rungs = build_arms(plugins, mode, notices)
    return {a.name: a.plugins for a in arms}, rungs, notices


def test_prm_and_icl_need_rl():
    arms, rungs, notices = plan(["prm", "icl"])
    assert arms == {
        "vanilla": (),
        "rl": ("rl",),
        "rl+prm": ("rl", "prm"),
        "rl+icl": ("rl", "icl"),
        "rl+prm+icl": ("rl", "prm", "icl"),
    }
    assert rungs == AblationPlan(("prm", "icl"), "rl", "rl+prm+icl")
    assert notices == ["rl was added to every arm but vanilla: prm, icl need it to act."]


def test_three_plugins_have_add_one_and_leave_one_out():
    arms, rungs, _ = plan(["prm", "da", "icl"])
    assert list(arms) == [
        "vanilla", "rl", "rl+prm", "rl+da", "rl+icl", "rl+prm+da", "rl+prm+icl", "rl+da+icl", "rl+prm+da+icl",
    ]  # fmt: skip
    assert rungs.full == "rl+prm+da+icl"


def test_four_plugins_leave_out_the_middle_of_the_lattice_unless_asked():
    assert len(plan(["sft", "prm", "da", "icl"])[0]) == 1 + 1 + 4 + 4 + 1
    assert len(plan(["sft", "prm", "da", "icl"], "lattice")[0]) == 1 + 16


def test_add_one_leaves_out_the_arms_without_a_plugin():
    arms, rungs, _ = plan(["prm", "da", "icl"], "add-one")
    assert list(arms) == ["vanilla", "rl", "rl+prm", "rl+da", "rl+icl", "rl+prm+da+icl"]
    assert rungs.full == "rl+prm+da+icl"
    assert [arm.name for arm in make_plan(BenchRequest(arms="add-one")).arms][-1] == "vote"


def test_a_teacher_is_support_and_comes_only_where_it_is_needed():
    arms, _, notices = plan(["sft", "prm"])
    assert arms["rl+sft"] == ("rl", "teacher", "sft")
    assert arms["rl+prm"] == ("rl", "prm")
    assert notices[0] == "teacher was added wherever sft acts: sft needs it."


def test_a_plugin_that_needs_nothing_is_compared_with_vanilla():
    arms, rungs, notices = plan(["rl"])
    assert arms == {"vanilla": (), "rl": ("rl",)}
    assert rungs == AblationPlan(("rl",), "vanilla", "rl")
    assert notices == []


def test_arms_that_are_the_same_set_appear_once():
    arms, _, _ = plan(["rl", "prm"])
    assert [set(p) for p in arms.values()] == [set(), {"rl"}, {"rl", "prm"}]


def test_arms_by_hand():
    assert parse_arms(["mine=prm, da"], taken=[])[0].plugins == ("rl", "prm", "da")
    with pytest.raises(UsageError, match="an arm of that name already"):
        parse_arms(["vanilla=prm"], taken=["vanilla"])
    with pytest.raises(UsageError, match="an arm of that name already"):
        parse_arms(["vanilla =prm"], taken=["vanilla"])
    with pytest.raises(UsageError, match="a name cannot hold a slash"):  # refused before a run that could not be filed
        parse_arms(["with/without=prm"], taken=[])
    with pytest.raises(UsageError, match="is not NAME=PLUGIN"):
        parse_arms(["prm"], taken=[])
    with pytest.raises(UnknownName, match="Did you mean prm"):
        parse_arms(["mine=pmr"], taken=[])


def test_an_arm_may_have_settings_of_its_own():
    (arm,) = parse_arms(["strict=rl,prm,explore.aggregation=product,rl.lr=1e-4"], taken=())
    assert arm.plugins == ("rl", "prm")
    assert arm.overrides == {"explore": {"aggregation": "product"}, "rl": {"lr": "1e-4"}}


def test_an_arms_own_settings_reach_its_job_alone_and_survive_the_plan_file():
    asked = BenchRequest(
        plugins=("rl",),
        extra=("half=rl,explore.alpha=0.5,rl.lr=1e-4",),
        values={"rl": {"lora_rank": "2"}},
    )
    plan = make_plan(asked)
    jobs = {job.arm.name: job for job in plan_from_json(plan_to_json(plan)).jobs()}
    assert jobs["half"].settings.explore.alpha == 0.5
    assert jobs["rl"].settings.explore.alpha == 0.7
    assert jobs["half"].options["rl"]["lr"] == 0.0001
    assert jobs["half"].options["rl"]["lora_rank"] == jobs["rl"].options["rl"]["lora_rank"] == 2
    assert jobs["rl"].options["rl"]["lr"] != 0.0001


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x=rl,prm.model=pocket/prm", "--arm x: sets options of prm"),
        ("x=rl,explore.alpha=2", "--arm x: explore"),
        ("x=rl,rl.lrr=1", "--arm x: rl has no option 'lrr'; did you mean lr"),
        ("x=rl,alpha=2", "OWNER.OPTION=VALUE"),
    ],
)
def test_wrong_settings_of_an_arm_are_refused(text, fault):
    with pytest.raises(UsageError, match=fault):
        make_plan(BenchRequest(plugins=("rl",), extra=(text,)))


def test_the_papers_arms_are_table_1():
    arms, rungs, _ = plan([], "paper")
    assert list(arms) == [
        "vanilla", "rl", "rl+prm", "sft", "sft+rl+prm", "sft+rl+prm+da", "sft+rl+prm+da+icl",
    ]  # fmt: skip
    assert arms["sft"] == ("teacher", "sft")
    assert rungs == AblationPlan(("sft", "prm", "da", "icl"), "rl", "sft+rl+prm+da+icl")
