"""`openrft report --watch`: what a bench leaves for it while it runs, and what is shown of that."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from openrft.bench import live
from openrft.bench.live import LIVE_FILE, LiveFile, read_live
from openrft.bench.report import Failure, write_report
from openrft.cli import watch as watch_module
from openrft.cli.report import command as report
from openrft.cli.watch import list_lines
from openrft.errors import DataError, OpenRFTError, UnknownName
from openrft.job import Arm, Job
from tests.bench import factories

TASK = "toy/L1/sums"


class Display:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def started(self, job: int) -> None:
        self.told.append(("started", job))

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None:
        self.told.append((stage, done))

    def finished(self, job: int, ok: bool) -> None:
        self.told.append(("finished", job, ok))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(live, "EVERY", 0.0)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    return tmp_path / "runs" / "mine"


def start(folder: Path) -> LiveFile:
    """A bench of vanilla and of two seeds of rl: vanilla has 20 of 60 right, one seed runs, and the other waits."""
    jobs = [Job(Arm("vanilla"), TASK, 0, "p"), *(Job(Arm("rl", ("rl",)), TASK, seed, "p") for seed in (0, 1))]
    bench = LiveFile(folder, "mine", jobs, Display())
    bench.started(0)
    bench.finished(0, True)
    task = factories.task()
    bench.add_result(0, factories.result("vanilla", task, 0, [[n < 20] for n in range(60)]))
    bench.started(1)
    bench.update(1, "explore", 6, 16, "reward 0.33")
    return bench


def test_everything_is_passed_on_to_the_display_and_written(folder: Path) -> None:
    bench = start(folder)
    assert bench._display.told == [("started", 0), ("finished", 0, True), ("started", 1), ("explore", 6)]
    found = read_live(folder)
    assert found is not None
    assert [job.state for job in found.jobs] == ["done", "running", "waiting"]
    assert (found.process, found.is_alive, found.finished) == (os.getpid(), True, 1)
    assert list_lines(found) == [
        "mine: 1 of 3 jobs finished",
        "vanilla  33.3% right",
        "rl       seed 0: explore 6/16, reward 0.33",
    ]
    bench.add_result(1, Failure("rl", TASK, 0, "boom"))
    found = read_live(folder)
    assert found is not None
    assert list_lines(found)[2] == "rl       1 failed"


def test_it_follows_the_bench_and_then_shows_the_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = start(folder)

    def finish_a_job() -> None:
        bench.add_result(1, factories.result("rl", factories.task(), 0, [[True]] * 60))

    def finish() -> None:
        write_report(factories.report(), folder / "report.json")
        (folder / LIVE_FILE).unlink()

    happens = iter([lambda: None, finish_a_job, lambda: None, finish])  # between one look and the next
    monkeypatch.setattr(watch_module, "time", SimpleNamespace(sleep=lambda seconds: next(happens)()))
    shown = CliRunner().invoke(report, ["mine", "--watch"])
    assert shown.exit_code == 0, shown.exception
    lines = shown.output.splitlines()
    assert lines[:2] == ["mine: 1 of 3 jobs finished", "mine: 2 of 3 jobs finished"]
    assert lines[2].startswith("Best arm: ")
    assert next(happens, None) is None


def test_a_bench_that_was_killed_is_said_to_have_stopped(folder: Path) -> None:
    start(folder)
    file = folder / LIVE_FILE
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "process": 2**22 + 1}))  # beyond what Linux gives
    fault = CliRunner().invoke(report, ["mine", "--watch"]).exception
    assert isinstance(fault, OpenRFTError)
    assert "mine: the bench has stopped; 1 of 3 jobs are finished. Run its command again" in str(fault)


def test_a_bench_on_another_machine_lives_as_long_as_it_writes(folder: Path) -> None:
    start(folder)
    found = read_live(folder)
    assert found is not None
    far = replace(found, machine="elsewhere", process=2**22 + 1)
    assert far.is_alive
    assert not replace(far, written=time.time() - 120).is_alive


def test_a_finished_run_is_shown_and_an_unknown_one_is_told_the_nearest(folder: Path) -> None:
    start(folder)
    write_report(factories.report(), folder / "report.json")  # its bench could not remove live.json
    assert CliRunner().invoke(report, ["mine", "--watch"]).output.startswith("Best arm: ")
    fault = CliRunner().invoke(report, ["mime", "--watch"]).exception
    assert isinstance(fault, UnknownName)
    assert "Did you mean mine?" in str(fault)
    (folder / "report.json").unlink()
    (folder / LIVE_FILE).write_text("{")
    assert isinstance(CliRunner().invoke(report, ["mine", "--watch"]).exception, DataError)
