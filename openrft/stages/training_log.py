"""The log of an RL run: one row of metrics per step, and checkpoints from which a stopped run continues.

A run that is killed at any moment, even while it writes here, continues from its newest complete checkpoint.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openrft.policies.base import TrainablePolicy
from openrft.runtime.files import write_atomic
from openrft.runtime.store import is_intact, resume_folder, write_checksums
from openrft.stages.context import StageStats

logger = logging.getLogger(__name__)

METRICS_FILE = "metrics.jsonl"


class TrainingLog:
    """The log and the checkpoints of one RL run on disk."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / METRICS_FILE
        self._checkpoints = resume_folder(folder)

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a step's row to the log."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row, allow_nan=False) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """The log's rows, without a last row that a killed run left incomplete."""
        text = self._log.read_text("utf-8") if self._log.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def save(self, step: int, policy: TrainablePolicy, stats: StageStats, states: Mapping[str, Any]) -> None:
        """Write a checkpoint before `step`: first to another folder, then renamed. Older ones are removed last."""
        aside = self._checkpoints / "aside"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        policy.save_training_state(aside)
        state = {"tokens": stats.tokens, "counts": stats.counts, "plugins": states}
        (aside / "state.json").write_text(json.dumps(state), encoding="utf-8")
        write_checksums(aside)
        shutil.rmtree(self._checkpoints / str(step), ignore_errors=True)  # a damaged one of an earlier attempt
        aside.rename(self._checkpoints / str(step))
        for old in self._checkpoints.iterdir():
            if old.name != str(step):
                shutil.rmtree(old)

    def restore(self, policy: TrainablePolicy, stats: StageStats) -> tuple[int, Mapping[str, Any]]:
        """Restore policy, stats and log from the newest complete checkpoint. Returns the step to continue with and the
        plugins' states. Without a checkpoint: step 0 and an empty log."""
        rows, damaged = self.rows(), 0
        for folder in sorted(self._found(), key=lambda f: -int(f.name)):
            step = int(folder.name)
            if len(rows) >= step and is_intact(folder):
                logger.info("RL continues at step %d, from the checkpoint in %s", step, folder)
                return step, self._load(folder, rows[:step], policy, stats, damaged)
            logger.info("the checkpoint in %s is damaged: it is passed over", folder)
            damaged += 1
        self._log.unlink(missing_ok=True)
        stats.count("damaged_checkpoints", damaged)
        return 0, {}

    def _load(
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
