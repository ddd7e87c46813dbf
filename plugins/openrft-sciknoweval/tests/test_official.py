"""The benchmark's rules as they are: what they get right, and the faults that make them a second column only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.official import official

from openrft import Completion, Rollout, Sample

CHOICE = Sample("Which?", "C", ("iron oxide", "gold", "silver", "tin"))
YES, NO = Sample("Is it?", "Yes", kind="boolean"), Sample("Is it?", "No", kind="boolean")
TEXT = Sample("Balance.", "2H2 + O2 = 2H2O", kind="text")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("C", True),
        (" C\n", True),
        ("D", False),
        ("C. silver", True),
        ("silver", True),
        ("silver, not gold", False),
        ("The answer is (C).", True),
        ('"C"', True),
        ("\\boxed{C}", False),  # fault: nothing that is looked for stands behind the letter
        ("It is C.\nNot D.", False),  # fault: D is looked for first
        ("", False),
        ("?", False),
    ],
)
def test_choice(text: str, right: bool) -> None:
    assert official(CHOICE, text) is right


@pytest.mark.parametrize(
    ("sample", "text", "right"),
    [
        (YES, "yes", True),
        (YES, "True.", True),
        (YES, "false", False),
        (NO, "False", True),
        (NO, "no", True),
        (NO, "I do not know, yes", True),  # fault: `no` in `not`
        (YES, "", False),
    ],
)
def test_boolean(sample: Sample, text: str, right: bool) -> None:
    assert official(sample, text) is right


def test_filling_is_a_substring_of_all_that_was_written() -> None:
    assert official(TEXT, "H2 + O2 = H2O") is False
    assert official(TEXT, "Certainly not 12H2 + O2 = 2H2O.") is True  # fault: cut out of a longer number


def test_the_scorer_stops_at_other_numbers_of_options() -> None:
    assert official(Sample("Which?", "C", ("a", "b", "c")), "C") is None


@given(st.text(), st.sampled_from([CHOICE, YES, NO, TEXT]))
def test_never_raises(text: str, sample: Sample) -> None:
    assert official(sample, text) in (True, False)


def rollout(sample: Sample, text: str, correct: bool) -> Rollout:
    return Rollout(sample, (), Completion(text), correct=correct)


def test_metrics() -> None:
    def sample(task: str, **meta: Any) -> Sample:
        return Sample("Which?", "C", CHOICE.options, task=task, meta=meta)

    found = SciKnowEval().evaluate(
        [
            rollout(sample("a"), "C. silver", True),
            rollout(sample("a"), "\\boxed{C}", True),
            rollout(sample("a", defects=["mojibake"]), "\\boxed{A}", False),
            rollout(sample("b"), "\\boxed{A}", False),
        ]
    )
    assert found["sciknoweval_official"] == 0.25
    assert found["sciknoweval_clean"] == pytest.approx(2 / 3)
    assert found["sciknoweval_macro"] == pytest.approx((2 / 3 + 0) / 2)
    assert SciKnowEval().evaluate([]) == {}
    assert "sciknoweval_Physics" not in found


def test_metrics_by_group() -> None:
    def sample(domain: str) -> Sample:
        return Sample("Which?", "C", CHOICE.options, meta={"domain": domain, "level": "L3"})

    right, wrong = rollout(sample("Physics"), "C", True), rollout(sample("Biology"), "C", False)
    found = SciKnowEval().evaluate([right, wrong, wrong])
    assert (found["sciknoweval_Physics"], found["sciknoweval_Biology"]) == (1, 0)
    assert "sciknoweval_L3" not in found
