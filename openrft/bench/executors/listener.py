"""What an executor tells while jobs run."""

from __future__ import annotations

from typing import Protocol


class JobListener(Protocol):
    """Receives the progress of each job. Jobs are numbered in the plan's order."""

    def started(self, job: int) -> None:
        """The job begins. It begins a second time if its worker died."""
        ...

    def update(self, job: int, stage: str, done: int, total: int, note: str) -> None: ...

    def finished(self, job: int, ok: bool) -> None: ...
