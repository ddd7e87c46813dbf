"""Right, wrong and unparsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.grading.grade import Grade, grade
from openrft.types import Sample

CHOICE = Sample("q", "B", ("red", "green", "blue", "E"))


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [
        ("B", Grade("B", True)),
        ("b", Grade("B", True)),
        ("(B)", Grade("B", True)),
        ("B. green", Grade("B", True)),
        ("\\text{B}", Grade("B", True)),
        ("$B$", Grade("B", True)),
        ("green", Grade("B", True)),
        ("A", Grade("A", False)),
        ("F", Grade(None, False)),
        ("purple", Grade(None, False)),
        ("a mess", Grade(None, False)),
        ("b) it is green", Grade("B", True)),
        ("B because of this", Grade("B", True)),
        ("E", Grade("D", False)),  # no fifth label, but the fourth option's text
        ("Option B", Grade("B", True)),
        ("Answer: B", Grade("B", True)),
        ("{B}", Grade("B", True)),
        ("$(B)$", Grade("B", True)),
        ("\\textbf{(B)} green", Grade("B", True)),
        ("B (green)", Grade("B", True)),
        ("B green, as it is not A", Grade("B", True)),
        ("B, the green one", Grade("B", True)),
        ("B because A is wrong", Grade("B", True)),
        ("B. Option A is wrong.", Grade("B", True)),
        ("B. A, C and D are incorrect", Grade("B", True)),
        ("B is correct", Grade("B", True)),
    ],
)
def test_choices(inside, verdict):
    assert grade(CHOICE, f"so\n\\boxed{{{inside}}}") == verdict


@pytest.mark.parametrize(
    "inside",
    ["B, C", "B and C", "B A C D", "B or C", "B/C", "(B), (C)", "b, a", "b) or c)", "B is wrong", "B, isn't it",
     "B: not it, but C", "B (or maybe C)", "B. green or blue", "B, blue", "B blue", "B. No, C", "B?!? C",
     "Options B and C", "green or blue", "B\\text{ or }C"],
)  # fmt: skip
def test_a_letter_among_others_or_taken_back_is_unparsed(inside):
    assert grade(CHOICE, f"\\boxed{{{inside}}}") == Grade(None, False)


def test_an_options_own_text_may_name_letters():
    elements = Sample("Which?", "A", ("B or C", "C", "B", "not A"))
    assert grade(elements, "\\boxed{A. B or C}").correct
    assert grade(elements, "\\boxed{D: not A}").answer == "D"
    dressed = Sample("Which?", "A", ('"Red" ions', "$\\text{Fe}_2$", "**x**"))
    for inside in ('"Red" ions', 'A. "Red" ions', '\\text{"Red" ions}'):
        assert grade(dressed, f"\\boxed{{{inside}}}").correct
    assert grade(dressed, "\\boxed{$\\text{Fe}_2$}").answer == grade(dressed, "\\boxed{B $Fe_2$}").answer == "B"
    signs = Sample("Which?", "A", ("-0.2", "0.2", "C(C)=O", "25 C"))
    assert grade(signs, "\\boxed{A. -0.2}").correct
    assert grade(signs, "\\boxed{D) 25 C}").answer == "D"


def test_unparsed_is_not_wrong():
    assert grade(CHOICE, "I do not know") == Grade(None, False)
    assert grade(CHOICE, "\\boxed{A}") == Grade("A", False)


def test_only_the_completion_is_read():
    """A boxed demonstration in the prompt must not earn the reward: the grader never sees a prompt."""
    tricky = Sample("Example: \\boxed{B}. Now which?", "B", ("x", "y"))
    assert grade(tricky, "hm").answer is None


@pytest.mark.parametrize(
    ("gold", "said", "right"),
    [
        ("3.14", "3.14159", True),
        ("3.14", "3.146", False),
        ("1,200", "1200", True),
        ("-5", "\u22125", True),
        ("2e3", "2000", True),
        ("7", "seven", True),
        ("0.5", "1e400", False),
    ],
)
def test_numbers(gold, said, right):
    assert grade(Sample("q", gold, kind="number"), f"\\boxed{{{said}}}").correct is right


@pytest.mark.parametrize(("said", "right"), [("Yes", True), ("true.", True), ("no", False), ("maybe", False)])
def test_yes_and_no(said, right):
    assert grade(Sample("q", "Yes", kind="boolean"), f"\\boxed{{{said}}}").correct is right


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("No, it is not true", "No"),
        ("Yes, there is no barrier", "Yes"),
        ("False, it isn't always true.", "No"),
        ("No, the true value is 3", "No"),
        ("true and false are both possible", None),
        ("Yes or no, who knows", None),
        ("No because the opposite is true", "No"),
        ("**True**", "Yes"),
        ("Yes/No", None),
        ("Yes and No", None),
        ("true or false", None),
        ("No. Or yes", None),
        ("Yes, no", None),
        ("True is wrong", None),
    ],
)
def test_both_truth_values_are_none(said, answer):
    assert grade(Sample("q", "Yes", kind="boolean"), f"\\boxed{{{said}}}").answer == answer


@given(st.text(alphabet="AB (),./*or is not\"'", max_size=30), st.sampled_from(["choice", "boolean", "number", "text"]))
def test_what_was_read_is_read_again(inside, kind):
    sample = CHOICE if kind == "choice" else Sample("q", "Yes" if kind == "boolean" else "1", kind=kind)
    first = grade(sample, f"\\boxed{{{inside}}}")
    assert first.answer is None or grade(sample, f"\\boxed{{{first.answer}}}") == first


@given(st.text(), st.sampled_from(["choice", "boolean", "number", "text"]))
def test_never_raises(completion, kind):
    sample = CHOICE if kind == "choice" else Sample("q", "Yes" if kind == "boolean" else "1", kind=kind)
    verdict = grade(sample, completion)
    assert not (verdict.answer is None and verdict.correct)
    assert verdict == grade(sample, completion)
