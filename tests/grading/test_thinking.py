"""Thoughts as models write them: what is left without them, where a text ends inside one, and the steps of both."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.grading.extract import final_answer
from openrft.grading.thinking import (
    MARKS,
    SENTENCES,
    ThoughtAndAnswer,
    find_marks,
    find_opening,
    number_steps,
    split_steps,
    split_thought,
    strip_thinking,
)

pairs = pytest.mark.parametrize("marks", MARKS, ids=[opening for opening, _ in MARKS])


@pairs
def test_what_is_written_inside_a_thought_is_no_answer(marks):
    opening, closing = marks
    thought = f"{opening}perhaps \\boxed{{A}}"
    assert split_thought(f"{thought}{closing}so \\boxed{{B}}") == ThoughtAndAnswer(
        "perhaps \\boxed{A}", "so \\boxed{B}", False
    )
    assert final_answer(f"{thought}{closing}so \\boxed{{B}}") == "B"
    assert final_answer(thought) is None
    assert split_thought(thought).unfinished
    if marks != SENTENCES:  # which mean something at the start alone
        assert final_answer(f"\\boxed{{A}} {thought}") == "A"  # an answer before a thought that was begun anew


@pairs
def test_a_closing_mark_alone_ends_a_thought_that_the_prompt_opened(marks):
    closing = marks[1]
    if closing == "<|end|>":  # of other formats it is the end of a turn
        assert strip_thinking("\\boxed{A}<|end|>") == "\\boxed{A}<|end|>"
        return
    if marks == SENTENCES:
        return
    assert strip_thinking(f"\\boxed{{A}}{closing}\\boxed{{B}}") == "\\boxed{B}"
    assert strip_thinking(f"a{closing}b{closing}c") == "c"
    assert strip_thinking(f"{marks[0]}a{closing}b{closing}c") == "c"


def test_sentences_mark_a_thought_only_where_a_completion_begins_with_them():
    opening, closing = SENTENCES
    assert split_thought(f"{opening} is it A?\n\n{closing}\nIt is B.") == ThoughtAndAnswer(
        " is it A?\n\n", "\nIt is B.", False
    )
    assert split_thought(f"{opening} perhaps A").unfinished
    for text in (f"B. {opening} iron is light.", f"{closing} B", f"B\n{closing} it is B"):
        assert split_thought(text) == ThoughtAndAnswer("", text, False)
    system = f"Write your thoughts after '{opening}' and your response after '{closing}'."
    assert find_marks(system) == SENTENCES
    assert split_steps(f"{opening} first\nsecond\n{closing}\nB") == [" first", "second", "B"]


def test_the_channels_of_gpt_oss_are_read_with_and_without_their_special_tokens():
    final = "<|start|>assistant<|channel|>final<|message|>\\boxed{B}"
    assert strip_thinking(f"<|channel|>analysis<|message|>\\boxed{{A}}<|end|>{final}") == "\\boxed{B}"
    assert strip_thinking("<|channel|>final<|message|>\\boxed{B}") == "\\boxed{B}"
    assert split_thought("analysisTry A.assistantfinalIt is B.") == ThoughtAndAnswer("Try A.", "It is B.", False)
    assert strip_thinking("analysis of the sample: B") == "analysis of the sample: B"


def test_the_lines_of_a_thought_are_steps_and_its_marks_are_not():
    text = "<think>\nFirst.\n\nSecond.\n</think>\n\nThird.\n\\boxed{B}"
    assert number_steps(text) == {1: "First.", 3: "Second.", 6: "Third.", 7: "\\boxed{B}"}
    assert split_steps("<think>First.\n</think>") == ["First."]  # the prompt ended with the mark and a newline
    assert split_steps("a\n\n  \nb\n") == ["a", "b"]
    assert split_steps("<|channel|>analysis<|message|>a\nb<|end|>") == ["a", "b"]


words = st.lists(st.sampled_from(["so ", "\n", "\\boxed{A}", "x", *(mark for pair in MARKS for mark in pair)]))


@given(words.map("".join))
def test_every_character_is_thought_answer_or_mark(text):
    found = split_thought(text)
    assert strip_thinking(text) == found.answer
    assert len(found.thought) + len(found.answer) <= len(text)
    assert found.answer.count("\\boxed{A}") + found.thought.count("\\boxed{A}") <= text.count("\\boxed{A}")
    assert all(step.strip() for step in split_steps(text))
    assert "\n" not in "".join(split_steps(text))
    if not any(mark in text for pair in MARKS for mark in pair):
        assert found == ThoughtAndAnswer("", text, False)


@given(words.map("".join))
def test_a_cut_inside_a_thought_leaves_no_answer_of_it(text):
    """Whatever came before: what is inside the last thought, if the text ends in it, is in no answer."""
    if (found := split_thought(text + "<think>secret")).unfinished:
        assert "secret" not in found.answer


@pytest.mark.parametrize("piece", [mark for pair in MARKS for mark in pair] + ["analysisassistantfinal", "<", "\n"])
def test_time_is_linear_in_the_length(piece):
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    strip_thinking(text)
    split_steps(text)
    assert time.process_time() - began < 5  # 50 ms per 10 kB; today a tenth of it


def test_a_prompt_and_a_template_show_their_marks():
    assert find_opening("<|im_start|>assistant\n<think>\n") == "<think>"
    assert find_opening("<|im_start|>assistant\n<think>\n\n</think>\n\n") == ""
    assert find_opening("") == ""
    assert find_marks("{{ content.split('</think>')[-1] }}") == ("<think>", "</think>")
    assert find_marks("<|user|>{{ content }}<|end|>") is None
    assert find_marks("[INST][THINK]") == ("[THINK]", "[/THINK]")
