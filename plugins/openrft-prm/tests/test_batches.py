from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from openrft_prm.batches import by_width, in_order

LENGTHS, TOKENS = st.lists(st.integers(1, 300), max_size=60), st.integers(1, 2000)


def test_widths_by_hand() -> None:
    assert by_width([5, 20, 16, 40], tokens=40) == [(48, [3]), (32, [1]), (16, [0, 2])]
    assert by_width([], tokens=10) == []


@given(LENGTHS, TOKENS)
def test_every_input_once_and_within_the_budget(lengths: list[int], tokens: int) -> None:
    found = by_width(lengths, tokens)
    assert sorted(i for _, rows in found for i in rows) == list(range(len(lengths)))
    for width, rows in found:
        assert len(rows) == 1 or width * len(rows) <= tokens
        assert all(lengths[i] <= width < lengths[i] + 16 for i in rows)


def test_runs_by_hand() -> None:
    assert in_order([30, 10, 1, 50, 40], tokens=40) == [[0, 1], [2], [3], [4]]
    assert in_order([], tokens=10) == []


@given(LENGTHS, TOKENS)
def test_runs_keep_the_order_and_the_budget(sizes: list[int], tokens: int) -> None:
    runs = in_order(sizes, tokens)
    assert [i for run in runs for i in run] == list(range(len(sizes)))
    assert all(len(run) == 1 or sum(sizes[i] for i in run) <= tokens for run in runs)
    assert all(sum(sizes[i] for i in run) + sizes[after[0]] > tokens for run, after in itertools.pairwise(runs))
