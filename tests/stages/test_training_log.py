"""Which rollouts of RL are kept for the report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.stages import training_log
from openrft.stages.training_log import choose_kept_rollouts, choose_kept_steps
from openrft.types import Completion, Rollout, Sample


@pytest.mark.parametrize(
    ("steps", "count", "kept"),
    [
        (16, 3, {0, 8, 15}),
        (16, 2, {0, 15}),
        (16, 1, {15}),
        (16, 0, set()),
        (2, 3, {0, 1}),
        (1, 3, {0}),
        (5, 9, {*range(5)}),
    ],
)
def test_the_last_the_first_and_some_between(steps: int, count: int, kept: set[int]) -> None:
    assert choose_kept_steps(steps, count) == kept


def make_rollouts(groups: int, size: int, length: int) -> list[Rollout]:
    return [
        Rollout(Sample(f"q{n}", "1", kind="number"), (), Completion("x" * length))
        for n in range(groups)
        for _ in range(size)
    ]


def test_whole_groups_up_to_a_number() -> None:
    assert len(choose_kept_rollouts(make_rollouts(9, 8, 1))) == 64
    assert len(choose_kept_rollouts(make_rollouts(9, 24, 1))) == 48
    assert len(choose_kept_rollouts(make_rollouts(2, 100, 1))) == 64  # a group that exceeds it alone
    assert choose_kept_rollouts([]) == []


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 40))
def test_long_answers_are_kept_up_to_a_number_of_characters(groups: int, size: int, length: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training_log, "MOST_CHARACTERS", 100)
        kept = choose_kept_rollouts(make_rollouts(groups, size, length))
    assert len(kept) % size == 0
    assert len(kept) == size or sum(len(r.completion.text) for r in kept) <= 100
    assert len(kept) == groups * size or len(kept) * length + size * length > 100
