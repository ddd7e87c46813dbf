"""Shuffling keeps the gold text, and leaves alone what speaks of places."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_augment.shuffling import can_shuffle, shuffle_options

from openrft import Sample


@given(st.lists(st.text(max_size=8), min_size=2, max_size=8), st.data(), st.integers())
def test_the_gold_text_follows_its_letter(options: list[str], data: st.DataObject, seed: int) -> None:
    answer = data.draw(st.sampled_from("ABCDEFGH"[: len(options)]))
    sample = Sample("q", answer, tuple(options))
    other = shuffle_options(sample, random.Random(seed))
    assert other.gold == sample.gold
    assert sorted(other.options) == sorted(sample.options)


@pytest.mark.parametrize(
    "option",
    [
        "All of the above", "None of these", "none of the above.", "Both A and B", "A and C only", "Neither A nor B",
        "only B", "B only", "Options A and D", "both of them", "A, B", "A & B", "all the above", "Both are correct",
        "(A) and (B)", "All of the options",
    ],
)  # fmt: skip
def test_options_that_speak_of_places_stay(option: str) -> None:
    assert not can_shuffle(Sample("q", "A", ("x", "y", "z", option)))


@pytest.mark.parametrize(
    "option",
    [
        "All metals",
        "none",
        "A covalent bond",
        "vitamin A",
        "both electrons and holes",
        "N and O",
        "AB",
        "I and II",
        "CC(C)/C=C/C(=O)B",
    ],
)
def test_other_options_move(option: str) -> None:
    assert can_shuffle(Sample("q", "A", ("x", "y", "z", option)))


def test_a_question_that_points_at_an_option_keeps_their_order() -> None:
    assert not can_shuffle(Sample("Why is option B wrong?", "A", ("x", "y")))
    assert can_shuffle(Sample("Which option is a metal?", "A", ("x", "y")))
    assert not can_shuffle(Sample("How much?", "5", kind="number"))
