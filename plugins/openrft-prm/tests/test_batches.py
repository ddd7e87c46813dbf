from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from openrft_prm.batches import batches


def test_widths_by_hand() -> None:
    assert batches([5, 20, 16, 40], tokens=40) == [(48, [3]), (32, [1]), (16, [0, 2])]
    assert batches([], tokens=10) == []


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 2000))
def test_every_input_once_and_within_the_budget(lengths: list[int], tokens: int) -> None:
    found = batches(lengths, tokens)
    assert sorted(i for _, rows in found for i in rows) == list(range(len(lengths)))
    for width, rows in found:
        assert len(rows) == 1 or width * len(rows) <= tokens
        assert all(lengths[i] <= width < lengths[i] + 16 for i in rows)
