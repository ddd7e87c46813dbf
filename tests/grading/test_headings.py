"""A heading above a list, the way to an answer and a guess that is not kept are no answers."""

from __future__ import annotations

import pytest

from tests.grading.both_readings import METALS, read

LIST = "A) iron: 7.87\nB) osmium: 22.6\nC) lead: 11.3\nD) gold: 19.3\n\nTherefore, B is correct."
STEPS = "1. We have 6 crates.\n2. Each holds 7 apples.\n3. So there are 42 apples."


@pytest.mark.parametrize(
    "heading",
    [
        "Let's analyze each option:\n\n",
        "Evaluating every choice:\n",
        "Let's find the answer:\n\n",
        "To get the correct answer:\n\n",
        "Let me determine the answer:\n",
        "Steps to the answer:\n\n",
        "Possible answer:\n\n",
        "### Solution\n\n",
    ],
)
def test_the_first_item_below_a_heading_is_no_answer(heading):
    assert read("choice", heading + LIST, METALS) == (None, "B")
    assert read("number", heading + STEPS) in [(None, "42"), (None, "42 apples"), (None, None)]


def test_the_way_to_a_verdict_is_none():
    text = "Let's find the answer:\n\nIt is true that iron is dense. But mercury is a liquid.\n\nTherefore, no."
    assert read("boolean", text) == (None, "No")


@pytest.mark.parametrize(
    "completion",
    [
        "Answer:\n\nB) osmium",
        "**Answer:**\nB\n\nA) Iron is lighter.",
        "Multiply them to get the answer: B",
        "Let's find the answer.\nAnswer: B",
        "The steps are clear.\nThe answer: B",
        "A) no\nB) yes\nC) no\nD) no\n\nAnswer: B",
        "Nobody would doubt this\nAnswer: B",
        "To find the correct answer: B",
        "Now let's find the answer: B) osmium is the densest.",
    ],
)
def test_an_answer_on_the_line_below_counts(completion):
    assert read("choice", completion, METALS) == ("B", "B")


@pytest.mark.parametrize(
    "completion",
    [
        "Multiply 6 by 7 to get the answer: 42",
        "Answer:\n42",
        "The answer is:\n\n$$42$$",
        "Let's calculate the answer: 6 × 7 = 42",
        "Finally, let's compute the answer:\n\n6 × 7 = 42",
        "Second part answer: 42",
    ],
)
def test_a_number_on_the_line_below_counts(completion):
    assert read("number", completion) == ("42", "42")


@pytest.mark.parametrize(
    "guess",
    [
        "The first option is iron, which is light.",
        "My first guess is gold.",
        "The tempting choice is D.",
        "The obvious choice is D.",
        "Another option is lead.",
    ],
)
def test_a_guess_gives_way_to_the_conclusion(guess):
    assert read("choice", f"{guess}\nBut osmium has 22.6.\n\nSo it is B.", METALS) == (None, "B")


def test_an_obvious_choice_with_nothing_behind_it_is_kept():
    assert read("choice", "The obvious choice is **B) osmium**.", METALS) == (None, "B")


def test_a_result_on_the_way_is_not_the_last_one():
    text = "The intermediate result is 6. Each crate has 7 apples.\n\nThus there are 6 × 7 = 42 apples in total."
    assert read("number", text) == (None, "42 apples in total")
    assert read("choice", "The best option is B.", METALS) == (None, "B")
