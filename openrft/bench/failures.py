"""Records of a failed job: one line for the report, and a file with what is needed to find the cause."""

from __future__ import annotations

import datetime
import json
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openrft.bench.report import Failure
from openrft.config.documents import dump_document
from openrft.errors import OpenRFTError
from openrft.job import Job, format_job_name
from openrft.plugins.registry import collect_versions
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.stages.context import STAGE_NOTE

FAILURES_FOLDER = "failures"
DETAILS_NOTE = "Details: "  # begins the note on an error that names its file


def record_failure(job: Job, error: Exception, folder: Path) -> Failure:
    """The report's entry of a job that failed with `error`. Writes its file into `folder`."""
    words = str(error) if isinstance(error, OpenRFTError) else f"{type(error).__name__}: {error}"
    line = " ".join(words.split())
    stage = find_stage(error)
    trace = "".join(traceback.format_exception(error))
    file = _write_details(job, line, stage, trace, folder)
    return Failure(job.arm.name, job.task, job.seed, line, _inside_run(file))


def record_killed_worker(job: Job, exit_code: int | None, stage: str, folder: Path) -> Failure:
    """The report's entry of a job whose worker process died. Writes its file into `folder`."""
    line = f"{describe_exit(exit_code)} in the stage {stage}" if stage else describe_exit(exit_code)
    line += ", and again when the job ran alone."
    if exit_code == -signal.SIGKILL:
        line += " The system may be out of memory: ask for a smaller batch, shorter answers or a smaller policy."
    trace = "none: a killed process leaves no traceback."
    file = _write_details(job, line, stage, trace, folder)
    return Failure(job.arm.name, job.task, job.seed, line, _inside_run(file))


def describe_exit(exit_code: int | None) -> str:
    """How a worker process ended, such as "its worker was killed by signal 9 (SIGKILL)"."""
    if exit_code is None or exit_code >= 0:
        return f"its worker process ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = "unknown"
    return f"its worker process was killed by signal {-exit_code} ({name})"


@contextmanager
def keep_details(job: Job, folder: Path) -> Iterator[None]:
    """If the job fails in this context, write its file into `folder` and add a note to the error that names it."""
    try:
        yield
    except Exception as error:
        record_failure(job, error, folder)
        error.add_note(f"{DETAILS_NOTE}{failure_file(job, folder)}")
        raise


def failure_file(job: Job, folder: Path) -> Path:
    """The file for the details of this job's failure."""
    return folder / f"{format_job_name(job.arm.name, job.task, job.seed)}.txt"


def find_stage(error: BaseException) -> str:
    """The stage in which the error was raised, or an empty text."""
    notes = [n for n in getattr(error, "__notes__", ()) if n.startswith(STAGE_NOTE)]
    return notes[0].removeprefix(STAGE_NOTE) if notes else ""


def _write_details(job: Job, line: str, stage: str, trace: str, folder: Path) -> Path:
    names = dict.fromkeys((job.task.split("/")[0], *job.arm.plugins))
    parts = [
        f"Job: {job}",
        f"Written: {datetime.datetime.now().astimezone().isoformat(timespec='seconds')}",
        f"Stage: {stage or 'none'}",
        f"Error: {line}",
        f"\nTraceback:\n{trace}",
        f"\nSettings and options:\n{json.dumps(dump_document(job), indent=1, ensure_ascii=False)}",
        f"\nVersions:\n{json.dumps(collect_versions(names), indent=1)}",
    ]
    file = failure_file(job, folder)
    with report_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomic(file, "\n".join(parts) + "\n")
    return file


def _inside_run(file: Path) -> str:
    """The path relative to the run's folder."""
    return f"{file.parent.name}/{file.name}"
