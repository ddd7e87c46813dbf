"""`openrft init`: the questions, the file for --config, and the commands."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.bench.plan import make_plan
from openrft.cli import cli
from openrft.cli.init import command
from openrft.cli.options import build_request
from openrft.config.presets import PRESETS
from openrft.errors import DataError, UsageError

HEAD = "question,answer"
MINE = ["--data", "mine.csv", "--map", "question=prompt"]


def write_rows(name, *lines):
    Path(name).write_text("\n".join([*lines, ""]))


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_five_questions_are_asked_and_a_wrong_answer_is_asked_again():
    write_rows("odd.csv", "foo,bar", "1,2")
    write_rows("holes.csv", HEAD, "What is 1?,1", "What is 2?,", ",3", "What is 4?,4")
    answers = ["none.csv", "odd.csv", "holes.csv", "n", "holes.csv", "y", "nobody", "openai:http://host/v1#m", ""]
    run = CliRunner().invoke(command, [], input="\n".join([*answers, "many", "3", "cheap", "quick", "", ""]))
    assert run.exit_code == 0
    assert "Error: none.csv: there is no such file or folder." in run.output
    assert "Error: odd.csv: no column is called question" in run.output
    assert run.output.count("holes.csv: line 3: there is no answer; line 4: there is no question.") == 3
    assert "2 questions were read: a run would train with 1 and test with 1." in run.output
    assert "Error: 'nobody' is neither a folder" in run.output
    assert "Error: openai:http://host/v1#m cannot be trained here." in run.output
    assert "'cheap' is not one of" in run.output
    assert "'many' is not a valid integer" in run.output
    assert tomllib.loads(Path("openrft.toml").read_text("utf-8")) == PRESETS["quick"]
    rows = "--task questions --data holes.csv --skip-bad-rows"
    assert f"openrft bench {rows} --policy pocket --config openrft.toml --workers 3" in run.output


@pytest.mark.parametrize("budget", ["quick", "normal", "paper"])
def test_the_commands_take_the_file(budget):
    write_rows("mine.csv", "prompt,answer", *(f"What is {i} plus 1?,{i + 1}" for i in range(5)))
    Path("my-policy").mkdir()  # of another time
    run = CliRunner().invoke(command, [*MINE, "--budget", budget, "--goal", "train", "--json"])
    doctor, train = json.loads(run.stdout)["commands"]
    shared = "--task questions --data mine.csv --map question=prompt --policy pocket --config openrft.toml"
    assert (doctor, train) == (f"openrft doctor {shared}", f"openrft train {shared} --out my-policy-2")
    for line in (doctor, train):
        name, *words = shlex.split(line)[1:]
        cli.get_command(None, name).make_context(name, words)
    assert CliRunner().invoke(cli, ["settings", "--config", "openrft.toml"]).exit_code == 0


def test_the_run_can_be_planned_from_the_file_for_a_model_without_a_prm():
    write_rows("mine.csv", HEAD, *(f"What is {i} plus 1?,{i + 1}" for i in range(5)))
    run = CliRunner().invoke(command, ["--data", "mine.csv", "--model", "pocket/teacher", "--budget", "quick", "--yes"])
    line = next(line for line in run.stdout.splitlines() if line.startswith("  openrft bench"))
    assert "--plugins sft,da,icl" in line
    name, *words = shlex.split(line)[1:]
    given = cli.get_command(None, name).make_context(name, words).params
    arms = make_plan(build_request(given)).arms
    assert {plugin for arm in arms for plugin in arm.plugins} >= {"sft", "da", "icl"}


def test_without_a_terminal_nothing_is_asked_or_written():
    with pytest.raises(UsageError, match=r"no terminal to ask in, and no --budget is given\. Give it, or --yes"):
        CliRunner().invoke(
            command, ["--data", "pocket", "--model", "pocket", "--hardware", "1"], catch_exceptions=False
        )
    assert not Path("openrft.toml").exists()


def test_a_file_in_a_folder_that_does_not_exist_is_refused_before_anything_is_asked():
    with pytest.raises(UsageError, match=r"--out new/openrft\.toml: its folder does not exist"):
        command.main(["--out", "new/openrft.toml"], standalone_mode=False)


def test_what_exists_is_kept_and_what_is_missing_is_named():
    with pytest.raises(DataError, match=r"none\.csv: there is no such file"):
        command.main(["--data", "none.csv", "--yes"], standalone_mode=False)
    assert not Path("openrft.toml").exists()
    Path("openrft.toml").write_text("mine")
    with pytest.raises(UsageError, match=r"openrft\.toml: it exists"):
        command.main(["--yes"], standalone_mode=False)
    assert Path("openrft.toml").read_text() == "mine"
