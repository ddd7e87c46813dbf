"""One piece of work that says on standard error where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from openrft.bench.executors import Watcher
from openrft.progress import Progress


@contextmanager
def watched(title: object) -> Iterator[Progress]:
    """Where the work stands, as a bar on a terminal and as a line now and then elsewhere."""
    from rich.console import Console

    from openrft.bench.display import Bars, Lines

    console = Console(stderr=True)
    with Bars([title], console) if console.is_terminal else Lines([title]) as watcher:
        watcher.started(0)
        yield _Telling(watcher)
        watcher.finished(0, True)


class _Telling:
    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self._watcher.update(0, stage, done, total, note)
