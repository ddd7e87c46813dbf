"""`openrft report --watch`: the progress of a bench, from another terminal, until its report is written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from openrft.bench.live import LIVE_FILE, LiveBench, LiveJob, read_live
from openrft.bench.report import REPORT_FILE
from openrft.cli.printing import print_text
from openrft.cli.wrapping import cut_line
from openrft.errors import OpenRFTError, UnknownName
from openrft.runtime.text import escape_terminal

EVERY = 1.0  # seconds between two looks


def watch(run: str, runs: Path = Path("runs")) -> None:
    """Show the bench until it ends: its lines in place on a terminal, a line for each finished job elsewhere. Raises
    UnknownName for a run that is not there, OpenRFTError if the bench has stopped without a report."""
    folder = _locate(run, runs)
    console = Console()
    if console.is_terminal:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            for bench in _follow(folder):
                lines = [Text(cut_line(line, console.width)) for line in list_lines(bench)]
                live.update(Group(*lines[: max(console.height - 1, 1)]), refresh=True)
    else:
        told = -1
        for bench in _follow(folder):
            if bench.finished != told:
                told = bench.finished
                print_text(list_lines(bench)[0])


def _follow(folder: Path) -> Iterator[LiveBench]:
    """The state of the bench, once a second while it runs."""
    while bench := read_live(folder):
        yield bench
        if not bench.is_alive:
            raise OpenRFTError(
                f"{bench.run}: the bench has stopped; {bench.finished} of {len(bench.jobs)} jobs are finished.",
                "Run its command again to continue.",
            )
        time.sleep(EVERY)


def list_lines(bench: LiveBench) -> list[str]:
    """The bench in a line, then each arm in one."""
    whole = f"{bench.run}: {bench.finished} of {len(bench.jobs)} jobs finished"
    lines = [f"{whole}, {bench.left} for all" if bench.left else whole]
    arms = list(dict.fromkeys(job.arm for job in bench.jobs))
    side = max(map(len, arms), default=0)
    for arm in arms:
        jobs = [job for job in bench.jobs if job.arm == arm]
        lines.append(f"{arm:{side}}  {'; '.join(_describe_arm(jobs))}")
    return [escape_terminal(line) for line in lines]


def _describe_arm(jobs: list[LiveJob]) -> Iterator[str]:
    done = [job.accuracy for job in jobs if job.state == "done" and job.accuracy is not None]
    count = f" ({len(done)} of {len(jobs)} jobs)" if len(jobs) > 1 else ""
    if done:
        yield f"{100 * fmean(done):.1f}% right{count}"
    if failed := sum(job.state == "failed" for job in jobs):
        yield f"{failed} failed" if len(jobs) > 1 else "failed"
    for job in jobs:
        if job.state == "running":
            where = f"seed {job.seed}: " if len(jobs) > 1 else ""
            stage = f"{job.stage} {job.done}/{job.total}" if job.stage else "starting"
            yield where + ", ".join(filter(None, (stage, job.left, job.note)))
    if all(job.state == "waiting" for job in jobs):
        yield "waiting"


def _locate(run: str, runs: Path) -> Path:
    """The folder of a running or finished bench."""
    for folder in (Path(run), runs / run):
        if (folder / LIVE_FILE).is_file() or (folder / REPORT_FILE).is_file():
            return folder
        if folder.is_file():  # a report.json
            return folder.parent
    known = [path.parent.name for name in (LIVE_FILE, REPORT_FILE) for path in runs.glob(f"*/{name}")]
    raise UnknownName("run", run, known, "A run's folder does as well.")
