"""`openrft bench --seeds auto` on the included policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openrft.bench.plan_file import read_plan
from openrft.cli import cli


def test_seeds_are_added_until_the_last_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "--arms", "none", "--arm", "two=vote,vote.completions=2", "--seeds", "auto", "--until", "50"]
    command += ["--most-seeds", "3", "--train", "8", "--test", "8", "--set", "evaluate.completions=1", "--workers", "1"]
    cli.main([*command, "--out", str(tmp_path), "--name", "auto", "--json"], standalone_mode=False)
    printed = capsys.readouterr()
    assert "Stopped at " in printed.err
    report = json.loads((tmp_path / "auto" / "report.json").read_text())
    assert {(result["arm"], result["seed"]) for result in report["results"]} == {
        (arm, seed) for arm in ("vanilla", "two") for seed in (0, 1, 2)
    }
    assert report["plan"]["seed_rule"]["looks"] == [3]
    assert report["plan"]["seed_rule"]["outcome"].startswith("Stopped at ")
    assert read_plan(tmp_path / "auto" / "plan.json").seed_rule.until == 0.5
