from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from openrft.bench.report import read_report, write_report
from openrft.cli.gate import command
from openrft.errors import OpenRFTError
from tests.bench import factories


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    write_report(factories.report(), tmp_path / "baseline.json")
    return tmp_path / "baseline.json"


def gate(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments])


def code(result: Result) -> int:
    """The exit code as the console script gives it: errors of ours carry their own."""
    return result.exception.exit_code if isinstance(result.exception, OpenRFTError) else result.exit_code


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (lambda: factories.report(), 0),
        (lambda: factories.report({**factories.RATES, "rl": 0.1}), 1),
        (lambda: factories.report(seeds=(5,)), 3),
        (lambda: factories.report(noise=1), 4),
    ],
)
def test_exit_codes(baseline: Path, tmp_path: Path, candidate: object, expected: int) -> None:
    write_report(candidate(), tmp_path / "new" / "report.json")  # type: ignore[operator]
    assert code(gate(baseline, tmp_path / "new")) == expected
    shown = gate(baseline, tmp_path / "new", "--json")
    assert code(shown) == expected
    assert json.loads(shown.output)["exit_code"] == expected


def test_wrong_usage_is_2(baseline: Path, tmp_path: Path) -> None:
    assert code(gate(baseline)) == 2
    assert code(gate(baseline, tmp_path / "nowhere")) == 2
    assert code(gate(baseline, baseline, "--margin", "nan")) == 2
    assert code(gate(baseline, baseline, "--margin", "-0.1")) == 2
    assert code(gate(baseline, baseline, "--margin", "2")) == 2
    assert code(gate(baseline, baseline, "--arm", "ghost")) == 2
    (tmp_path / "half.json").write_text(baseline.read_text()[:500])
    assert code(gate(baseline, tmp_path / "half.json")) == 2


def test_a_machine_that_fails_is_5(baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(self: Path, encoding: str) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert code(gate(baseline, baseline)) == 5


def test_the_verdict_is_written_for_a_pull_request(baseline: Path, tmp_path: Path) -> None:
    worse = factories.report({**factories.RATES, "rl": 0.1})
    write_report(worse, tmp_path / "new.json")
    page, cases = tmp_path / "ci" / "gate.md", tmp_path / "ci" / "gate.xml"
    assert code(gate(baseline, tmp_path / "new.json", "--md", page, "--junit", cases)) == 1
    text = page.read_text()
    assert text.startswith("# gate: regression\n\n## Candidate against baseline, margin 2 points\n\n| compared |")
    assert "| rl | " in text
    assert "One seed says nothing about training noise." in text
    (suite,) = ElementTree.parse(cases).getroot()
    outcomes = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert outcomes["rl"] == ["failure"]
    assert outcomes["vanilla"] == ["system-out"]  # the same outcomes
    assert suite.get("tests") == str(len(outcomes)) == "9"
    assert int(suite.get("failures") or 0) + int(suite.get("errors") or 0) == 9 - list(outcomes.values()).count(
        ["system-out"]
    )


def test_margin_and_arm(baseline: Path, tmp_path: Path) -> None:
    write_report(factories.report({**factories.RATES, "rl": 0.1}), tmp_path / "new.json")
    assert code(gate(baseline, tmp_path / "new.json", "--arm", "rl+prm", "--arm", "vanilla")) == 0
    assert code(gate(baseline, tmp_path / "new.json", "--arm", "rl", "--margin", "0.9")) == 0


def test_a_baseline_changes_by_update_baseline_alone(baseline: Path, tmp_path: Path) -> None:
    write_report(factories.report({**factories.RATES, "rl": 0.1}), tmp_path / "new.json")
    before = baseline.read_bytes()
    assert code(gate(baseline, tmp_path / "new.json")) == 1
    assert baseline.read_bytes() == before
    updated = gate(baseline, tmp_path / "new.json", "--update-baseline")
    assert code(updated) == 0
    assert "gate: regression" in updated.output
    assert "baseline updated: " in updated.output
    assert read_report(baseline) == read_report(tmp_path / "new.json")


def test_a_first_baseline(baseline: Path, tmp_path: Path) -> None:
    first = tmp_path / "results" / "first.json"
    assert code(gate(first, baseline, "--update-baseline")) == 0
    assert read_report(first) == read_report(baseline)
    assert code(gate(tmp_path / "results" / "pocket", baseline, "--update-baseline")) == 0
    assert read_report(tmp_path / "results" / "pocket" / "report.json") == read_report(baseline)


def test_a_failed_candidate_does_not_become_the_baseline(baseline: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    report = factories.report()
    write_report(replace(report, results=report.results[:-1]), tmp_path / "new.json")
    before = baseline.read_bytes()
    assert code(gate(baseline, tmp_path / "new.json", "--update-baseline")) == 3
    assert code(gate(tmp_path / "first.json", tmp_path / "new.json", "--update-baseline")) == 3
    assert baseline.read_bytes() == before
    assert not (tmp_path / "first.json").exists()
