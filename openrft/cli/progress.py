"""Progress and remaining time of a bench or a single piece of work: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from openrft.runtime.progress import Progress
from openrft.runtime.text import escape_terminal

EVERY = 10.0  # seconds between lines about one job without a terminal


class TimeEstimate:
    """The remaining time of each job's stage, from its speed since its first update in this run."""

    def __init__(self) -> None:
        # By job and stage: units done at the first update, the time of it, and units done at the last update.
        self._seen: dict[tuple[int, str], tuple[int, float, int]] = {}

    def left(self, job: int, stage: str, done: int, total: int) -> str:
        """For example "about 3 min left". Empty before the first unit is done, and for the last seconds."""
        now = time.monotonic()
        first, began, last = self._seen.get((job, stage), (done, now, done))
        if done < last:  # the stage began again, because the policy generates more than once
            first, began = done, now
        self._seen[job, stage] = (first, began, done)
        if done == first:
            return ""
        seconds = (now - began) / (done - first) * (total - done)
        return f"about {_spelt(seconds)} left" if seconds >= 5 else ""


def _spelt(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


class ProgressDisplay:
    """Shows running jobs: bars on a terminal, lines elsewhere. A context manager."""

    def __init__(self, jobs: Sequence[object]) -> None:
        self.names = [escape_terminal(str(job)) for job in jobs]
        self.estimate = TimeEstimate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def started(self, job: int) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        raise NotImplementedError

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        left = self.estimate.left(job, stage, done, total)
        self.show(job, escape_terminal(stage), done, total, escape_terminal(note), left)

    def show(self, job: int, stage: str, done: int, total: int, note: str, left: str) -> None:
        """Show a job's progress. `left`: the remaining time, or empty."""
        raise NotImplementedError

    def finished(self, job: int, ok: bool) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        raise NotImplementedError


class ProgressBars(ProgressDisplay):
    """A bar for each running job, and one for all of them if there are several."""

    def __init__(self, jobs: Sequence[object], console: Console) -> None:
        super().__init__(jobs)
        self._bars: dict[int, TaskID] = {}
        # Names and notes are shown as they are: [x] is not markup.
        self._progress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._all = self._progress.add_task("jobs", total=len(jobs), note="", visible=len(jobs) > 1)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def started(self, job: int) -> None:
        if job in self._bars:  # tried again
            self._progress.remove_task(self._bars[job])
        self._bars[job] = self._progress.add_task(self.names[job], total=None, note="starting")

    def show(self, job: int, stage: str, done: int, total: int, note: str, left: str) -> None:
        if job in self._bars:
            words = ", ".join(filter(None, (f"{stage} {note}".strip(), left)))
            self._progress.update(self._bars[job], completed=done, total=total, note=words)

    def finished(self, job: int, ok: bool) -> None:
        if job in self._bars:
            self._progress.remove_task(self._bars.pop(job))
        self._progress.advance(self._all)


class ProgressLines(ProgressDisplay):
    """One line when a job starts and ends, and at intervals in between."""

    def __init__(self, jobs: Sequence[object]) -> None:
        super().__init__(jobs)
        self._began = time.monotonic()
        self._last: dict[int, float] = {}
        self._done = 0

    def _print(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", file=sys.stderr, flush=True)

    def started(self, job: int) -> None:
        self._last[job] = time.monotonic()
        self._print(f"{self.names[job]}: started")

    def show(self, job: int, stage: str, done: int, total: int, note: str, left: str) -> None:
        if time.monotonic() - self._last.get(job, 0.0) >= EVERY:
            self._last[job] = time.monotonic()
            self._print(f"{self.names[job]}: " + ", ".join(filter(None, (f"{stage} {done}/{total}", note, left))))

    def finished(self, job: int, ok: bool) -> None:
        self._done += 1
        self._print(f"{self.names[job]}: {'done' if ok else 'FAILED'} ({self._done} of {len(self.names)})")


def open_display(jobs: Sequence[object]) -> ProgressDisplay:
    """The display of these jobs on standard error."""
    console = Console(stderr=True)
    return ProgressBars(jobs, console) if console.is_terminal else ProgressLines(jobs)


@contextmanager
def show_progress(title: object) -> Iterator[Progress]:
    """Show the progress of one piece of work."""
    with open_display([title]) as display:
        display.started(0)
        yield _SingleJobProgress(display)
        display.finished(0, True)


class _SingleJobProgress:
    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self._display.update(0, stage, done, total, note)
