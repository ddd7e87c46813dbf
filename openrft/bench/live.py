"""live.json: the progress of a running bench, for `openrft report --watch`.

It is in the run's folder until the report is written, and is updated at most once a second.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from openrft.bench.executors.listener import JobListener
from openrft.bench.report import REPORT_FILE, ArmResult, Failure, mean_accuracy
from openrft.bench.time_left import BenchEstimate, TimeEstimate, spell_left
from openrft.config.documents import dump_document, read_document
from openrft.errors import DataError
from openrft.job import Job
from openrft.runtime.files import write_atomic

LIVE_FILE = "live.json"
EVERY = 1.0  # seconds between two writes, at least
SILENT = 60.0  # seconds without a word after which a bench on another machine is taken to have stopped


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job of a running bench."""

    arm: str
    task: str
    seed: int
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    stage: str = ""
    done: int = 0  # units of the stage
    total: int = 0
    note: str = ""
    left: str = ""  # of the stage, in words
    accuracy: float | None = None  # of a job that is done

    @property
    def is_finished(self) -> bool:
        """Whether it is done or has failed."""
        return self.state in ("done", "failed")


@dataclass(frozen=True, slots=True)
class LiveBench:
    """A running bench."""

    run: str
    process: int
    machine: str
    written: float  # seconds since 1970
    left: str  # of all jobs, in words; empty if not known
    jobs: tuple[LiveJob, ...]

    @property
    def finished(self) -> int:
        """Jobs that are done or have failed."""
        return sum(job.is_finished for job in self.jobs)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs; on another machine, whether it has written lately."""
        if self.machine != platform.node():
            return time.time() - self.written < SILENT
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            return True
        return True


class LiveFile:
    """A job listener that keeps live.json and passes everything on to a display."""

    def __init__(self, folder: Path, run: str, jobs: Sequence[Job], display: JobListener) -> None:
        self._file, self._run, self._display = folder / LIVE_FILE, run, display
        self._jobs = [LiveJob(job.arm.name, job.task, job.seed) for job in jobs]
        self._stages, self._whole = TimeEstimate(), BenchEstimate(jobs)
        self._written = 0.0
        self._write(now=True)

    def started(self, job: int) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        self._whole.started(job)
        self._jobs[job] = replace(self._jobs[job], state="running")
        self._write()
        self._display.started(job)

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        left = self._stages.seconds(job, stage, done, total)
        self._whole.update(job, left)
        self._jobs[job] = replace(
            self._jobs[job], stage=stage, done=done, total=total, note=note, left=spell_left(left)
        )
        self._write()
        self._display.update(job, stage, done, total, note)

    def finished(self, job: int, ok: bool) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        self._whole.finished(job)
        self._display.finished(job, ok)

    def add_result(self, job: int, result: ArmResult | Failure) -> None:
        """Remember what a job that has finished found."""
        if isinstance(result, ArmResult):
            self._jobs[job] = replace(self._jobs[job], state="done", accuracy=mean_accuracy(result))
        else:
            self._jobs[job] = replace(self._jobs[job], state="failed")
        self._write(now=True)

    def _write(self, now: bool = False) -> None:
        if now or time.monotonic() - self._written >= EVERY:
            self._written = time.monotonic()
            left = spell_left(self._whole.seconds())
            bench = LiveBench(self._run, os.getpid(), platform.node(), time.time(), left, tuple(self._jobs))
            write_atomic(self._file, json.dumps(dump_document(bench)) + "\n")


def read_live(folder: Path) -> LiveBench | None:
    """The running bench of this folder; None if there is none. Raises DataError for a damaged file."""
    file, report = folder / LIVE_FILE, folder / REPORT_FILE
    try:
        if report.exists() and report.stat().st_mtime >= file.stat().st_mtime:  # the bench was done with it
            return None
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as fault:
        raise DataError(f"{file}: not JSON ({fault}).", "Remove the file.") from fault
    bench, faults = read_document(LiveBench, data, "ignore")
    if bench is None:
        raise DataError(f"{file}: {faults[0]}.", "Remove the file.")
    return bench
