"""Metrics in TensorBoard while RL runs: what the log says, no step twice."""

from __future__ import annotations

import pytest

from openrft.errors import UnknownName, UsageError
from openrft.stages.explore import explore
from openrft.tracking import Track
from tests.stages.made import TASK, Trainee, Trainer, explored, work_of


def followed(monkeypatch, tmp_path, trainer):
    work = work_of(monkeypatch, tmp_path / "store", Trainee(lambda messages, i: f"so {i}"), trainer=trainer)
    work.track = Track("tensorboard", tmp_path / "shown")
    return work


def shown(folder):
    """(step, value) of each scalar, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "arm--toy-sums--0"))
    read.Reload()
    return {name: [(e.step, e.value) for e in read.Scalars(name)] for name in read.Tags()["scalars"]}


def test_tensorboard_shows_what_the_log_says(monkeypatch, tmp_path):
    rows, _ = explored(followed(monkeypatch, tmp_path, Trainer(says=lambda step: {"loss": float(step)})))
    found = shown(tmp_path / "shown")
    assert found["loss"] == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert set(found) == set(rows[0]) - {"step"}


def test_a_run_that_goes_on_shows_no_step_twice(monkeypatch, tmp_path):
    def says(step):
        if step == 2 and stop:
            raise KeyboardInterrupt
        return {"loss": float(step)}

    stop = True
    with pytest.raises(KeyboardInterrupt):
        explored(followed(monkeypatch, tmp_path, Trainer(says=says)))
    stop = False
    explored(followed(monkeypatch, tmp_path, Trainer(says=says)))
    assert shown(tmp_path / "shown")["loss"] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_a_result_that_another_run_computed_is_shown_too(monkeypatch, tmp_path):
    work = work_of(monkeypatch, tmp_path / "store", Trainee(lambda messages, i: "so"), trainer=Trainer())
    explored(work)
    work.track = Track("tensorboard", tmp_path / "shown")
    explore(work, TASK.train, ())
    assert work.costs[-1].reused
    assert shown(tmp_path / "shown")["loss"] == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_tracking_is_no_part_of_the_result(monkeypatch, tmp_path):
    explored(followed(monkeypatch, tmp_path, Trainer()))
    work = work_of(monkeypatch, tmp_path / "store", Trainee(lambda messages, i: "so 0"), trainer=Trainer())
    explored(work)
    assert work.costs[-1].reused


def test_a_tracker_that_is_not_there_is_refused_before_any_work(tmp_path, monkeypatch):
    with pytest.raises(UnknownName, match=r"unknown tracker: 'tensorbord'\. Did you mean tensorboard"):
        Track("tensorbord", tmp_path)
    monkeypatch.setattr("openrft.tracking.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"--track wandb: it is not installed\. pip install wandb"):
        Track("wandb", tmp_path)
