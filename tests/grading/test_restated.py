"""Text behind an answer that gives another one instead, and text that only checks it or speaks of it."""

from __future__ import annotations

import pytest

from tests.grading.both_readings import METALS, read


@pytest.mark.parametrize(
    "tail",
    [
        "Apologies, the above answer is incorrect. The correct answer is B.",
        "My previous answer is incorrect.",
        "The boxed answer is not right.",
        "Revised answer: B",
        "Updated final answer: **B**",
        "Edit: B is correct, not D.",
        "Strike that, B.",
        "**Correction**\n\nThe densest is osmium.",
        "Let me recheck: osmium is 22.6, gold is 19.3. Therefore the answer is B.",
        "So the final answer is B.",
    ],
)
def test_a_later_answer_takes_a_boxed_one_back(tail):
    strict, lenient = read("choice", f"\\boxed{{D}}\n\n{tail}", METALS)
    assert (strict, lenient) in [(None, None), (None, "B")]


@pytest.mark.parametrize(
    "tail",
    [
        "The correct answer is D.",
        "Let me recheck: gold is 19.3.",
        "Recheck B: osmium is 22.6, which is higher.",
        "Hold on, osmium? It is not.",
        "The wrong answer is B.",
        "A common wrong answer is B.",
        "If osmium were cheaper, the answer would be B.",
        "Option B is not correct.",
        "Hold on to this rule.",
        "Question: Which is lightest?\nAnswer: A",
        "Upon reflection this is clear.",
        "I realize that many would choose B.",
        "Edit: typo mended.",
        "Final answer: D) gold",
    ],
)
def test_remarks_behind_a_box_do_not_take_it_back(tail):
    assert read("choice", f"\\boxed{{D}}\n\n{tail}", METALS) == ("D", "D")


@pytest.mark.parametrize(
    "tail",
    [
        "Actually 43.",
        "No wait, 43.",
        "Sorry, 43.",
        "The above is wrong.",
        "So the final answer is 43.",
        "**Final Answer: 43**",
        "Revised: 43",
        "Oops, 43.",
        "Hold on. 43.",
        "The corrected answer is 43.",
        "Edit: the answer is 43.",
    ],
)
def test_a_later_number_takes_a_boxed_one_back(tail):
    strict, lenient = read("number", f"We get \\boxed{{42}}\n\n{tail}")
    assert (strict, lenient) in [(None, None), (None, "43")]


@pytest.mark.parametrize(
    "tail",
    [
        "The answer is 42.",
        "**Final Answer: 42 apples**",
        "The answer is 42.0 exactly.",
        "Check: 42 / 7 = 6.",
        "Actually 7 of them are green.",
        "There are 43 pears, too.",
        "The wrong answer is 43.",
        "Let me double-check: 6 × 7 = 42.",
        "If it were 44, the answer is 43.",
        "The answer is 42, since 6 × 7 = 42.",
        "Recheck: 2(42) + 3 = 87 ✓",
        "Let me re-check this: 42/6 = 7. ✓",
        "On review, 42 + 1 = 43, as required.",
        "**Checking the answer:** 2 × 42 = 84",
        "Verification of the final answer: 2 × 42 = 84",
        "Substituting the answer: 2 × 42 = 84",
        "We can verify the answer: 2 × 42 = 84",
        "The answer is reasonable since 6 × 7 is about 40.",
        "The answer is close to 40.",
        "The final answer is roughly 40.",
        "Rounded to the nearest ten, the answer is 40.",
        "A common mistake is to forget zero, in which case the answer is 41.",
        "Note that for 8 boxes the answer is 56.",
        "Follow-up: What about 8 boxes? Answer: 56",
        "Twice the answer is 84.",
        "Final answer: 42 kg",
        "Alternatively: 84/2 = 42.",
        "Updated 2024.",
        "The previous answer was wrong because of a sign; this one is right.",
        "Thus ab = 42.",
    ],
)
def test_numbers_behind_a_box_do_not_take_it_back(tail):
    assert read("number", f"We get \\boxed{{42}}\n\n{tail}") == ("42", "42")


def test_another_unit_behind_a_box_is_the_same_answer():
    for tail in ("In hours, the answer is 1.5 hours.", "Final answer: 1.5 hours", "In degrees, the answer is 60°."):
        assert read("number", f"\\boxed{{90}} minutes.\n\n{tail}")[0] == "90"
    assert read("number", "\\boxed{90}\n\nFinal answer: 91") == (None, None)
    assert read("number", "\\boxed{90} minutes\n\nRevised answer: 91")[0] is None


@pytest.mark.parametrize(
    ("kind", "answer", "tail"),
    [
        ("boolean", "No", "Upon review, the reasoning is correct."),
        ("boolean", "No", "So the answer is correct as verified."),
        ("boolean", "No", "The final answer is correct."),
        ("text", "mercury", "Final answer: the element mercury"),
        ("text", "mercury", "Upon review, mercury is liquid."),
        ("text", "mercury", "Revised answer: mercury (Hg)"),
        ("expression", "x+1", "The final answer is the line with slope 1."),
    ],
)
def test_a_remark_behind_a_box_is_no_other_answer(kind, answer, tail):
    assert read(kind, f"\\boxed{{{answer}}}\n\n{tail}") == (answer, answer)


@pytest.mark.parametrize(
    ("kind", "answer", "tail", "other"),
    [
        ("boolean", "No", "Oops, yes.", "Yes"),
        ("boolean", "No", "Final answer: Yes", None),
        ("text", "mercury", "Revised answer: bromine", "bromine"),
    ],
)
def test_another_answer_behind_a_box_takes_it_back(kind, answer, tail, other):
    assert read(kind, f"\\boxed{{{answer}}}\n\n{tail}") == (None, other)


def test_a_rounding_behind_a_box_is_the_same_answer():
    assert read("number", "\\boxed{\\frac{1}{3}}\n\nThe answer is about 0.33.")[0] is not None
    assert read("expression", "\\boxed{x^2-1}\n\nThe answer is (x-1)(x+1).")[0] == "x^2-1"
    assert read("text", "\\boxed{Paris}\n\nThe answer is the capital of France.") == ("Paris", "Paris")
