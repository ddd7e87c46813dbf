"""What cannot be run is refused when it is typed, before any time is spent: one error, with its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_to_json
from openrft.cli import cli
from openrft.errors import OpenRFTError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*arguments: str) -> str:
    """What a command that must not run says; an error that is no OpenRFTError would be shown as a fault of ours."""
    with pytest.raises(OpenRFTError) as caught:
        CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_config_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    assert "--config c.toml: not TOML in UTF-8" in refused(
        "bench", "--plugins", "rl", "--config", "c.toml", "--dry-run"
    )


def test_a_config_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("\ufeff[explore]\nsteps = 0\n", "utf-8")
    notices = refused("bench", "--plugins", "rl", "--config", "c.toml", "--dry-run")
    assert "explore.steps: 0 is not at least 1" in notices


@pytest.mark.parametrize(
    ("config", "notices"),
    [
        ("[explore]\nsteps = inf", "explore.steps: inf is not a finite number"),
        ("[explore]\ntemperature = nan", "explore.temperature: nan is not a finite number"),
        ("[rl]\nlr = nan", "rl.lr: nan is not a finite number"),
        ("[evaluate]\ntop_p = 7", "evaluate.top_p: 7 is not above 0 and at most 1"),
        ("[data]\ntest = 0", "data.test: 0 is not at least 1"),
    ],
)
def test_a_number_out_of_range_is_refused(config: str, notices: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(config)
    assert notices in refused("bench", "--task", "pocket/L3", "--plugins", "rl", "--config", "c.toml", "--dry-run")


def test_what_plugins_refuse_is_reported_with_the_other_faults() -> None:
    wrong = ("sft.lora_rank=0", "teacher.tries=0", "da.variants=0", "icl.num_demonstrations=0", "explore.steps=0")
    notices = refused("bench", "--dry-run", *(part for pair in wrong for part in ("--set", pair)))
    assert "5 faults" in notices
    for pair in wrong:
        assert f"{pair.removesuffix('=0')}: '0' is not at least 1" in notices


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", ".store", ".."])
def test_a_run_lies_in_its_own_folder_under_out(name: str, tmp_path: Path) -> None:
    notices = refused("evaluate", "--policy", "baseline:longest-option", "--test", "2", "--name", name)
    assert f"--name {name!r}" in notices
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arm", "notices"),
    [
        ("a/b=rl", "a name cannot hold a slash"),
        ("vanilla =rl", "there is an arm of that name already"),
        ("x=rl,rl.lr", "rl.lr has no value. Write rl.lr=VALUE."),
        ("x=teacher,sft,teacher.model=./nowhere", "teacher.model: './nowhere' is neither a folder, nor a hub id"),
    ],
)
def test_an_arm_that_could_not_end_is_refused_before_it_begins(arm: str, notices: str) -> None:
    assert notices in refused("bench", "--plugins", "", "--arm", arm, "--dry-run")


@pytest.mark.parametrize(
    ("policy", "notices"),
    [
        ("openai:http://localhost/v1", "does not name a server and a model"),
        ("openai:http://me:sk-secret@localhost/v1#m", "a key in a server's address would end up in reports"),
        (".", ".: there is no config.json in this folder"),
        ("baseline:longest-option", "the arm rl trains, which needs a policy with local weights"),
        ("openai:http://127.0.0.1:9/v1#m", "the arm rl trains, which needs a policy with local weights"),
    ],
)
def test_a_policy_that_cannot_do_it_is_refused_before_anything_is_written(
    policy: str, notices: str, tmp_path: Path
) -> None:
    heard = refused("bench", "--task", "pocket/L3", "--test", "2", "--plugins", "rl", "--policy", policy)
    assert notices in heard
    assert "sk-secret" not in heard
    assert not list(tmp_path.iterdir())


def test_evaluate_trains_nothing_and_takes_no_plugins() -> None:
    done = CliRunner().invoke(cli, ["evaluate", "--plugins", "prm"])
    assert done.exit_code == 2
    assert "No such option '--plugins'" in done.output
    assert "default: prm" in " ".join(CliRunner().invoke(cli, ["fitness", "--help"]).output.split())


EDITS: list[tuple[str, object, str]] = [
    ("tasks", [], "tasks is empty"),
    ("tasks", "pocket/L3", "tasks: 'pocket/L3' is not a list"),
    ("seeds", ["a"], "seeds[0]: 'a' is not a whole number"),
    ("arms", [{"name": "vanilla", "plugins": []}] * 2, "arms: 'vanilla' is listed 2 times"),
    ("arms", [{"name": "vanilla", "plugins": ["rll"]}], "unknown plugin: 'rll'"),
    (
        "arms",
        [{"name": "vanilla", "plugins": [], "overrides": {"explore": {"aggregation": "x"}}}],
        "arms[0] (vanilla): explore.aggregation: 'x' is none of",
    ),
    ("data", {"test": 0}, "data.test: 0 is not at least 1"),
    ("data", {"tets": 2}, "data has no option 'tets'"),
    ("options", {"rl": {"lrr": 1}}, "rl has no option 'lrr'"),
    ("options", [1], "options: [1] is not a table"),
    ("options", {"teacher": {"tries": 1}}, "options.teacher: no arm has a plugin of that name"),
    ("policy", "./nowhere", "'./nowhere' is neither a folder"),
    ("ablation", {"plugins": [], "base": "rll", "full": "rl"}, "ablation.base: there is no arm 'rll'"),
]


@pytest.mark.parametrize(("field", "value", "notices"), EDITS)
def test_an_edited_plan_is_held_against_what_there_is(field: str, value: object, notices: str, tmp_path: Path) -> None:
    plan = plan_to_json(make_plan(BenchRequest(plugins=("rl",))))
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert CliRunner().invoke(cli, ["bench", "--plan", "plan.json", "--dry-run"]).exit_code == 0
    (tmp_path / "plan.json").write_text(json.dumps({**plan, field: value}))
    heard = refused("bench", "--plan", "plan.json", "--dry-run")
    assert heard.startswith("--plan plan.json: ")
    assert notices in heard


@pytest.mark.parametrize("options", [["--until", "3"], ["--most-seeds", "5"], ["--stop-arms", "--seeds", "0,1"]])
def test_options_of_added_seeds_need_seeds_that_are_added(options: list[str]) -> None:
    said = refused("bench", "--plugins", "rl", "--dry-run", *options)
    assert "--until, --most-seeds and --stop-arms need --seeds auto" in said
