"""The benchmark's rules as they are: what they get right, and the faults that make them a second column only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.grading import grade
from openrft_sciknoweval.metrics import is_officially_correct

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
    assert is_officially_correct(CHOICE, text) is right


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
    assert is_officially_correct(sample, text) is right


def test_filling_is_a_substring_of_all_that_was_written() -> None:
    assert is_officially_correct(TEXT, "H2 + O2 = H2O") is False
    assert is_officially_correct(TEXT, "Certainly not 12H2 + O2 = 2H2O.") is True  # fault: cut out of a longer number


def test_texts_beyond_the_labels_are_not_seen() -> None:
    """Five texts for four labels, as some published rows have: the fifth is no wrong option."""
    five = Sample("Which?", "B", ("a1", "b2", "c3", "d4", "e5"), meta={"labels": 4})
    assert is_officially_correct(five, "b2, and e5") is True
    assert is_officially_correct(five, "b2, and c3") is False
    assert is_officially_correct(five, "B.") is True


def test_the_scorer_stops_at_other_numbers_of_options() -> None:
    assert is_officially_correct(Sample("Which?", "C", ("a", "b", "c")), "C") is None


@given(st.text(), st.sampled_from([CHOICE, YES, NO, TEXT]))
def test_never_raises(text: str, sample: Sample) -> None:
    assert is_officially_correct(sample, text) in (True, False)


THOUGHT = "<think>D. surely D.</think>\nThe answer is C"


@pytest.mark.parametrize("text", ["\\boxed{C}", THOUGHT, "I doubt D.\n\\boxed{C}"])
def test_strict_reads_what_the_official_rule_does_not(text: str) -> None:
    """The final answer, the last one, the completion without its thinking."""
    assert grade(CHOICE, text).correct is True
    assert is_officially_correct(CHOICE, text) is False


def rollout(sample: Sample, text: str) -> Rollout:
    verdict = grade(sample, text)
    return Rollout(sample, (), Completion(text), answer=verdict.answer, correct=verdict.correct, score=verdict.score)


def test_the_second_column() -> None:
    def sample(task: str, **meta: Any) -> Sample:
        return Sample("Which?", "C", CHOICE.options, task=task, meta=meta)

    texts = ["C. silver", "\\boxed{C}", "\\boxed{A}", "C"]
    rollouts = [rollout(sample("a"), text) for text in texts]
    found = SciKnowEval().evaluate(rollouts=rollouts)
    assert found == {"sciknoweval_official": 0.5, "sciknoweval_official.a": 0.5}
    other = Sample("Which?", "C", ("a", "b", "c"), task="s/L3/b")  # at which the scorer stops
    pool = [*rollouts, rollout(sample("s/L3/c"), "C"), rollout(other, "C")]
    found = SciKnowEval().evaluate(rollouts=pool)
    assert found == {"sciknoweval_official": 0.6, "sciknoweval_official.a": 0.5, "sciknoweval_official.c": 1.0}
    assert SciKnowEval().evaluate(rollouts=[]) == {}


def test_relations_have_their_own_metrics_by_subtask() -> None:
    gold = "(a, int, b), (c, effect, d)"
    meta = {"type": "relation_extraction"}
    items = [
        Sample(f"text {n}", gold, kind="text", task=f"sciknoweval/L2/{leaf}", meta=meta)
        for n, leaf in enumerate(("one", "two"))
    ]
    answers = {"one": [f"\\boxed{{[{gold}]}}", "\\boxed{[(a, int, b)]}"], "two": [gold, f"[{gold}]"]}
    rollouts = [rollout(s, text) for s in items for text in answers[s.task.rpartition("/")[2]]]
    found = SciKnowEval(SciKnowEval.Options(similarity="exact")).evaluate(rollouts=rollouts)
    # One: the first round is whole; the second finds 2 of 4 names, 1 of 2 relations in the middle, 1 of 2 whole: 2/3.
    assert found["sciknoweval_relation_f1_exact.one"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["sciknoweval_relation_f1_exact.two"] == 0  # nothing stands in a box
    assert found["sciknoweval_relation_f1_exact_official.two"] == 1
    assert "sciknoweval_official" not in found


def test_the_scorer_of_pairs_has_no_number_where_it_stops() -> None:
    gold, meta = "(lead, rash), (zinc, pain)", {"type": "relation_extraction"}
    sample = Sample("t", gold, kind="text", task="s/L2/pairs", meta=meta)
    found = SciKnowEval(SciKnowEval.Options(similarity="exact")).evaluate(
        rollouts=[rollout(sample, "\\boxed{[(lead, rash), (tin, pain)]}")]
    )
    assert set(found) == {"sciknoweval_relation_f1_exact.pairs"}
