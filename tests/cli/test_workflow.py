"""The workflow of docs/examples for GitHub Actions, tried step by step as the runner would: its `run:` blocks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_to_json
from openrft.cli.bench import command as bench

WORKFLOW = yaml.safe_load((Path(__file__).parents[2] / "docs" / "examples" / "gate-workflow.yml").read_text("utf-8"))
STEPS = WORKFLOW["jobs"]["gate"]["steps"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository as the workflow's first lines ask for, but for the baseline's report. A rule answers."""
    (tmp_path / "requirements.txt").write_text("openrft\nopenrft-pocket\n")
    (tmp_path / "baseline").mkdir()
    plan = make_plan(BenchRequest(plugins=(), policy="baseline:majority-answer", data={"train": 8, "test": 12}))
    (tmp_path / "baseline" / "plan.json").write_text(json.dumps(plan_to_json(plan)))
    return tmp_path


def run_step(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one step's block as the runner does where no shell is named."""
    (step,) = (step for step in STEPS if step.get("name") == name)
    assert "${{" not in step["run"]  # the runner fills in nothing
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    summary = str(folder / "summary.md")
    environment = {**os.environ, **WORKFLOW["env"], "PATH": path, "GITHUB_STEP_SUMMARY": summary, "PIP_NO_INDEX": "1"}
    command = ["bash", "-e", "-c", step["run"]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_the_workflow_passes_and_fails_as_it_should_and_uses_the_cached_store(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [step["name"] for step in STEPS if "run" in step] == ["Install", "Bench", "Gate"]
    monkeypatch.chdir(folder)
    first = CliRunner().invoke(bench, ["--plan", "baseline/plan.json", "--name", "candidate"])
    assert first.exit_code == 0, first.output
    shutil.copy(folder / "runs" / "candidate" / "report.json", folder / "baseline" / "report.json")

    (cached,) = (step["with"]["path"] for step in STEPS if step.get("uses", "").startswith("actions/cache@"))
    shutil.move(folder / cached, folder / "cache")
    shutil.rmtree(folder / "runs")  # a new machine, which has the store only
    (folder / "runs").mkdir()
    shutil.move(folder / "cache", folder / cached)
    for name in ("Install", "Bench"):
        done = run_step(name, folder)
        assert done.returncode == 0, done.stderr
    report = json.loads((folder / "runs" / "candidate" / "report.json").read_text())
    assert all(stage["reused"] for result in report["results"] for stage in result["stages"])

    passed = run_step("Gate", folder)
    assert passed.returncode == 0, passed.stderr
    assert (folder / "summary.md").read_text().startswith("# gate: pass\n")
    assert ElementTree.parse(folder / "gate.xml").getroot()[0].get("failures") == "0"

    for item in report["results"][0]["items"].values():
        item["correct"] = [1] * len(item["correct"])
    (folder / "baseline" / "report.json").write_text(json.dumps(report))
    assert run_step("Gate", folder).returncode == 1
    assert "# gate: regression\n" in (folder / "summary.md").read_text()
    assert ElementTree.parse(folder / "gate.xml").getroot()[0].get("failures") == "1"

    (kept,) = (step["with"]["path"] for step in STEPS if "upload-artifact" in step.get("uses", ""))
    assert all((folder / path).exists() for path in kept.split())
