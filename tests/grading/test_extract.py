"""The final answer of a completion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.grading.extract import final_answer
from openrft.grading.thinking import strip_thinking
from openrft.tasks.prompt import box_answer


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("so\n\\boxed{C}", "C"),
        ("\\boxed{A} no, \\boxed{B}", "B"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{A} then \\boxed{unclosed", "A"),
        ("\\boxed{} \\boxed{  }", None),
        ("The answer is (D).", "D"),
        ("answer: B", "B"),
        ("The answer is A. Wait, the answer is C.", "C"),
        ("answer is A, so \\boxed{B}", "B"),
        ("The answer is **B**.", "B"),
        ("The answer is **(B)**", "B"),
        ("**Answer:** B", "B"),
        ("**Answer**: B", "B"),
        ("**Answer: (B)**", "B"),
        ("Answer: **B** since C is not", "B since C is not"),
        ("Answer: *B*", "B"),
        ("Answer: **No**", "No"),
        ("The answer is `B`", "B"),
        ('Answer is "B".', "B"),
        ("Answer: option (B) green", "B green"),
        ("The answer is **A**. Wait, the answer is **C**.", "C"),
        ("The answer is (a, int, b)", "(a, int, b)"),
        ("The answer isotopes give", None),
        ("\\boxed{Option B}", "B"),
        ("\\boxed{Answer: B}", "B"),
        ("\\boxed {B}", "B"),
        ("\\boxed{{B}}", "B"),
        ("\\boxed{\\text{B}}", "B"),
        ("\\boxed{\\textbf{Option (B)}}", "B"),
        ("\\boxed{(B)}", "B"),
        ("\\boxed{B} or \\boxed{Answer:}", "B"),
        ("\\boxed{(R)-warfarin}", "(R)-warfarin"),
        ("\\boxed{option pricing}", "option pricing"),
        ("\\boxed{*CC*}", "*CC*"),
        ("<think>\\boxed{A}</think> I pick \\boxed{B}", "B"),
        ("<think>\\boxed{A} and it never ends", None),
        ("half of it \\boxed{A}</think>\nno answer", None),
        ("", None),
        ("nothing here", None),
    ],
)
def test_final_answer(completion, answer):
    assert final_answer(completion) == answer


@given(st.text())
def test_final_answer_never_raises_and_stripping_twice_changes_nothing(text):
    final_answer(text)
    assert strip_thinking(strip_thinking(text)) == strip_thinking(text)


@given(st.text(st.sampled_from("{}\\boxed answer is ABC\n<think></think>")))
def test_final_answer_never_raises_on_hostile_pieces(text):
    found = final_answer(text)
    assert found is None or found.strip() == found != ""


pieces = ["answer is ", "Answer: ", "**", "*", '"', "`", "(", ")", "option ", "B", "no", ".", " ", "\n", "\\text{A}"]


@given(st.lists(st.sampled_from(pieces)).map("".join))
def test_the_final_answer_of_a_final_answer_is_itself(text):
    found = final_answer(text)
    assert found is None or final_answer(box_answer(found)) == found
