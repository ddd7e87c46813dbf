"""Answers that the words around them or behind them take back, and those that only seem to be taken back."""

from __future__ import annotations

import pytest

import openrft
from openrft import Sample
from tests.grading.both_readings import METALS, read


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{B} is wrong.",
        "\\boxed{B} is incorrect, so it must be D.",
        "The answer is not \\boxed{B}.",
        "It cannot be \\boxed{B}.",
        "The densest except \\boxed{B}.",
        "We rule out \\boxed{B}.",
        "\\boxed{B} (incorrect)",
        "\\boxed{B} ← wrong",
        "e.g. \\boxed{B}",
        "$\\boxed{B}$ is not the answer.",
    ],
)
def test_a_box_that_is_denied_gives_no_answer(completion):
    assert read("choice", completion, METALS)[0] is None


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{B}, not D",
        "\\boxed{B} is right, D is wrong.",
        "Here is the answer in the asked format: \\boxed{B}",
        "\\boxed{B}. It is not lead.",
        "Not lead: \\boxed{B}",
        "The answer is \\boxed{B}, not \\boxed{D}.",
        "Wait, \\boxed{A} was wrong; it's \\boxed{B}",
        "- \\boxed{B}",
        "All of these are light except \\boxed{B}.",
        "It cannot be anything other than \\boxed{B}",
        "A, C, and D are eliminated\n\n\\boxed{B}",
        "\\boxed{B}, which is what we would expect.",
        "\\boxed{B} (osmium)",
    ],
)
def test_a_box_beside_a_denial_of_others_counts(completion):
    assert read("choice", completion, METALS) == ("B", "B")


@pytest.mark.parametrize(
    "completion",
    [
        "$\\boxed{42} \\times 10^3$",
        "\\boxed{42}^{2}",
        "\\frac{\\boxed{42}}{5}",
        "2 \\cdot \\boxed{42}",
        "-\\boxed{42}",
        "2*\\boxed{42}",
        "2 * \\boxed{42}",
        "\\sqrt{\\boxed{42}}",
        "x \\ne \\boxed{42}",
        "\\boxed{42} + 1",
        "\\boxed{42} and 43",
    ],
)
def test_a_box_inside_a_formula_is_not_the_number(completion):
    assert read("number", completion)[0] is None


@pytest.mark.parametrize(
    "completion",
    [
        "6 \\times 7 = \\boxed{42}",
        "\\boxed{42}^\\circ",
        "\\boxed{42} \\text{ cm}^2",
        "- \\boxed{42}",
        "\\boxed{42} = 6 \\cdot 7",
        "The angle is $\\boxed{42}$, and the side is 3 cm.",
        "\\boxed{42}, 6 in each of 7 crates",
        "\\[\\boxed{42}\\]",
        "**\\boxed{42}** is the answer",
        "There can be no fewer than \\boxed{42}.",
        "Thus x must be less than $\\boxed{42}$.",
        "none other than \\boxed{42}",
        "The answer is *\\boxed{42}*",
        "So we obtain\n* $\\boxed{42}$",
        "Answer - $\\boxed{42}$",
        "Answer -$\\boxed{42}$",
        "\\boxed{42} - 42 apples",
        "\u2192 \\boxed{42} \u2190",
        "Example:\n\\boxed{42}",
        "\\boxed{42}\n- 6 crates\n- 7 apples",
    ],
)
def test_a_box_behind_a_formula_is_the_number(completion):
    assert read("number", completion) == ("42", "42")


@pytest.mark.parametrize(
    "completion",
    [
        "The answer is B, which is wrong.",
        "The answer is B (excluded).",
        "The typical answer is B.",
        "\\boxed{\\text{B: no}}",
        "\\boxed{\\text{B (eliminated)}}",
        "The answer is B, but that is a misconception.",
    ],
)
def test_an_option_called_wrong_is_no_answer(completion):
    assert read("choice", completion, METALS)[0] is None


@pytest.mark.parametrize(
    "completion",
    [
        "The answer is B, which is densest.",
        "Answer: B. A common mistake is iron.",
        "Answer: B. osmium, which is not reactive.",
        "The answer is B) osmium, which isn't a common metal but a rare one.",
        "Answer: B, excluded from the light metals.",
        "The answer is B, no other metal fits.",
    ],
)
def test_an_option_with_a_remark_is_an_answer(completion):
    assert read("choice", completion, METALS)[0] == "B"


@pytest.mark.parametrize(
    "completion",
    ["\\boxed{False}, it is not true.", "\\boxed{No}, this is incorrect.", "\\boxed{No} (false)"],
)
def test_a_boxed_no_is_confirmed_by_calling_it_false(completion):
    assert read("boolean", completion) == ("No", "No")
    assert read("boolean", "\\boxed{True}, which is incorrect.")[0] is None


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("Answer: I... don't know", None),
        ("Answer: I, as an AI, can't say.", None),
        ("Answer: I - an AI - cannot know.", None),
        ("Answer: I", "I"),
        ("Answer: I, fluorine", "I"),
        ("Answer: I. It is the lightest halogen.", "I"),
    ],
)
def test_the_author_is_not_the_ninth_option(completion, answer):
    options = ("hydrogen", "helium", "lithium", "beryllium", "boron", "carbon", "nitrogen", "oxygen", "fluorine")
    assert read("choice", completion, options)[0] == answer


@pytest.mark.parametrize(
    "completion",
    [
        "Answer: osmium. Correction: iridium.",
        "Answer: osmium. That's wrong.",
        "Answer: osmium. Sorry, I meant iridium.",
        "Answer: osmium\nAlternatively: iridium",
        "\\boxed{\\text{osmium (incorrect)}}",
        "\\boxed{\\text{osmium which is wrong}}",
        "\\boxed{\\text{osmium; Iridium; Gold}}",
        "Answer: osmium. Iridium. Gold. Platinum.",
        "Answer: osmium. Iridium is right too.",
        "Answer: osmium. Both are correct.",
        "Answer: osmium because it is dense. Wait, iridium.",
        "Answer: osmium, which is wrong.",
        "Answer: osmium. I mean iridium.",
    ],
)
def test_a_text_that_is_taken_back_is_not_right(completion):
    sample = Sample("q", "osmium", (), "text")
    assert openrft.grade(sample, completion).correct is False


@pytest.mark.parametrize(
    "completion",
    [
        "The answer is osmium, the densest element.",
        "The answer is osmium, not iridium.",
        "Answer: osmium rather than iridium.",
        "**Answer**: **osmium**, a metal of the platinum group.",
        "\\boxed{\\text{osmium (Os)}}",
        "Answer: osmium (not iridium)",
        "Answer: osmium. It is dense.",
        "Answer: osmium – the densest metal",
        "Answer: osmium, which is dense.",
        "Answer: osmium, because it can be measured at room temperature.",
        "Answer: osmium, which may be toxic",
        "Answer: osmium, since its atoms are packed instead of spread",
        "Answer: osmium because the other answers are incorrect",
        "Answer: osmium because iridium is wrong",
        "Answer: osmium. It is dense. Thank you.",
        "Answer: osmium. Hope this helps. Good luck.",
        "Answer: osmium – the metal – of platinum ores",
        "Answer: osmium. Both sources agree.",
        "Answer: osmium. There is no second answer.",
        "Answer: osmium. I mean this literally.",
    ],
)
def test_a_text_with_an_apposition_is_right(completion):
    assert openrft.grade(Sample("q", "osmium", (), "text"), completion).correct is True


def test_a_second_name_is_no_apposition():
    sample = Sample("q", "The Beatles", (), "text")
    assert openrft.grade(sample, "Answer: The Beatles, the Rolling Stones").correct is False
    assert openrft.grade(sample, "Answer: The Beatles, the band from Liverpool").correct is True


@pytest.mark.parametrize(("completion", "answer"), [("Answer: lead-free", None), ("Answer: lead - soft", "C")])
def test_an_option_inside_a_longer_word_is_not_named(completion, answer):
    assert read("choice", completion, METALS)[0] == answer


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("The answer is B\nC", None),
        ("Answer: A) iron\nB) osmium\nC) lead", None),
        ("Answer: B\n\nA) iron is light", "B"),
        ("Answer: B) osmium\nA is lighter.", "B"),
    ],
)
def test_an_option_alone_on_the_next_line_is_a_second_answer(completion, answer):
    assert read("choice", completion, METALS)[0] == answer
