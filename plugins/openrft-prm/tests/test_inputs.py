"""How inputs are batched: within the budget, every input once, an input's width its own."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from openrft_prm.inputs import batch_by_width, batch_in_order

LENGTHS, TOKENS = st.lists(st.integers(1, 300), max_size=60), st.integers(1, 2000)


def test_widths_by_hand() -> None:
    assert batch_by_width([5, 20, 16, 40], tokens=40) == [(48, [3]), (32, [1]), (16, [0, 2])]
    assert batch_by_width([], tokens=10) == []


@given(LENGTHS, TOKENS)
def test_every_input_once_and_within_the_budget(lengths: list[int], tokens: int) -> None:
    found = batch_by_width(lengths, tokens)
    assert sorted(i for _, rows in found for i in rows) == list(range(len(lengths)))
    for width, rows in found:
        assert len(rows) == 1 or width * len(rows) <= tokens
        assert all(lengths[i] <= width < lengths[i] + 16 for i in rows)


def test_batches_in_order_by_hand() -> None:
    assert batch_in_order([30, 10, 1, 50, 40], tokens=40) == [[0, 1], [2], [3], [4]]
    assert batch_in_order([], tokens=10) == []


@given(LENGTHS, TOKENS)
def test_batches_in_order_keep_the_order_and_the_budget(sizes: list[int], tokens: int) -> None:
    batches = batch_in_order(sizes, tokens)
    assert [i for batch in batches for i in batch] == list(range(len(sizes)))
    assert all(len(batch) == 1 or sum(sizes[i] for i in batch) <= tokens for batch in batches)
    assert all(sum(sizes[i] for i in batch) + sizes[after[0]] > tokens for batch, after in itertools.pairwise(batches))
