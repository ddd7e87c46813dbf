"""What a plan makes of presets, beside a policy that recommends settings of its own."""

from __future__ import annotations

from openrft.bench.plan import BenchRequest, make_plan

EVERY = "x=teacher,sft,rl,prm,da,icl"


def test_the_paper_preset_has_the_papers_numbers_whatever_the_policy_recommends() -> None:
    asked = BenchRequest(plugins=(), arms="none", extra=(EVERY,), preset="paper")
    usual, plan = make_plan(BenchRequest(plugins=(), arms="none", extra=(EVERY,))), make_plan(asked)
    assert usual.options["sft"]["lr"] != 5e-5  # the pocket policy recommends another rate
    assert plan.options["da"]["variants"] == 5
    assert plan.options["teacher"]["tries"] == 64
    assert {k: plan.options["sft"][k] for k in ("lr", "lora_rank", "batch_size", "epochs", "max_length")} == {
        "lr": 5e-5,
        "lora_rank": 4,
        "batch_size": 8,
        "epochs": 8,
        "max_length": 2048,
    }
    assert plan.options["icl"]["num_demonstrations"] == 3
    assert {k: plan.options["rl"][k] for k in ("algorithm", "lr", "critic_lr", "lora_rank", "kl_coef")} == {
        "algorithm": "ppo",
        "lr": 3e-5,
        "critic_lr": 6e-5,
        "lora_rank": 4,
        "kl_coef": 0.01,
    }
    explore, evaluate = plan.settings.explore, plan.settings.evaluate
    assert (explore.alpha, explore.max_tokens, explore.prompts_per_step) == (0.7, 1536, 20)
    assert (evaluate.completions, evaluate.temperature, evaluate.max_tokens) == (3, 0.6, 2048)


def test_a_plugin_that_has_nothing_to_act_on_in_its_arm_is_told_of() -> None:
    plan = make_plan(
        BenchRequest(plugins=(), arms="none", extra=("x=rl,teacher", "y=teacher,sft", EVERY.replace("x=", "z=")))
    )
    assert [line for line in plan.notices if "changes nothing" in line] == [
        "arm x: teacher acts in imitation only, which nothing in the arm does: it changes nothing."
    ]


def test_a_bench_without_plugins_has_an_arm_that_needs_no_training() -> None:
    plan = make_plan(BenchRequest())
    assert [arm.plugins for arm in plan.arms if arm.name == "vote"] == [("vote",)]
    assert any("the arm vote was added" in line for line in plan.notices)
    assert "vote" not in plan.ablation.plugins
    own = make_plan(BenchRequest(extra=("vote=vote,vote.completions=4",)))
    assert [arm.overrides for arm in own.arms if arm.name == "vote"] == [{"vote": {"completions": 4}}]
    for asked in (BenchRequest(plugins=("sft",)), BenchRequest(arms="lattice"), BenchRequest(arms="none")):
        assert "vote" not in [arm.name for arm in make_plan(asked).arms]


def test_demonstrations_without_training_need_no_rl() -> None:
    plan = make_plan(BenchRequest(plugins=("few-shot", "vote")))
    assert [arm.plugins for arm in plan.arms] == [(), ("few-shot",), ("vote",), ("few-shot", "vote")]
