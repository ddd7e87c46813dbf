"""What is asked for fits what is judged."""

from __future__ import annotations

import pytest
from openrft_sciknoweval.answering import contains, grade, instruction

from openrft import Sample

EQUATION = "2H2 + O2 = 2H2O"


def test_instruction_names_the_forms_that_occur() -> None:
    assert instruction(["choice", "choice"]) is None
    yes_no = instruction(iter(["boolean"]))
    assert yes_no
    assert "Yes" in yes_no
    assert "letter" not in yes_no
    mixed = instruction(["text", "choice", "boolean"])
    assert mixed
    assert all(word in mixed for word in ("letter", "Yes", "alone", "\\boxed{}"))


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (EQUATION, True),
        ("2H2  +  O2 = 2H2O.", True),
        ("The equation is 2H2 + O2 = 2H2O", True),
        ("12H2 + O2 = 2H2O", False),
        ("2H2 + O2 = 2H2O2", False),
        ("H2 + O2 = H2O", False),
        ("", False),
    ],
)
def test_containment_is_of_whole_words(answer: str, right: bool) -> None:
    assert contains(answer, EQUATION) is right


def test_text_is_judged_by_its_final_answer_alone() -> None:
    sample = Sample("Balance.", EQUATION, kind="text")
    assert grade(sample, f"Balance it.\n\\boxed{{{EQUATION}}}").correct
    assert not grade(sample, f"Is it {EQUATION}? No.\n\\boxed{{H2 + O2 = H2O}}").correct
    unparsed = grade(sample, f"{EQUATION}")
    assert (unparsed.answer, unparsed.correct) == (None, False)


def test_other_kinds_are_judged_by_the_harness() -> None:
    assert grade(Sample("q", "B", ("x", "y")), "\\boxed{B}").correct
    assert grade(Sample("q", "Yes", kind="boolean"), "\\boxed{true}").correct
