r"""Several boxes: those that follow one another are one answer, and none if they differ."""

from __future__ import annotations

import pytest

import openrft
from openrft import Sample

GOLD = {"choice": "A", "boolean": "Yes", "number": "1", "expression": "1", "text": "?"}
METALS = ("iron", "osmium", "lead", "gold")


def read(kind, completion, options=(), answer=None):
    return openrft.grade(Sample("q", answer or GOLD[kind], tuple(options), kind), completion).answer


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{A} \\boxed{B} \\boxed{C} \\boxed{D}",
        "\\boxed{A}\n\n\\boxed{B}\n\n\\boxed{C}\n\n\\boxed{D}",
        "\\boxed{A}\n\\boxed{D}",
        "\\boxed{A} and also \\boxed{D}",
        "\\boxed{A} as well as \\boxed{D}",
        "1. \\boxed{A}\n2. \\boxed{D}",
        "- \\boxed{A}\n- \\boxed{D}",
        "$\\boxed{A}$, $\\boxed{D}$",
        "\\boxed{A} \\quad \\boxed{D}",
    ],
)
def test_boxes_that_follow_one_another_and_differ_are_none(completion):
    assert read("choice", completion, METALS) is None


def test_the_last_of_boxes_is_no_verdict_or_text_if_they_differ():
    assert read("boolean", "\\boxed{\\text{Yes}} \\boxed{\\text{No}}") is None
    assert read("text", "\\boxed{Paris}\n\\boxed{London}") is None
    assert read("number", "\\boxed{12}\n\\boxed{13}") is None


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{D}\n\n\\boxed{D}",
        "\\boxed{D} \\boxed{gold}",
        "\\boxed{D}: \\boxed{gold}",
        "\\boxed{A} is the lightest. \\boxed{D}",
        "First I thought \\boxed{A}.\n\nThe densest is gold: \\boxed{D}",
        "\\boxed{ } \\boxed{D}",
    ],
)
def test_boxes_that_agree_or_stand_apart_give_the_last(completion):
    assert read("choice", completion, METALS) == "D"


@pytest.mark.parametrize(
    "completion",
    [
        "$$\\boxed{4}$$\n\n$$\\boxed{42}$$",
        "(a) $\\boxed{5}$\n\n(b) $\\boxed{42}$",
        "1. \\boxed{5}\n2. \\boxed{42}",
        "$\\boxed{A = 4}$\n$\\boxed{x = 42}$",
    ],
)
def test_boxes_of_several_parts_give_the_last(completion):
    assert read("number", completion) == "42"


def test_boxes_that_are_equal_are_one_answer():
    assert read("number", "\\boxed{\\frac12}\n\n\\boxed{0.5}", answer="0.5") == "0.5"
    assert read("expression", "\\boxed{x^2-1} = \\boxed{(x-1)(x+1)}", answer="x^2-1") == "(x-1)(x+1)"
    assert read("number", "x = \\boxed{6} crates, so there are \\boxed{42} apples") == "42"
