"""Progress and remaining time of a bench: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from openrft.bench.executors import JobListener
from openrft.runtime.progress import Progress

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


class ProgressBars:
    """A bar for the whole bench and one for each running job."""

    def __init__(self, jobs: Sequence[object], console: Console) -> None:
        self._jobs = jobs
        self._bars: dict[int, TaskID] = {}
        self._pace = TimeEstimate()
        self._progress = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._all = self._progress.add_task("[bold]jobs", total=len(jobs), note="")

    def __enter__(self) -> ProgressBars:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def started(self, job: int) -> None:
        if job in self._bars:  # tried again
            self._progress.remove_task(self._bars[job])
        self._bars[job] = self._progress.add_task(str(self._jobs[job]), total=None, note="starting")

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None:
        if job in self._bars:
            parts = (f"{stage} {note}".strip(), self._pace.left(job, stage, done, total))
            self._progress.update(self._bars[job], completed=done, total=total, note=", ".join(filter(None, parts)))

    def finished(self, job: int, ok: bool) -> None:
        if job in self._bars:
            self._progress.remove_task(self._bars.pop(job))
        self._progress.advance(self._all)


class ProgressLines:
    """One line when a job starts and ends, and at intervals in between."""

    def __init__(self, jobs: Sequence[object]) -> None:
        self._jobs = jobs
        self._began = time.monotonic()
        self._last: dict[int, float] = {}
        self._pace = TimeEstimate()
        self._done = 0

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", file=sys.stderr, flush=True)

    def started(self, job: int) -> None:
        self._last[job] = time.monotonic()
        self._say(f"{self._jobs[job]}: started")

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None:
        left = self._pace.left(job, stage, done, total)
        if time.monotonic() - self._last.get(job, 0.0) >= EVERY:
            self._last[job] = time.monotonic()
            self._say(f"{self._jobs[job]}: " + ", ".join(filter(None, (f"{stage} {done}/{total}", note, left))))

    def finished(self, job: int, ok: bool) -> None:
        self._done += 1
        self._say(f"{self._jobs[job]}: {'done' if ok else 'FAILED'} ({self._done} of {len(self._jobs)})")


@contextmanager
def show_progress(title: object) -> Iterator[Progress]:
    """Show progress as a bar on a terminal, and as a line at intervals elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    with ProgressBars([title], console) if console.is_terminal else ProgressLines([title]) as watcher:
        watcher.started(0)
        yield _SingleJobProgress(watcher)
        watcher.finished(0, True)


class _SingleJobProgress:
    def __init__(self, watcher: JobListener) -> None:
        self._watcher = watcher

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self._watcher.update(0, stage, done, total, note)
