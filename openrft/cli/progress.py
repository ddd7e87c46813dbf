"""Progress and remaining time of a bench or a single piece of work: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress

from openrft.bench.time_left import BenchEstimate, TimeEstimate, spell_left
from openrft.cli.wrapping import cut_line
from openrft.job import Job
from openrft.runtime.progress import Progress
from openrft.runtime.text import escape_terminal

EVERY = 10.0  # seconds between lines about one job without a terminal


class ProgressDisplay:
    """Shows running jobs: bars on a terminal, lines elsewhere. A context manager."""

    def __init__(self, jobs: Sequence[object]) -> None:
        self.names = [escape_terminal(str(job)) for job in jobs]
        self.estimate = TimeEstimate()
        self.whole = BenchEstimate(jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def started(self, job: int) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        self.whole.started(job)

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        left = self.estimate.seconds(job, stage, done, total)
        self.whole.update(job, left)
        self.show(job, escape_terminal(stage), done, total, escape_terminal(note), spell_left(left))

    def show(self, job: int, stage: str, done: int, total: int, note: str, left: str) -> None:
        """Show a job's progress. `left`: the remaining time, or empty."""
        raise NotImplementedError

    def finished(self, job: int, ok: bool) -> None:
        """See `openrft.bench.executors.listener.JobListener`."""
        self.whole.finished(job)

    def spell_whole(self) -> str:
        """The remaining time of the whole bench, or empty; also for a single job, whose stage says it."""
        return spell_left(self.whole.seconds()) if len(self.names) > 1 else ""


def shorten_names(jobs: Sequence[object]) -> list[str]:
    """The jobs by what differs between them: the arm, then task and seed if there are several."""
    if not all(isinstance(job, Job) for job in jobs):
        return [escape_terminal(str(job)) for job in jobs]
    known = [job for job in jobs if isinstance(job, Job)]
    tasks, seeds = len({job.task for job in known}) > 1, len({job.seed for job in known}) > 1
    parts = [(job.arm.name, *[job.task] * tasks, *[f"seed {job.seed}"] * seeds) for job in known]
    return [escape_terminal(", ".join(part)) for part in parts]


LEFT = len("about 12 h 34 min left")


class ProgressBars(ProgressDisplay):
    """A line for each running job, and one for all of them if there are several.

    Every line has the name, the bar, the count and the time left. The job's current work follows, as far as the
    terminal reaches; of a name that is too long, the beginning.
    """

    def __init__(self, jobs: Sequence[object], console: Console) -> None:
        super().__init__(jobs)
        self._short = shorten_names(jobs)
        self._console = console
        self._bars: dict[int, TaskID] = {}
        # Names and notes are shown as they are: [x] is not markup.
        self._progress = RichProgress(
            TextColumn("{task.fields[text][shown]}", markup=False),
            BarColumn(bar_width=24 if console.width >= 120 else 8),
            TextColumn("{task.fields[text][count]}", markup=False),
            TextColumn("{task.fields[text][left]}", markup=False),
            TextColumn("{task.fields[text][note]}", style="dim", markup=False),
            console=console,
            transient=True,
        )
        self._done = 0
        text = self._lay_out("all jobs", 0, len(jobs), "", "")
        self._all = self._progress.add_task("", total=len(jobs), visible=len(jobs) > 1, text=text)

    def _lay_out(self, name: str, done: int, total: int, left: str, note: str) -> dict[str, str]:
        """The texts of a line, which fit the terminal beside the bar."""
        count = f"{done}/{total}"
        bar = 24 if self._console.width >= 120 else 8
        rest = self._console.width - bar - 9 - LEFT - 4  # four spaces between the columns
        side = min(max(map(cell_len, (*self._short, "all jobs"))), rest)
        return {
            "shown": _fit(name, side),
            "count": f"{count:>9}",
            "left": f"{left:{LEFT}}",
            "note": cut_line(note, rest - side - 1),
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def started(self, job: int) -> None:
        super().started(job)
        if job in self._bars:  # tried again
            self._progress.remove_task(self._bars[job])
        text = self._lay_out(self._short[job], 0, 0, "", "starting") | {"count": " " * 9}
        self._bars[job] = self._progress.add_task("", total=None, text=text)

    def show(self, job: int, stage: str, done: int, total: int, note: str, left: str) -> None:
        if job in self._bars:
            text = self._lay_out(self._short[job], done, total, left, f"{stage} {note}".strip())
            self._progress.update(self._bars[job], completed=done, total=total, text=text)
            self._show_all()

    def finished(self, job: int, ok: bool) -> None:
        super().finished(job, ok)
        if job in self._bars:
            self._progress.remove_task(self._bars.pop(job))
        self._done += 1
        self._show_all()

    def _show_all(self) -> None:
        text = self._lay_out("all jobs", self._done, len(self.names), self.spell_whole(), "")
        self._progress.update(self._all, completed=self._done, text=text)


def _fit(text: str, cells: int) -> str:
    return set_cell_size(_crop(text, cells), max(cells, 0))


def _crop(text: str, cells: int) -> str:
    """The beginning of the text, with an ellipsis if it is too long; nothing where there is hardly room."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…" if cells > 4 else ""


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
        super().started(job)
        self._last[job] = time.monotonic()
        self._print(f"{self.names[job]}: started")

    def show(self, job: int, stage: str, done: int, total: int, note: str, left: str) -> None:
        if time.monotonic() - self._last.get(job, 0.0) >= EVERY:
            self._last[job] = time.monotonic()
            self._print(f"{self.names[job]}: " + ", ".join(filter(None, (f"{stage} {done}/{total}", note, left))))

    def finished(self, job: int, ok: bool) -> None:
        super().finished(job, ok)
        self._done += 1
        left = self.spell_whole()
        count = f"{self._done} of {len(self.names)}{f', {left} for all' if left else ''}"
        self._print(f"{self.names[job]}: {'done' if ok else 'FAILED'} ({count})")


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
