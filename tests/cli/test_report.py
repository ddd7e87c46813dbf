from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from openrft.bench.report import write_report
from openrft.cli.report import command
from openrft.errors import UnknownName, UsageError
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
def test_the_page_is_written_and_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", lambda url: opened.append(url) or 0)  # a test machine may have no browser
    shown = CliRunner().invoke(command, ["mine", "--html"])
    assert shown.output == f"Wrote {Path('runs/mine/report.html')}.\n"
    assert "<table>" in Path("runs/mine/report.html").read_text("utf-8")
    assert opened == []
    assert CliRunner().invoke(command, ["mine", "--open"]).exit_code == 0
    assert opened == [str(Path("runs/mine/report.html"))]


@pytest.mark.usefixtures("runs")
def test_markdown_and_csv_are_printed() -> None:
    assert CliRunner().invoke(command, ["mine", "--md"]).output.startswith("# toy\n")
    rows = list(csv.DictReader(io.StringIO(CliRunner().invoke(command, ["mine", "--csv"]).output)))
    rules = ["no model: majority answer"]
    assert [row["arm"] for row in rows] == [*factories.ARMS, *rules]
    assert (rows[-1]["accuracy"], rows[-1]["tokens"]) == ("0.25", "")
    assert [row["plugins"] for row in rows][:3] == ["", "rl", "rl prm"]
    vanilla, rl = rows[:2]
    assert float(rl["over_vanilla"]) == pytest.approx(float(rl["accuracy"]) - float(vanilla["accuracy"]))
    assert (vanilla["over_vanilla"], vanilla["p"], rl["p"]) == ("", "", "")  # one training seed has no p


@pytest.mark.usefixtures("runs")
def test_two_forms_at_once_are_refused() -> None:
    found = CliRunner().invoke(command, ["mine", "--md", "--json"]).exception
    assert isinstance(found, UsageError)
    assert "--md and --json" in str(found)


@pytest.mark.usefixtures("runs")
def test_an_unknown_run_is_told_the_nearest() -> None:
    found = CliRunner().invoke(command, ["mime"]).exception
    assert isinstance(found, UnknownName)
    assert "Did you mean mine?" in str(found)
