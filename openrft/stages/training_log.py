"""The log of an RL run: one row of metrics per step, rollouts of some steps, and checkpoints from which a stopped run
continues.

A run that is killed at any moment, even while it writes here, continues from its newest complete checkpoint.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openrft.policies.base import TrainablePolicy
from openrft.runtime.files import LONE_SURROGATES, write_atomic
from openrft.runtime.ranks import current_ranks
from openrft.runtime.store import is_intact, resume_folder, write_checksums
from openrft.stages.context import StageStats
from openrft.types import Rollout, to_json

logger = logging.getLogger(__name__)

METRICS_FILE = "metrics.jsonl"
ROLLOUTS_FILE = "rollouts.jsonl"
MOST_ROLLOUTS = 64  # of a step that are kept, in whole groups if one group is not larger
MOST_CHARACTERS = 400_000  # of their texts


def choose_kept_steps(steps: int, count: int) -> frozenset[int]:
    """The numbers of the steps whose rollouts are kept: the last, the first, and others evenly between."""
    if count < 2:
        return frozenset(range(steps)[-1:] if count else ())
    return frozenset(round(n * (steps - 1) / (count - 1)) for n in range(count))


def choose_kept_rollouts(rollouts: Sequence[Rollout]) -> list[Rollout]:
    """Whole groups of rollouts within the limits; of a group that exceeds them alone, the beginning."""
    kept: list[Rollout] = []
    room = MOST_CHARACTERS
    for name in dict.fromkeys(rollout.sample.id for rollout in rollouts):
        group = [rollout for rollout in rollouts if rollout.sample.id == name]
        room -= sum(len(rollout.completion.text) for rollout in group)
        if kept and (room < 0 or len(kept) + len(group) > MOST_ROLLOUTS):
            break
        kept += group[:MOST_ROLLOUTS]
    return kept


class TrainingLog:
    """The log and the checkpoints of one RL run on disk."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / METRICS_FILE
        self._rollouts = folder / ROLLOUTS_FILE
        self._checkpoints = resume_folder(folder)

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a step's row to the log."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row, allow_nan=False) + "\n")

    def write_rollouts(self, step: int, rollouts: Sequence[Rollout]) -> None:
        """Append some rollouts of a step, for the report. Their tokens and log-probabilities are left out."""
        with self._rollouts.open("a", encoding="utf-8", errors=LONE_SURROGATES) as kept:
            for rollout in choose_kept_rollouts(rollouts):
                short = replace(rollout, completion=replace(rollout.completion, tokens=(), logprobs=(), inserted=()))
                kept.write(json.dumps({"step": step, **to_json(short)}, ensure_ascii=False, sort_keys=True) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """The log's rows, without a last row that a killed run left incomplete."""
        return [json.loads(line) for line in _read_whole_lines(self._log)]

    def save(self, step: int, policy: TrainablePolicy, stats: StageStats, states: Mapping[str, Any]) -> None:
        """Write a checkpoint before `step`: first to another folder, then renamed. Older ones are removed last.

        Only rank 0 writes one, as all ranks hold the same.
        """
        if not current_ranks().first:
            return
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
        self._rollouts.unlink(missing_ok=True)
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
        kept = [line for line in _read_whole_lines(self._rollouts) if json.loads(line)["step"] < len(rows)]
        if kept:
            write_atomic(self._rollouts, "".join(kept))
        else:
            self._rollouts.unlink(missing_ok=True)
        states: Mapping[str, Any] = saved["plugins"]
        return states

    def _found(self) -> list[Path]:
        return [f for f in self._checkpoints.glob("*") if f.name.isdigit()]


def _read_whole_lines(file: Path) -> list[str]:
    """A file's lines with their ends, without a last one that a killed run left incomplete."""
    text = file.read_text("utf-8") if file.exists() else ""
    return [f"{line}\n" for line in text.split("\n")[:-1]]  # not splitlines, which also breaks at U+2028


def find_kept_rollouts(metrics: Path | None) -> Path | None:
    """The path of the kept rollouts of an RL run, in the folder of its metrics; None if none were kept."""
    file = metrics.with_name(ROLLOUTS_FILE) if metrics else None
    return file if file and file.is_file() else None
