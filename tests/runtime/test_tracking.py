"""Metrics in TensorBoard, W&B and MLflow while RL runs: what the log says, no step twice."""

from __future__ import annotations

import json
import struct
import time

import pytest

from openrft.errors import UnknownName, UsageError
from openrft.runtime.tracking import TrackerConfig
from openrft.stages.explore import explore
from tests.stages.factories import TASK, Trainee, Trainer, make_context, run_explore


def followed(monkeypatch, tmp_path, trainer, tracker="tensorboard"):
    context = make_context(monkeypatch, tmp_path / "store", Trainee(lambda messages, i: f"so {i}"), trainer=trainer)
    context.track = TrackerConfig(tracker, tmp_path / "shown")
    return context


def shown(folder):
    """(step, value) of each scalar, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "arm--toy-sums--0"))
    read.Reload()
    return {name: [(e.step, e.value) for e in read.Scalars(name)] for name in read.Tags()["scalars"]}


def test_tensorboard_shows_what_the_log_says(monkeypatch, tmp_path):
    rows, _ = run_explore(followed(monkeypatch, tmp_path, Trainer(says=lambda step: {"loss": float(step)})))
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
        run_explore(followed(monkeypatch, tmp_path, Trainer(says=says)))
    stop = False
    run_explore(followed(monkeypatch, tmp_path, Trainer(says=says)))
    assert shown(tmp_path / "shown")["loss"] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_a_result_that_another_run_computed_is_shown_too(monkeypatch, tmp_path):
    context = make_context(monkeypatch, tmp_path / "store", Trainee(lambda messages, i: "so"), trainer=Trainer())
    run_explore(context)
    context.track = TrackerConfig("tensorboard", tmp_path / "shown")
    explore(context, TASK.train, ())
    assert context.stage_records[-1].reused
    assert shown(tmp_path / "shown")["loss"] == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_wandb_keeps_what_the_log_says(monkeypatch, tmp_path):
    """Offline, as where there is no account; the file is what `wandb sync` sends."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    rows, _ = run_explore(followed(monkeypatch, tmp_path, Trainer(says=lambda step: {"loss": float(step)}), "wandb"))
    (file,) = (tmp_path / "shown").rglob("*.wandb")
    expected, until = [(row["step"], row["loss"]) for row in rows], time.monotonic() + 60
    while wandb_rows(file) != expected and time.monotonic() < until:
        time.sleep(0.1)  # a process of W&B's own writes the file
    assert wandb_rows(file) == expected


def wandb_rows(file):
    """(step, loss) of each row in W&B's own file: 7 bytes, then records, each after its checksum, length and kind."""
    from wandb.proto import wandb_internal_pb2

    content, at, found = file.read_bytes(), 7, []
    while at + 7 <= len(content):
        _, length, kind = struct.unpack_from("<IHB", content, at)
        if at + 7 + length > len(content):
            break  # it is being written
        assert kind == 1  # a whole record: only longer ones are cut
        record = wandb_internal_pb2.Record.FromString(content[at + 7 : at + 7 + length])
        if record.WhichOneof("record_type") == "history":
            notices = {
                item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
            }
            found.append((record.history.step.num, notices["loss"]))
        at += 7 + length
    return found


def test_mlflow_keeps_what_the_log_says(monkeypatch, tmp_path):
    """Without a server it keeps a database beside the run."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run_explore(followed(monkeypatch, tmp_path, Trainer(says=lambda step: {"loss": float(step)}), "mlflow"))
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/shown/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'openrft'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "arm--toy-sums--0"
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] == [(0, 0), (1, 1), (2, 2)]


def test_tracking_is_no_part_of_the_result(monkeypatch, tmp_path):
    run_explore(followed(monkeypatch, tmp_path, Trainer()))
    context = make_context(monkeypatch, tmp_path / "store", Trainee(lambda messages, i: "so 0"), trainer=Trainer())
    run_explore(context)
    assert context.stage_records[-1].reused


def test_a_tracker_that_is_not_there_is_refused_before_any_work(tmp_path, monkeypatch):
    with pytest.raises(UnknownName, match=r"unknown tracker: 'tensorbord'\. Did you mean tensorboard"):
        TrackerConfig("tensorbord", tmp_path)
    monkeypatch.setattr("openrft.runtime.tracking.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"--track wandb: it is not installed\. pip install wandb"):
        TrackerConfig("wandb", tmp_path)
