"""What is said of a run that has no report, because its bench runs or was interrupted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from openrft.bench.live import LiveFile
from openrft.bench.locate import locate_report
from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_to_json
from openrft.bench.report import Failure
from openrft.errors import DataError, UnknownName


class Silent:
    """Shows nothing."""

    def started(self, job: int) -> None: ...

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None: ...

    def finished(self, job: int, ok: bool) -> None: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a bench that runs in this process and has finished one of its two jobs."""
    plan = make_plan(BenchRequest(plugins=("rl",)))
    found = tmp_path / "runs" / "mine"
    found.mkdir(parents=True)
    (found / "plan.json").write_text(json.dumps(plan_to_json(plan)))
    jobs = plan.jobs()
    LiveFile(found, "mine", jobs, Silent()).add_result(0, Failure(jobs[0].arm.name, jobs[0].task, 0, "no"))
    return found


def refuse(run: str, runs: Path) -> str:
    with pytest.raises(DataError) as caught:
        locate_report(run, runs)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_of_a_running_bench_it_says_how_far_it_is(folder: Path) -> None:
    said = refuse("mine", folder.parent)
    assert f"{folder} has no report yet: the bench runs, 1 of 2 jobs are finished (vanilla 1 of 1, rl 0 of 1)." in said
    assert said.endswith(f"Watch it: openrft report {folder} --watch")


def test_of_an_interrupted_bench_it_says_what_is_finished_and_how_to_go_on(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    live = json.loads((folder / "live.json").read_text())
    (folder / "live.json").write_text(json.dumps({**live, "process": gone.pid}))
    said = refuse(str(folder), Path("runs"))
    assert "the bench was stopped, 1 of 2 jobs are finished (vanilla 1 of 1, rl 0 of 1)." in said
    assert said.endswith(f"openrft bench --plan {folder}/plan.json --name mine --out {folder.parent}")
    (folder / "live.json").unlink()
    assert f"{folder} has no report. Finished work is kept: give the same command again" in refuse(
        str(folder), Path("runs")
    )


def test_a_folder_that_is_no_run_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnknownName):
        locate_report("empty", tmp_path)
