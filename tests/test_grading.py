"""Right, wrong and unparsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.grading import Grade, grade
from openrft.sample import Sample

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
    ],
)
def test_choices(inside, verdict):
    assert grade(CHOICE, f"so\n\\boxed{{{inside}}}") == verdict


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
        ("7", "seven", False),
        ("0.5", "1e400", False),
    ],
)
def test_numbers(gold, said, right):
    assert grade(Sample("q", gold, kind="number"), f"\\boxed{{{said}}}").correct is right


@pytest.mark.parametrize(("said", "right"), [("Yes", True), ("true.", True), ("no", False), ("maybe", False)])
def test_yes_and_no(said, right):
    assert grade(Sample("q", "Yes", kind="boolean"), f"\\boxed{{{said}}}").correct is right


@given(st.text(), st.sampled_from(["choice", "boolean", "number", "text"]))
def test_never_raises(completion, kind):
    sample = CHOICE if kind == "choice" else Sample("q", "1", kind=kind)
    verdict = grade(sample, completion)
    assert not (verdict.answer is None and verdict.correct)
    assert verdict == grade(sample, completion)
