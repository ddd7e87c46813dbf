"""The remaining time of a stage and of a whole bench, from what has been done so far."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import fmean

from openrft.job import Job


class TimeEstimate:
    """The remaining time of each job's stage, from its speed since its first update in this run."""

    def __init__(self) -> None:
        # By job and stage: units done at the first update, the time of it, and units done at the last update.
        self._seen: dict[tuple[int, str], tuple[int, float, int]] = {}

    def seconds(self, job: int, stage: str, done: int, total: int) -> float | None:
        """None before the first unit is done."""
        now = time.monotonic()
        first, began, last = self._seen.get((job, stage), (done, now, done))
        if done < last:  # the stage began again, because the policy generates more than once
            first, began = done, now
        self._seen[job, stage] = (first, began, done)
        return None if done == first else (now - began) / (done - first) * (total - done)


class BenchEstimate:
    """The remaining time of all jobs. A job is taken to last as long as others of its arm, else as those that were
    trained if it is; and a running job not less than its stage does."""

    def __init__(self, jobs: Sequence[object]) -> None:
        self._kinds = [(job.arm.name, bool(job.arm.plugins)) if isinstance(job, Job) else ("", False) for job in jobs]
        self._began: dict[int, float] = {}
        self._seconds: dict[int, float] = {}  # of finished jobs
        self._stage: dict[int, float] = {}  # what the stage of a running job has left
        self._most = 1  # jobs that ran at the same time

    def started(self, job: int) -> None:
        self._began[job] = time.monotonic()
        self._most = max(self._most, len(self._began) - len(self._seconds))

    def update(self, job: int, stage_left: float | None) -> None:
        if stage_left is not None:
            self._stage[job] = stage_left

    def finished(self, job: int) -> None:
        now = time.monotonic()
        self._seconds[job] = now - self._began.get(job, now)

    def seconds(self) -> float | None:
        """None while nothing like one of the remaining jobs has been seen."""
        now = time.monotonic()
        running = {n: now - began for n, began in self._began.items() if n not in self._seconds}
        left = []
        for number in range(len(self._kinds)):
            if number in self._seconds:
                continue
            whole = self._expect(number, {n: ran + self._stage[n] for n, ran in running.items() if n in self._stage})
            if whole is None:
                return None
            left.append(max(whole - running.get(number, 0.0), self._stage.get(number, 0.0)))
        return max(sum(left) / self._most, max(left, default=0.0))

    def _expect(self, number: int, running: Mapping[int, float]) -> float | None:
        """The seconds that a job takes, from what is most like it. `running`: at least so long last the jobs that
        run."""
        arm, trained = self._kinds[number]
        for seconds, own_arm in ((self._seconds, True), (running, True), (self._seconds, False), (running, False)):
            alike = [
                seconds[n]
                for n in seconds
                if (self._kinds[n][0] == arm and n != number if own_arm else self._kinds[n][1] == trained)
            ]
            if alike:
                return fmean(alike)
        return None


def spell_left(seconds: float | None) -> str:
    """For example "about 3 min left". Empty for the last seconds, or if nothing is known."""
    if seconds is None or seconds < 5:
        return ""
    minutes = round(seconds / 60)
    if seconds < 90:
        words = f"{seconds:.0f} s"
    else:
        words = f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
    return f"about {words} left"
