"""The tokens that end steps (byte tokens, and tokens that span newlines), and how sequences are split into batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_rl.batch import StepEndFinder, TrainingSequence, pad_field, split_micro_batches, split_mini_batches

import openrft

PIECES = ["", "<end>", "a", "b", "\n", "\n\n", ".\nSo", " ", "a\nb\n", "é", "\r\n"]
END = 1


def decode(ids):
    return "".join(PIECES[i] for i in ids if i != END)


def ends(*ids):
    return StepEndFinder(decode).find(ids, decode(ids))


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ((2, 4, 3, END), [1, 3]),  # the newline ends the first line, the end token the last
        ((2, 4, 3), [1, 2]),  # cut off by the budget
        ((2, 4, 3, 4, END), [1, 3]),  # what follows the last newline belongs to no step
        ((2, 5, 3, END), [1, 3]),  # one token holds both newlines; the line between is empty
        ((2, 6, 3, END), [1, 3]),  # a token with the end of one line and the beginning of the next
        ((8, END), [0, 0]),  # one token ends two steps
        ((4, 4, 2, END), [3]),  # empty lines first
        ((2, 4, 7, 4, 3, END), [1, 5]),  # a line of blanks is no step
        ((2, 10, 3), [1, 2]),  # the token with \r\n
        ((END,), []),  # nothing was said
        ((4, 4, END), []),
    ],
)
def test_by_hand(ids, expected):
    assert ends(*ids) == expected


@given(st.lists(st.integers(1, len(PIECES) - 1), min_size=1, max_size=20))
def test_one_end_a_step_in_order_and_each_within_its_line(ids):
    text = decode(ids)
    found = ends(*ids)
    assert len(found) == len(openrft.split_steps(text))
    assert found == sorted(found)
    for end, step in zip(found, openrft.split_steps(text), strict=True):
        assert step in decode(ids[: end + 1])


def test_a_decoder_that_treats_tokens_alone_otherwise_is_asked_for_every_prefix():
    def stripping(ids):  # drops what is blank at the beginning, as some decoders do
        return decode(ids).lstrip()

    ids = (2, 4, 3, 4, 2, END)
    assert StepEndFinder(stripping).find(ids, stripping(ids)) == [1, 3, 5]


def test_the_marks_of_a_thought_are_no_steps_and_shift_none():
    """The prompt ended with "<think>" and a newline; the mark in front of the text has no token and no newline."""
    ids = (2, 4, 3, 4, 2, END)
    assert StepEndFinder(decode).find(ids, "<think>" + decode(ids)) == [1, 3, 5]
    assert StepEndFinder(decode).find(ids, "<think>a\n</think>\na") == [1, 5]  # a line with nothing but a mark
    assert StepEndFinder(decode).find((4, 2, END), "<think>\na") == [2]


def test_real_byte_tokens_with_characters_of_several_bytes(tmp_path):
    from transformers import AutoTokenizer

    from openrft.testing import write_tiny_checkpoint

    tokenizer = AutoTokenizer.from_pretrained(write_tiny_checkpoint(tmp_path))
    text = "é = 1\n\n日本\n\\boxed{A}"
    ids = [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
    found = StepEndFinder(lambda some: tokenizer.decode(some, skip_special_tokens=True)).find(ids, text)
    data = text.encode()
    assert found == [data.index(b"\n"), data.rindex(b"\n"), len(ids) - 1]


def sequence(index, group, prompt, length):
    return TrainingSequence(index, group, prompt, (7,) * length, 1.0, (1.0,), (), None)


def test_rewards_are_earned_where_steps_end():
    built = TrainingSequence(0, "a", (5,), (7,) * 4, 1.0, (0.1, 0.2, 0.7), (1, 3), None)
    assert built.token_rewards() == pytest.approx([0.0, 0.1, 0.0, 0.9])


def test_mini_batches_hold_whole_groups():
    sequences = [sequence(i, i // 2, (5,), 3) for i in range(10)]
    assert split_mini_batches(sequences, 1, seed=0) == [sequences]
    batches = split_mini_batches(sequences, 3, seed=0)
    assert sorted(s.index for batch in batches for s in batch) == list(range(10))
    groups = [{s.group for s in batch} for batch in batches]
    assert sum(map(len, groups)) == 5
    assert len(split_mini_batches(sequences, 9, seed=0)) == 5  # no more mini-batches than groups


def test_micro_batches_stay_within_the_budget_and_count_a_prompt_once():
    sequences = [sequence(i, i // 4, (5, i // 4), 3) for i in range(8)]
    batches = list(split_micro_batches(sequences, 2 + 4 * 3))
    assert [[s.index for s in batch] for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [len(batch) for batch in split_micro_batches(sequences, 1)] == [1] * 8


def test_a_field_that_was_not_computed_is_named():
    with pytest.raises(ValueError, match="ref_logprobs has not been computed"):
        pad_field([sequence(0, "a", (5,), 3)], "ref_logprobs")
