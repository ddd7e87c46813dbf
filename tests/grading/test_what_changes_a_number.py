"""Words and signs around a number that make another number of it, and those that leave it as it is."""

from __future__ import annotations

import pytest

import openrft
from openrft import Sample


def is_right(answer, completion, question="q", kind="number"):
    return openrft.grade(Sample(question, answer, (), kind), completion).correct


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5 millions", "5000000"),
        ("5 billions", "5e9"),
        ("5 thousands", "5000"),
        ("5 lakh", "500000"),
        ("5 crore", "5e7"),
        ("5万", "50000"),
        ("5亿", "5e8"),
        ("5 Millionen", "5e6"),
        ("5 Mrd.", "5e9"),
        ("5 mil millones", "5e9"),
        ("5 bn", "5e9"),
        ("5 tenths", "0.5"),
        ("5 thirds", "5/3"),
        ("5 halves", "2.5"),
        ("5 quadrillion", "5e15"),
        ("5 million kg", "5e6 kg"),
    ],
)
def test_a_word_that_multiplies_is_no_unit(written, value):
    for form in (f"\\boxed{{{written}}}", f"\\boxed{{\\text{{{written}}}}}", f"The answer is {written}."):
        assert not is_right("5", form)
        assert is_right(value, form)


@pytest.mark.parametrize(
    "written", ["5 mn", "5 apples", "5 metres", "5 miles", "5 千克", "5 quarters", "5 milligrams", "5 miners"]
)
def test_a_word_that_counts_is_a_unit(written):
    assert is_right("5", f"\\boxed{{{written}}}")


def test_a_word_in_the_question_may_be_its_unit():
    assert is_right("5", "\\boxed{5 million}", "How many million people live there?")
    assert is_right("5", "\\boxed{5 tenths}", "How many tenths are in one half?")
    assert is_right("5", "\\boxed{5 Millionen Euro}", "Wie hoch ist der Umsatz in Mio. Euro?")
    assert is_right("14", "\\boxed{14亿人}", "有多少亿人？")
    assert not is_right("5", "\\boxed{5 million}", "How many people live there?")
    assert not is_right("5", "\\boxed{5 million}", "A million visitors come. How many people live there?")


@pytest.mark.parametrize("said", ["six point five", "6 point five", "six point 5"])
def test_decimals_in_words_are_not_dropped(said):
    assert not is_right("6", f"The answer is {said}.")


@pytest.mark.parametrize(
    "said",
    [
        "the factorial of 6",
        "ten times 6",
        "two times 6",
        "thrice 6",
        "one third of 6",
        "a third of 6",
        "the additive inverse of 6",
        "the opposite of 6",
        "the reciprocal of 6",
        "the number after 6",
        "a number ending in 6",
        "a number that ends with 6",
        "a number with 6 digits",
        "multiples of 6",
        "a multiple of 6",
        "any number besides 6",
        "max. 6",
        "grade 6",
        "6 times ten to the third",
    ],
)
def test_words_that_make_another_number_are_refused(said):
    assert not is_right("6", f"The answer is {said}.")
    assert not is_right("6", f"\\boxed{{\\text{{{said}}}}}")


@pytest.mark.parametrize(
    "said",
    [
        "6",
        "the number 6",
        "a total of 6",
        "about 6",
        "exactly 6 times",
        "6 after rounding",
        "the maximal value: 6",
        "after 6 hours",
        "that they meet after 6 minutes",
        "a factor of 6",
        "that he ends with 6 apples",
        ", after rounding, 6",
        "besides this, 6",
    ],
)
def test_words_that_leave_a_number_are_allowed(said):
    assert is_right("6", f"The answer is {said}.")


@pytest.mark.parametrize(
    "left",
    [
        "x/2",
        "\\frac{x}{2}",
        "\\frac{1}{x}",
        "\\sqrt{x}",
        "-x",
        "2\\cdot x",
        "x \\cdot 2",
        "x!",
        "\\ln x",
        "r^3",
        "2x",
    ],
)
def test_an_operation_on_a_letter_is_not_its_value(left):
    assert not is_right("42", f"\\boxed{{{left} = 42}}")
    assert not is_right("42", f"\\boxed{{{left} = 42}}", kind="expression")
    assert not is_right("x=42", f"\\boxed{{{left}=42}}", kind="expression")


@pytest.mark.parametrize(
    "left",
    [
        "x",
        "v_0",
        "\\Delta H",
        "\\text{pH}",
        "P(A)",
        "|AB|",
        "R^2",
        "f(2)",
        "m_{\\text{total}}",
        "\\angle ABC",
        "\\lambda",
        "6 \\cdot 7",
        "\\text{so } x",
        "\\text{Total}",
        "n(A)",
        "\\sqrt{1764}",
        "\\log_{2} 2^{42}",
        "\\binom{42}{1}",
    ],
)
def test_a_name_on_the_left_side_is_allowed(left):
    assert is_right("42", f"\\boxed{{{left} = 42}}")


def test_what_the_question_writes_may_stand_on_the_left_side():
    assert is_right("42", "\\boxed{\\sqrt{x} = 42}", "Find $\\sqrt{x}$.")
    assert is_right("42", "\\boxed{|z| = 42}", "Compute |z|.")
    assert is_right("10", "\\boxed{x^2 = 10}", "What is x^2?", "expression")
    assert is_right("3", "\\boxed{\\ln(x) = 3}", "What is ln x?")
    assert is_right("120", "\\boxed{n! = 120}", "How many arrangements are there?")
    assert is_right("5", "\\boxed{\\frac{T}{2} = 5}", "What is one half of T?")


@pytest.mark.parametrize("said", ["2x = 84 \\Rightarrow x = 42", "\\text{from } 2x = 84, \\text{ we get } x = 42"])
def test_the_last_of_several_equations_counts(said):
    assert is_right("42", f"\\boxed{{{said}}}", kind="expression")
    assert not is_right("84", "\\boxed{x = 42, 2x = 84}", kind="expression")


@pytest.mark.parametrize("said", ["x+y=3", "f(x)=3", "\\ln x=3", "-x=3", "\\sqrt{x}=3", "y=3"])
def test_another_equation_is_not_the_value_of_the_letter(said):
    assert not is_right("x=3", f"\\boxed{{{said}}}", kind="expression")


@pytest.mark.parametrize("said", ["x=3", "x = 3", "3", "\\text{Thus } x=3", "x=\\frac{6}{2}=3", "x=3.0"])
def test_the_value_of_the_letter_is_right(said):
    assert is_right("x=3", f"\\boxed{{{said}}}", kind="expression")


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{\\text{A is 0.2 and B is 0.8}}",
        "\\boxed{p = 0.2 \\text{ while } q = 0.8}",
        "\\boxed{\\text{A: 0.2 B: 0.8}}",
        "**Final Answer:**\n- p = 0.2\n- q = 0.8",
        "The answer is that p = 0.2 and the value of q is 0.8.",
    ],
)
def test_the_values_of_two_letters_are_no_number(completion):
    assert not is_right("0.2", completion)
    assert not is_right("0.8", completion)


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{x = 42}",
        "Answer: x = 42\nCheck: 3 × 14 = 42",
        "\\boxed{x = 42, \\text{ where } x \\text{ is a length}}",
        "Answer: x = 42\n- x = 42",
        "The answer is 42, where a = 6 and b = 7.",
        "\\boxed{42, \\text{ since } a = 6 \\text{ and } b = 7}",
        "The answer is c = 42 for a = 6, b = 7.",
        "The answer is 42. Check: a = 6, b = 7 works.",
        "So a = 6 and b = 7, giving \\boxed{42}.\nThus ab = 42.",
        "The answer is 42.\np = 20, q = 22",
        "A: 20, B: 22. The answer is 42.\nDone",
        "\\boxed{n = 6 \\cdot 7 = 42}",
        "The answer is x = 42 because 6 and 7 are given.",
    ],
)
def test_the_value_of_one_letter_is_a_number(completion):
    assert is_right("42", completion)


@pytest.mark.parametrize("written", ["60'", "60''", "60″", "60^{\\prime}"])
def test_minutes_and_seconds_of_arc_are_no_degrees(written):
    assert not is_right("60", f"\\boxed{{{written}}}", "How many degrees is the angle?")
    assert is_right("60", "\\boxed{60^\\circ}", "How many degrees is the angle?")
    assert is_right("60", "\\boxed{'60'}", "How many degrees is the angle?")


@pytest.mark.parametrize(
    ("answer", "written", "question"),
    [
        ("30", "30^\\circ 0'", "What is the angle?"),
        ("5", "5'", "The angle is 30 degrees. How tall is it?"),
    ],
)
def test_minutes_behind_degrees_and_feet_are_read(answer, written, question):
    assert is_right(answer, f"\\boxed{{{written}}}", question)


def test_a_ph_has_no_unit_and_a_permille_is_a_tenth_of_a_percent():
    assert not is_right("5", "\\boxed{5 mol/L}", "What is the pH?")
    assert is_right("5", "\\boxed{pH = 5}", "What is the pH?")
    assert is_right("1e-5", "\\boxed{10^{-5} mol/L}", "What is the concentration of H+ at a pH of 5?")
    assert not is_right("5", "\\boxed{5‰}", "What percent?")
    assert is_right("0.5", "\\boxed{5‰}", "What percent?")
    assert is_right("5", "\\boxed{5\\%}", "What percent?")


def test_a_rounding_that_is_asked_is_no_unit():
    assert is_right("5.25", "\\boxed{\\$5.25}", "What is the cost to the nearest cent?")
    assert is_right("12", "\\boxed{12\\text{ cm}}", "What is the length to the nearest millimetre?")
