"""`openrft init`: the questions, the file for --config, and the commands."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.cli.init import command
from openrft.config.presets import PRESETS
from openrft.errors import UsageError


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_five_questions_are_asked_and_a_wrong_answer_is_asked_again():
    run = CliRunner().invoke(command, [], input="\n\nmany\n3\ncheap\nquick\n\n")
    assert run.exit_code == 0
    assert "'cheap' is not one of" in run.output
    assert "'many' is not a valid integer" in run.output
    assert tomllib.loads(Path("openrft.toml").read_text("utf-8")) == PRESETS["quick"]
    assert "openrft bench --policy pocket --config openrft.toml --workers 3" in run.output


@pytest.mark.parametrize("budget", ["quick", "normal", "paper"])
def test_the_commands_take_the_file(budget):
    Path("mine.csv").write_text("question,answer\n")
    run = CliRunner().invoke(command, ["--data", "mine.csv", "--budget", budget, "--goal", "train", "--json"])
    doctor, train = json.loads(run.stdout)["commands"]
    shared = "--task questions --data mine.csv --policy pocket --config openrft.toml"
    assert (doctor, train) == (f"openrft doctor {shared}", f"openrft train {shared} --out my-policy")
    for line in (doctor, train):
        name, *words = shlex.split(line)[1:]
        cli.get_command(None, name).make_context(name, words)
    assert CliRunner().invoke(cli, ["settings", "--config", "openrft.toml"]).exit_code == 0


def test_what_exists_is_kept_and_what_is_missing_is_named():
    with pytest.raises(UsageError, match=r"--data none\.csv: there is no such file"):
        command.main(["--data", "none.csv", "--yes"], standalone_mode=False)
    assert not Path("openrft.toml").exists()
    Path("openrft.toml").write_text("mine")
    with pytest.raises(UsageError, match=r"openrft\.toml: it exists"):
        command.main(["--yes"], standalone_mode=False)
    assert Path("openrft.toml").read_text() == "mine"
