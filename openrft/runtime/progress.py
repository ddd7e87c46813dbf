"""The protocol for reporting progress, so that no stage needs to know about terminals or workers."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives progress reports."""

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of `stage` are finished; `note` is a few words, e.g. "reward 0.62"."""
        ...


class NoProgress:
    """Ignores progress reports."""

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Does nothing."""
