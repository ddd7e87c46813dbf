"""Forms of answers that people write, and forms near them that mean something else."""

from __future__ import annotations

import pytest

import openrft
from openrft import Sample

METALS = ("iron", "osmium", "lead", "gold")


def grade(kind, answer, completion, options=(), question="q"):
    verdict = openrft.grade(Sample(question, answer, tuple(options), kind), completion)
    return verdict.correct, (verdict.lenient or verdict).correct


def box(text):
    return f"\\boxed{{{text}}}"


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("0.75", "{3 \\over 4}"),
        ("1/3", "0.\\dot{3}"),
        ("12", "12\\checkmark"),
        ("42", "\\begin{aligned}x&=42\\end{aligned}"),
        ("2.485", "\\ln 12"),
        ("0.916", "\\ln 2.5"),
        ("0.25", "0.25 = 25\\%"),
        ("25%", "0.25 = 25\\%"),
        ("42 cm", "42\\text{ cm} = 0.42\\text{ m}"),
        ("0.42 m", "42\\text{ cm} = 0.42\\text{ m}"),
    ],
)
def test_a_number_in_another_form_is_right(answer, written):
    assert grade("number", answer, box(written)) == (True, True)


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("4", "{3 \\over 4}"),
        ("7", "\\begin{aligned}x&=42\\\\y&=7\\end{aligned}"),
        ("0.693", "\\ln 12"),
        ("0.25", "0.35 = 25\\%"),
        ("42 cm", "42\\text{ cm} = 0.5\\text{ m}"),
        ("42", "42!"),
        ("0.3", "0.\\dot{3}3"),
    ],
)
def test_a_number_near_such_a_form_is_wrong(answer, written):
    assert grade("number", answer, box(written)) == (False, False)


def test_an_exclamation_is_no_factorial():
    assert grade("number", "42", "The answer is 42!") == (True, True)
    assert grade("number", "42", "**Answer:** 42!!") == (True, True)
    assert grade("number", "42", "The answer is $42!$") == (False, False)
    assert grade("number", "5", "The answer is 5! = 120") == (False, False)


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("\\frac34", "{3 \\over 4}"),
        ("\\emptyset", "\\text{no solution}"),
        ("\\emptyset", "\\text{the empty set}"),
        ("\\text{no solution}", "\\text{no solution}"),
        ("(2,-1)", "x=2, y=-1"),
        ("(2,-1)", "y=-1, x=2"),
        ("(2,-1)", "(x,y)=(2,-1)"),
        ("(2,-1)", "(y,x)=(-1,2)"),
        ("\\{1,2\\}", "\\{2,1\\}"),
        ("\\{1,2\\}", "1, 2"),
        ("\\{1,2\\}", "A = \\{1,2\\}"),
        ("x = 3", "\\therefore x = 3"),
        ("x = 3", "x_0 = 3"),
    ],
)
def test_an_expression_in_another_form_is_right(answer, written):
    assert grade("expression", answer, box(written)) == (True, True)


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("2", "\\text{no solution}"),
        ("(1,2)", "\\{1,2\\}"),
        ("(2,-1)", "y=2, x=-1"),
        ("(2,-1)", "(y,x)=(2,-1)"),
        ("\\{1,2,3\\}", "\\{1,2\\} \\text{ and } \\{2,3\\}"),
        ("\\{1,2\\}", "(1,2)"),
        ("A = \\{1,2\\}", "B = \\{1,2\\}"),
    ],
)
def test_an_expression_near_such_a_form_is_wrong(answer, written):
    assert grade("expression", answer, box(written)) == (False, False)


@pytest.mark.parametrize(
    "completion",
    [
        "I would eliminate A, C, and D, leaving B.",
        "By elimination, B.",
        "By process of elimination, B is correct.",
        "D is wrong, B is right.",
        "答案是B，不是D。",
    ],
)
def test_the_option_that_is_left_is_the_answer(completion):
    assert grade("choice", "B", completion, METALS)[1]


@pytest.mark.parametrize(
    "completion",
    [
        "I would eliminate B, leaving A and C.",
        "B is wrong, D is right.",
        "答案是D，不是B。",
        "It is a mistake to go on leaving B.",
    ],
)
def test_the_option_that_is_dropped_is_not_the_answer(completion):
    assert not grade("choice", "B", completion, METALS)[1]


@pytest.mark.parametrize(
    "completion", ["- B\n- D", "1. A\n2. B", "**Answer:**\n\n- B\n- C", "Answer:\n1. A\n2. B", "B\nD"]
)
def test_a_list_of_options_is_no_answer(completion):
    assert grade("choice", "B", completion, METALS) == (False, False)
    assert grade("choice", "D", completion, METALS) == (False, False)


def test_a_list_of_names_is_no_answer():
    for answer in ("osmium", "iridium"):
        assert grade("text", answer, "1. osmium\n2. iridium") == (False, False)
    assert grade("text", "osmium", "1. It is a metal.\n2. It is dense.\n\nosmium")[1]
    assert grade("choice", "B", "- A is light.\n- So it is B.", METALS)[1]


@pytest.mark.parametrize(
    ("completion", "right"),
    [
        ("\\boxed{\\text{True for even n, false for odd n}}", False),
        ("\\boxed{\\text{Yes for iron, no for sulfur}}", False),
        ("\\boxed{\\text{Yes, but no when wet}}", False),
        ("The answer is true for a, false for b.", False),
        ("The answer is true for n > 2 but false for n = 1.", False),
        ("It is a common misconception that the statement is true.", False),
        ("I cannot confirm that the statement is true.", False),
        ("Nothing suggests that the statement is true.", False),
        ("\\boxed{\\text{Yes}}", True),
        ("\\boxed{\\text{Yes, there is no barrier}}", True),
        ("The answer is yes, for all n.", True),
        ("The answer is True. (The converse is false for n = 2.)", True),
        ("Yes, with no at-risk groups", True),
        ("The answer is yes, there is no in-between.", True),
        ("The answer is yes, because no heat is lost.", True),
        ("We can confirm that the statement is true.", True),
        ("Therefore, the statement is true.", True),
    ],
)
def test_a_split_verdict_is_none(completion, right):
    assert grade("boolean", "Yes", completion)[1] is right


@pytest.mark.parametrize(
    "completion",
    [
        "Answer: No, it's only true if x > 0.",
        "The answer is No. The claim is true for most liquids but not water.",
        "Answer: No (true for most substances, false for water)",
        "No. It would only be true if water were lighter.",
    ],
)
def test_where_else_it_is_true_does_not_split_a_no(completion):
    assert grade("boolean", "No", completion)[1]
