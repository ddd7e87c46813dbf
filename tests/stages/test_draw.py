"""How the questions of RL's steps are drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openrft.stages.draw import draw_step_samples
from openrft.testing import toy_task

TRAIN = toy_task(7, 1).train


@given(st.integers(1, 10), st.integers(0, 5))
def test_every_question_comes_once_an_epoch(size, seed):
    size = min(size, 7)
    drawn = [s.id for step in range(7) for s in draw_step_samples(TRAIN, size, step, seed)]
    for epoch in range(size):
        assert sorted(drawn[7 * epoch : 7 * epoch + 7]) == sorted(s.id for s in TRAIN)


def test_epochs_differ_and_seeds_differ():
    orders = {tuple(s.id for s in draw_step_samples(TRAIN, 7, step, seed)) for step in range(3) for seed in range(3)}
    assert len(orders) == 9
