"""Which report a user means, and what is known of a run that has none, because its bench runs or was interrupted."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

from openrft.bench.live import LIVE_FILE, LiveBench, read_live
from openrft.bench.plan_file import PLAN_FILE
from openrft.bench.report import REPORT_FILE
from openrft.errors import DataError, UnknownName
from openrft.runtime.fingerprint import expand_path


def locate_report(run: str, runs: Path = Path("runs")) -> Path:
    """The report.json that `run` names: a file, a folder that holds one, or the name of a run under `runs`. Raises
    DataError for a run without a report, and UnknownName."""
    expand_path(run)
    for path in (Path(run), Path(run) / REPORT_FILE, runs / run / REPORT_FILE):
        if path.is_file():
            return path
    for folder in (Path(run), runs / run):
        if any((folder / name).is_file() for name in (LIVE_FILE, PLAN_FILE)):
            raise _explain_missing_report(folder)
    known = [p.parent.name for p in runs.glob(f"*/{REPORT_FILE}")] if runs.is_dir() else []
    raise UnknownName("run", run, known, "A path to a report.json does as well.")


def _explain_missing_report(folder: Path) -> DataError:
    bench = read_live(folder)
    if bench and bench.is_alive:
        watch = shlex.join(["openrft", "report", str(folder), "--watch"])
        return DataError(f"{folder} has no report yet: the bench runs, {_count_jobs(bench)}.", f"Watch it: {watch}")
    done = f": the bench was stopped, {_count_jobs(bench)}" if bench else ""
    again = ["openrft", "bench", "--plan", str(folder / PLAN_FILE), "--name", folder.name, "--out", str(folder.parent)]
    advice = "Finished work is kept: give the same command again to continue"
    known = f", or {shlex.join(again)}" if (folder / PLAN_FILE).is_file() else "."
    return DataError(f"{folder} has no report{done}.", advice + known)


def _count_jobs(bench: LiveBench) -> str:
    """ "3 of 4 jobs are finished (vanilla 2 of 2, rl 1 of 2)"."""
    whole, done = Counter(job.arm for job in bench.jobs), Counter(job.arm for job in bench.jobs if job.is_finished)
    by_arm = ", ".join(f"{arm} {done[arm]} of {count}" for arm, count in whole.items())
    return f"{bench.finished} of {len(bench.jobs)} jobs are finished ({by_arm})"
