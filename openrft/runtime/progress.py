"""How long work says where it stands: one small protocol, so that no stage knows about terminals or workers."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives where the work stands."""

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of `stage` are finished; `note` is a few words, e.g. "reward 0.62"."""
        ...


class NoProgress:
    """Says nothing."""

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Nothing."""
