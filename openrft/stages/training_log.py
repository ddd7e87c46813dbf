"""The journal of a run of RL: a row of metrics a step, and checkpoints that a stopped run goes on from.

A run that is killed at any moment, also while it writes here, goes on from its newest whole checkpoint.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openrft.policies.base import TrainablePolicy
from openrft.runtime.files import write_atomic
from openrft.runtime.store import is_intact, resume_folder, write_checksums
from openrft.stages.context import StageStats

METRICS_FILE = "metrics.jsonl"


class TrainingLog:
    """Where one run of RL stands, on disk."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / METRICS_FILE
        self._checkpoints = resume_folder(folder)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a step's row to the log, at once."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row, allow_nan=False) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """The log's rows; without a last one that a killed run left unfinished."""
        text = self._log.read_text("utf-8") if self._log.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def save(self, step: int, policy: TrainablePolicy, stats: StageStats, states: Mapping[str, Any]) -> None:
        """A checkpoint before `step`: written aside, renamed when whole, and only then the older ones removed."""
        aside = self._checkpoints / "aside"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        policy.save_training_state(aside)
        state = {"tokens": stats.tokens, "counts": stats.counts, "plugins": states}
        (aside / "state.json").write_text(json.dumps(state), encoding="utf-8")
        write_checksums(aside)
        shutil.rmtree(self._checkpoints / str(step), ignore_errors=True)  # a damaged one that was not gone on from
        aside.rename(self._checkpoints / str(step))
        for old in self._checkpoints.iterdir():
            if old.name != str(step):
                shutil.rmtree(old)

    def restore(self, policy: TrainablePolicy, stats: StageStats) -> tuple[int, Mapping[str, Any]]:
        """Put policy, tally and log back to the newest whole checkpoint: the step to go on with, and the plugins'
        states. Without one: step 0 and an empty log."""
        rows, damaged = self.rows(), 0
        for folder in sorted(self._found(), key=lambda f: -int(f.name)):
            step = int(folder.name)
            if len(rows) >= step and is_intact(folder):
                return step, self._loaded(folder, rows[:step], policy, stats, damaged)
            damaged += 1
        self._log.unlink(missing_ok=True)
        stats.count("damaged_checkpoints", damaged)
        return 0, {}

    def _loaded(
        self, folder: Path, rows: list[dict[str, Any]], policy: TrainablePolicy, stats: StageStats, damaged: int
    ) -> Mapping[str, Any]:
        policy.load_training_state(folder)
        saved = json.loads((folder / "state.json").read_text("utf-8"))
        stats.tokens, stats.counts = saved["tokens"], saved["counts"]
        stats.count("damaged_checkpoints", damaged)
        stats.earlier_seconds = sum(v for row in rows for k, v in row.items() if k.startswith("seconds."))
        write_atomic(self._log, "".join(json.dumps(row) + "\n" for row in rows))
        states: Mapping[str, Any] = saved["plugins"]
        return states

    def _found(self) -> list[Path]:
        return [f for f in self._checkpoints.glob("*") if f.name.isdigit()]
