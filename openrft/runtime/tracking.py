"""Trackers: show the metrics of RL in TensorBoard, W&B or MLflow while it runs, through accelerate.

The run's metrics file has the same metrics. Tracking changes no result, so it is not part of a plan.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock

from openrft.errors import UnknownName, UsageError
from openrft.runtime.files import report_disk_errors
from openrft.types import content_id

logger = logging.getLogger(__name__)

TRACKERS = ("tensorboard", "wandb", "mlflow")  # each is also the name of the package it needs
PROJECT = "openrft"
Log = Callable[[Mapping[str, Any]], None]  # takes a row of metrics with its "step"


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """Which tracker, and where its files go, unless the environment variables of W&B or MLflow say otherwise."""

    tracker: str
    folder: Path

    def __post_init__(self) -> None:
        """Raises UnknownName for a tracker that does not exist, and UsageError for one that is not installed."""
        if self.tracker not in TRACKERS:
            raise UnknownName("tracker", self.tracker, TRACKERS)
        if find_spec(self.tracker) is None:
            raise UsageError(f"--track {self.tracker}: it is not installed.", f"pip install {self.tracker}")


@contextmanager
def open_tracker(track: TrackerConfig | None, run: str, key: str, first: int) -> Iterator[Log]:
    """A function that logs to the tracker; it does nothing without one.

    `run` names the run, `key` is its identity. A run that was stopped continues at step `first`: TensorBoard drops that
    step and later ones, W&B continues the same run, MLflow begins another.
    """
    if track is None:
        yield lambda row: None
        return
    with report_disk_errors(track.folder):
        track.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(track.folder / ".lock"):  # arms start in parallel, and MLflow then makes its database
            tracker = _tracker(track, run, key, first)
            tracker.start()
    logger.info("metrics of %s go to %s from step %d", run, track.tracker, first)
    try:
        yield lambda row: tracker.log({k: v for k, v in row.items() if k != "step"}, step=row["step"])
    finally:
        tracker.finish()


def _tracker(track: TrackerConfig, run: str, key: str, first: int) -> Any:
    from accelerate.state import PartialState
    from accelerate.tracking import MLflowTracker, TensorBoardTracker, WandBTracker

    PartialState()  # accelerate's logger, which its trackers use, needs it
    if track.tracker == "tensorboard":
        return TensorBoardTracker(run, track.folder, purge_step=first)
    if track.tracker == "wandb":
        return WandBTracker(PROJECT, name=run, id=content_id(run, key), resume="allow", dir=str(track.folder))
    import mlflow

    if "MLFLOW_TRACKING_URI" not in os.environ:
        mlflow.set_tracking_uri(f"sqlite:///{track.folder.absolute()}/mlflow.db")
    return MLflowTracker(PROJECT, logging_dir=str(track.folder), run_name=run)
