from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.bench.report import write_report
from openrft.cli.report import command
from openrft.errors import UnknownName
from tests.bench import factories


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(
        factories.report(tasks=[factories.task(), factories.task("toy/L1/more")]),
        tmp_path / "runs" / "mine" / "report.json",
    )
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("runs")
def test_a_run_is_shown_by_its_name() -> None:
    shown = CliRunner().invoke(command, ["mine"])
    assert shown.exit_code == 0
    assert "rl+prm+icl" in shown.output
    assert "no model: majority answer" in shown.output
    assert shown.output.startswith("Best arm: ")
    assert "toy/L1/more," not in shown.output
    assert "toy/L1/more" in CliRunner().invoke(command, ["runs/mine", "--per-task"]).output


@pytest.mark.usefixtures("runs")
def test_json_has_the_numbers() -> None:
    data = json.loads(CliRunner().invoke(command, ["mine", "--json"]).output)
    assert data["name"] == "toy"
    assert {row["arm"] for row in data["overall"]["arms"]} == set(factories.ARMS)


@pytest.mark.usefixtures("runs")
def test_an_unknown_run_is_told_the_nearest() -> None:
    found = CliRunner().invoke(command, ["mime"]).exception
    assert isinstance(found, UnknownName)
    assert "Did you mean mine?" in str(found)
