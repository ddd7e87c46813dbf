"""Demonstrations that fade during RL, and that the evaluation then does not show."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import openrft
from openrft.stages.explore import explore
from openrft.stages.retrieve import (
    build_demonstration_pool,
    compute_demonstration_share,
    list_evaluated_demonstrators,
)
from openrft.tasks.prompt import box_answer
from tests.stages.factories import TASK, Trainee, Trainer, make_context

POOL = build_demonstration_pool(TASK.train, ())


class Shower:
    """Shows one demonstration of another sample."""

    def __init__(self, share=1.0, fade=None):
        self.demonstration_share, self.demonstration_fade, self.asked = share, fade, []

    @openrft.hookimpl
    def retrieve(self, samples, pool):
        self.asked.append(len(samples))
        return [[next(d for d in pool if d.sample.root_id != s.root_id)] for s in samples]


class Watcher(Trainer):
    """Remembers which questions of each step had demonstrations."""

    @openrft.hookimpl
    def train_step(self, policy, rollouts, step):
        self.shown.append({r.sample.id: bool(r.demonstration_ids) for r in rollouts})
        return self.says(step)


def wrong(messages, i):
    return f"so\n{box_answer('B') if i else 'well'}"


def run(monkeypatch, store, shower, steps):
    watcher = Watcher()
    context = make_context(
        monkeypatch, store, Trainee(wrong), steps=steps, prompts_per_step=12, trainer=watcher, shower=shower
    )
    file = explore(context, TASK.train, POOL)
    return context, watcher.shown, [json.loads(line) for line in file.read_text().splitlines()]


def test_the_share_falls_by_equal_amounts_to_none():
    assert [compute_demonstration_share(1.0, 1.0, step, 4) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]
    half_way = [compute_demonstration_share(0.5, 0.5, step, 8) for step in range(6)]
    assert half_way == [0.5, 0.375, 0.25, 0.125, 0, 0]
    assert {compute_demonstration_share(0.3, None, step, 4) for step in range(4)} == {0.3}


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.integers(1, 200))
def test_a_share_never_grows_and_ends_at_none(share, fade, steps):
    shares = [compute_demonstration_share(share, fade, step, steps) for step in range(steps + 1)]
    assert shares[0] == share
    assert all(later <= earlier for earlier, later in pairwise(shares))
    assert shares[-1] == 0


def test_rl_shows_fewer_demonstrations_at_each_step_and_the_evaluation_none(monkeypatch, tmp_path):
    shower = Shower(fade=0.5)
    context, shown, rows = run(monkeypatch, tmp_path, shower, steps=8)
    shares = [sum(step.values()) / len(step) for step in shown]
    assert shares[0] == 1
    assert 0 < shares[1] < 1
    assert 0 < shares[3] < shares[1]
    assert shares[4:] == [0, 0, 0, 0]
    assert [row["with_demonstrations"] for row in rows] == shares
    assert sum(shower.asked) == sum(sum(step.values()) for step in shown)  # nothing is looked up for the others
    assert list_evaluated_demonstrators(context) == []


def test_every_question_of_every_step_has_a_draw_of_its_own(monkeypatch, tmp_path):
    again = [run(monkeypatch, tmp_path / name, Shower(share=0.5), steps=3)[1] for name in "ab"]
    assert again[0] == again[1]
    steps = again[0]
    assert all(0 < sum(step.values()) < len(step) for step in steps)
    assert steps[0] != steps[1]  # every step asks all twelve questions


@pytest.mark.parametrize("named", ["demonstration_share", "demonstration_fade"])
@pytest.mark.parametrize("value", [0, 1.5, "half", True])
def test_a_share_that_is_none_is_refused(monkeypatch, tmp_path, named, value):
    shower = Shower()
    setattr(shower, named, value)
    with pytest.raises(openrft.PluginError, match=f"shower.*{named} is {value!r}"):
        make_context(monkeypatch, tmp_path, Trainee(wrong), trainer=Trainer(), shower=shower)


def test_without_fading_all_stay_and_the_evaluation_shows_them(monkeypatch, tmp_path):
    context, shown, rows = run(monkeypatch, tmp_path, Shower(), steps=2)
    assert all(all(step.values()) for step in shown)
    assert {row["with_demonstrations"] for row in rows} == {1.0}
    assert list_evaluated_demonstrators(context) == ["shower"]
