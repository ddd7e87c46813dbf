"""A run of RL that was stopped, or whose files were damaged, goes on where it can."""

from __future__ import annotations

import json
import shutil

import pytest

import openrft
from tests.stages.factories import (
    Trainee,
    Trainer,
    half_right,
    make_context,
    run_explore,
    some_teach,
    untimed,
)


class Stopping(Trainer):
    """Remembers a running total; interrupts at a step."""

    stop_at = None

    @openrft.hookimpl
    def train_step(self, policy, rollouts, step, state):
        if step == self.stop_at:
            raise KeyboardInterrupt
        policy.trained += 1
        total = (state or {"total": 0})["total"] + step + 1
        return openrft.HookResult({"total": total}, state={"total": total})


def test_a_stopped_run_goes_on_with_the_plugins_state_and_the_same_draws(monkeypatch, tmp_path):
    def go(store, stop_at=None, dynamic_sampling_retries=2):
        trainer, policy = Stopping(dynamic_sampling_retries=dynamic_sampling_retries), Trainee(some_teach)
        trainer.stop_at = stop_at
        return run_explore(make_context(monkeypatch, tmp_path / store, policy, steps=5, trainer=trainer)), policy

    (straight, counts), whole = go("straight")
    with pytest.raises(KeyboardInterrupt):
        go("stopped", stop_at=3)
    (unfinished,) = tmp_path.glob("stopped/explore/*.part/rollouts.jsonl")
    first = unfinished.read_text().splitlines()[0]
    with unfinished.open("a") as file:  # as if step 3 had been logged, but not saved, when the run was killed
        file.write(first.replace('"step": 0', '"step": 3') + "\n" + first[:50])
    (stopped, counted), rest = go("stopped")
    kept = [next(tmp_path.glob(f"{run}/explore/*/rollouts.jsonl")) for run in ("straight", "stopped")]
    assert kept[0].read_text() == kept[1].read_text()
    assert list(dict.fromkeys(row["step"] for row in map(json.loads, kept[1].read_text().splitlines()))) == [0, 2, 4]
    assert [row["total"] for row in stopped] == [1, 3, 6, 10, 15]
    assert untimed(stopped) == untimed(straight)
    assert counted == counts
    assert rest.drawn == whole.drawn[-len(rest.drawn) :]
    assert rest.trained == 5
    assert not list(tmp_path.glob("*/explore/*.resume"))


@pytest.mark.parametrize("damage", ["checkpoint", "first checkpoint", "log", "half a line"])
def test_damage_is_noticed_and_the_run_begins_where_it_can(monkeypatch, tmp_path, damage):
    def go(stop_at=None):
        trainer = Stopping()
        trainer.stop_at = stop_at
        return run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), steps=4, trainer=trainer))

    with pytest.raises(KeyboardInterrupt):
        go(stop_at=1 if damage == "first checkpoint" else 2)
    (log,) = tmp_path.glob("explore/*.part/metrics.jsonl")
    if "checkpoint" in damage:
        next(tmp_path.glob("explore/*.resume/[12]/trained.txt")).write_text("9")
    elif damage == "log":
        log.write_text(log.read_text().splitlines()[0] + "\n")
    else:
        log.write_text(log.read_text() + '{"step": 2, "rew')
    rows, counts = go()
    assert [row["total"] for row in rows] == [1, 3, 6, 10]
    assert counts["damaged_checkpoints"] == (0 if damage == "half a line" else 1)


def test_a_kill_between_the_result_and_its_cleaning_leaves_nothing(monkeypatch, tmp_path):
    run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=Trainer()))
    (done,) = tmp_path.glob("explore/*/metrics.jsonl")
    leftover = done.parent.with_name(done.parent.name + ".resume")
    shutil.copytree(done.parent, leftover)
    run_explore(make_context(monkeypatch, tmp_path, Trainee(half_right), trainer=Trainer()))
    assert not leftover.exists()
