"""`openrft settings`: values, where they come from, and the options of commands that concern them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_to_json
from openrft.cli import cli
from openrft.errors import OpenRFTError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    assert done.exit_code == 0
    return done.stdout


def refused(*arguments: str) -> str:
    with pytest.raises(OpenRFTError) as caught:
        CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    assert caught.value.exit_code == 2
    return str(caught.value)


def rows(*arguments: str) -> dict[str, dict[str, Any]]:
    listed = json.loads(run("settings", *arguments, "--json"))
    return {f"{row['owner']}.{row['option']}": row for row in listed}


def test_every_stage_and_plugin_is_listed() -> None:
    found = rows()
    for name in (
        "data.train",
        "explore.steps",
        "evaluate.top_p",
        "fitness.questions",
        "rl.lr",
        "prm.model",
        "icl.embedder",
    ):
        assert found[name]["help"]
    assert found["rl.ppo_epochs"] == {
        "owner": "rl",
        "option": "ppo_epochs",
        "value": 1,
        "from": "default",
        "type": "a whole number",
        "default": 1,
        "must_be_set": False,
        "range": "at least 1",
        "help": "Passes over each step's rollouts, whatever the algorithm.",
        "source": "paper",
    }


def test_a_value_says_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[sft]\nepochs = 3\nbf16 = true\n")
    found = rows("sft", "--preset", "paper", "--config", "c.toml", "--set", "sft.bf16=false", "--set", "sft.lr=1e-4")
    assert {name: (row["value"], row["from"]) for name, row in found.items() if row["from"] != "default"} == {
        "sft.lora_rank": (4, "preset paper"),
        "sft.lora_alpha": (8, "preset paper"),
        "sft.lr": (0.0001, "--set"),
        "sft.batch_size": (8, "preset paper"),
        "sft.epochs": (3, "--config c.toml"),
        "sft.max_length": (2048, "preset paper"),
        "sft.bf16": (False, "--set"),
    }
    assert rows("rl")["rl.lr"]["from"] == "policy pocket"
    assert rows("rl", "--policy", "baseline:longest-option")["rl.lr"]["from"] == "default"


def test_it_is_read_by_people() -> None:
    text = run("settings", "explore", "--set", "explore.alpha=0.5")
    assert text.startswith("explore\n")
    assert "  alpha = 0.5  (--set; default 0.7)\n" in text
    assert "  aggregation = none  (default)\n" in text
    assert "Source: paper, section 3." in text
    assert "(a number, between 0 and 1)" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 110


def test_all_faults_of_all_owners_are_found_at_once() -> None:
    wrong = ("explor.steps=1", "explore.stepps=1", "rl.lr=fast", "sft.rank=2", "data.test=0", "prm.cache_size=-1")
    text = refused("settings", *(part for pair in wrong for part in ("--set", pair)))
    assert text.startswith("6 faults:")
    for word in ("mean explore?", "mean steps?", "'fast' is not a number", "sft.lora_rank", "data.test", "at least 0"):
        assert word in text
    assert "Did you mean explore?" in refused("settings", "exlpore")
    assert "unknown preset" in refused("settings", "--preset", "papre")


OLD = {
    "rl": "rank kl clip_low clip_high redraws epochs minibatches length micro_tokens",
    "sft": "rank alpha batch accumulate checkpointing",
    "trl-grpo": "rank kl clip loss accumulate arguments",
    "icl": "k show db",
    "prm": "remember",
    "teacher": "round",
    "da": "n",
    "explore": "f group prompts checkpoint",
    "evaluate": "samples shots",
}


@pytest.mark.parametrize("owner", OLD)
def test_old_names_are_refused_with_the_new_one(owner: str) -> None:
    for name in OLD[owner].split():
        assert f"{owner}.{name} is now called {owner}." in refused("settings", owner, "--set", f"{owner}.{name}=1")


def test_old_words_of_bench_are_refused_with_the_new_one() -> None:
    assert "--arms ladder is now called --arms ablation" in refused("bench", "--arms", "ladder", "--dry-run")
    done = CliRunner().invoke(cli, ["gate", "one", "other", "--bless"])
    assert done.exit_code == 2
    assert "--bless is now called --update-baseline" in done.output
    assert "--bless" not in CliRunner().invoke(cli, ["gate", "--help"]).output


@pytest.mark.parametrize(
    "values",
    [
        ["explore.credit=step", "explore.aggregation=min"],
        ["explore.credit=min", "explore.aggregation=min"],
        ["explore.credit=min", "explore.aggregation=last"],
    ],
)
def test_an_aggregation_beside_a_credit_that_brings_its_own_is_refused(values: list[str]) -> None:
    settings = [part for value in values for part in ("--set", value)]
    assert "brings its own aggregation" in refused("bench", "--plugins", "rl", "--dry-run", *settings)


def test_an_arm_may_set_the_credit_alone() -> None:
    asked = BenchRequest(plugins=("rl",), extra=("credit=rl,explore.credit=step",))
    jobs = {job.arm.name: job.settings.explore.effective_aggregation for job in make_plan(asked).jobs()}
    assert (jobs["rl"], jobs["credit"]) == ("min", "mean")
    with pytest.raises(OpenRFTError, match="--arm credit: explore: credit=step brings its own aggregation"):
        make_plan(replace(asked, values={"explore": {"aggregation": "last"}}))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--plugins", "rl"], "--plugins"),
        (["--set", "rl.lr=1", "--seeds", "3"], "--set, --seeds"),
        (["--task", "pocket/L3", "--preset", "quick"], "--task, --preset"),
        (["--arms", "ablation"], "--arms"),
        (["--test", "7"], "--test"),
        (["--baselines"], "--baselines"),
    ],
)
def test_a_plan_is_not_mixed_with_options_that_it_decides(arguments: list[str], named: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan_to_json(make_plan(BenchRequest(plugins=("rl",))))))
    shown = refused("bench", "--plan", "plan.json", "--dry-run", *arguments)
    assert all(name in shown for name in named.split(", "))
    assert "would be ignored" in shown
    run("bench", "--plan", "plan.json", "--dry-run", "--json", "--out", "runs", "--name", "again", "--workers", "1")


def test_arms_none_needs_no_plugin_that_is_not_named() -> None:
    asked = BenchRequest(arms="none")
    assert [arm.name for arm in make_plan(asked).arms] == ["vanilla"]
    assert "unknown plugin: 'slt'" in refused("bench", "--arms", "none", "--plugins", "slt", "--dry-run")


DIGITS = "9" * 400


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", f"explore.steps={DIGITS}"],
        ["--set", f"rl.lr={DIGITS}"],
        ["--set", "rl.lr=nan"],
        ["--set", "explore.temperature=inf"],
        ["--arm", f"x=rl,explore.steps={DIGITS}"],
        ["--seeds", DIGITS],
        ["--seeds", DIGITS * 20],
    ],
)
def test_numbers_that_are_none_or_too_large_are_refused(arguments: list[str]) -> None:
    shown = refused("bench", "--plugins", "rl", "--dry-run", *arguments)
    assert len(shown) < 9000


@pytest.mark.parametrize("arguments", [["--data-seed", DIGITS], ["--data-seed", DIGITS * 20], ["--test", DIGITS]])
def test_seeds_of_data_that_are_too_large_are_refused(arguments: list[str]) -> None:
    done = CliRunner().invoke(cli, ["bench", "--plugins", "rl", "--dry-run", *arguments])
    assert done.exit_code == 2 or getattr(done.exception, "exit_code", None) == 2


@pytest.mark.parametrize("content", ["a = " + "[" * 10_000, "[a" + ".b" * 10_000 + "]\n", "[rl]\nlr = " + DIGITS])
def test_a_config_file_that_is_nested_too_deep_or_too_large(content: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(content)
    refused("bench", "--plugins", "rl", "--config", "c.toml", "--dry-run")


def test_help_and_plugins_do_not_import_the_library_that_reads_values() -> None:
    """It takes 0.1 s, and `openrft --help` and plugins that declare options need none of it."""
    for code in (
        "import openrft; openrft.option, openrft.WeightsPath",
        "import openrft_rl, openrft_sft, openrft_icl, openrft_prm, openrft_teacher, openrft_augment, openrft_trl",
        "import openrft_sciknoweval, openrft_questions, openrft_pocket",
        "from openrft.cli import cli; cli.main(['--help'], standalone_mode=False)",
        "from openrft.cli import cli; cli.main(['settings', '--help'], standalone_mode=False)",
    ):
        program = f"import sys; {code}; print('pydantic' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ)
        assert done.stdout.splitlines()[-1] == "False", (code, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "items"),
    [
        ((), 240),
        (("--preset", "quick"), 50),
        (("--set", "data.test=30"), 30),
        (("--config", "own.toml"), 20),
        (("--config", "own.toml", "--test", "10"), 10),
        (("--task", "pocket/L3"), 100),
    ],
)
def test_a_bench_without_a_task_asks_as_many_test_questions_as_was_said(arguments: Sequence[str], items: int) -> None:
    Path("own.toml").write_text("[data]\ntest = 20\n")
    done = CliRunner().invoke(cli, ["bench", "--dry-run", *arguments], catch_exceptions=False, standalone_mode=False)
    assert f"forecast: {items} test items x" in done.stderr


def test_a_bench_that_takes_the_place_of_another_says_so() -> None:
    """One arm that is not trained answers one question in two tokens."""
    Path("runs/own").mkdir(parents=True)
    plan = {"tasks": ["pocket/L3"], "policy": "./my-model"}
    Path("runs/own/plan.json").write_text(json.dumps(plan))
    asked = ("--arms", "none", "--test", "1", "--set", "evaluate.max_tokens=2", "--set", "evaluate.completions=1")
    done = CliRunner().invoke(
        cli,
        ["bench", "--name", "own", *asked, "--task", "pocket/L3/molar_mass"],
        catch_exceptions=False,
        standalone_mode=False,
    )
    assert "note: runs/own held a bench of pocket/L3 with ./my-model. Its report is replaced" in done.stderr
