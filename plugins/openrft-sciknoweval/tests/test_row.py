"""Every type is read; every fault has its word; no JSON value at all gets past both."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_sciknoweval.reading import Fault
from openrft_sciknoweval.row import KINDS, Row, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("prompt", "question", "choices", "answerKey", "type", "domain", "details", "answer", "level")


def fault_of(value: Any) -> str:
    fault = parse(value)
    assert isinstance(fault, Fault)
    return fault.reason


def test_choice_takes_gold_by_position(choice: Any) -> None:
    row = parse(choice(choices={"text": ["x", "y"], "label": ["b", "a"]}, answerKey="a", type="mcq-2-choices"))
    assert isinstance(row, Row)
    assert (row.kind, row.gold) == ("choice", "y")


@pytest.mark.parametrize(("said", "read"), [("Yes", "Yes"), ("no", "No"), ("TRUE", "Yes"), ("False.", "No")])
def test_boolean_is_yes_or_no(other: Any, said: str, read: str) -> None:
    row = parse(other("true_or_false", "Is iron a metal?", said))
    assert isinstance(row, Row)
    assert row.gold == read


def test_labels_of_other_copies(choice: Any) -> None:
    row = parse(choice(domain="Materials", details=None, level="L3", type=["mcq-4-choices"]))
    assert isinstance(row, Row)
    assert (row.domain, row.level, row.type) == ("Material", "L3", "mcq-4-choices")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": " "}, "empty question"),
        ({"question": 7}, "wrong type"),
        ({"question": None}, "missing field"),
        ({"type": "essay"}, "unknown type"),
        ({"type": ["mcq-4-choices", "filling"]}, "wrong type"),
        ({"answerKey": "E"}, "key not among labels"),
        ({"answerKey": None}, "missing field"),
        ({"choices": [1, 2]}, "wrong type"),
        ({"choices": {"text": ["a", "b"]}}, "missing field"),
        ({"choices": {"text": ["a", 2], "label": ["A", "B"]}, "answerKey": "A"}, "wrong type"),
        ({"choices": {"text": ["a"], "label": ["A"]}, "answerKey": "A"}, "number of options"),
        ({"choices": {"text": ["a", "b"], "label": ["A", "A"]}, "answerKey": "A"}, "repeated label"),
        ({"details": "L3"}, "wrong type"),
        ({"question": "half a pair \ud83d"}, "encoding"),
    ],
)
def test_faults_are_named(choice: Any, changes: dict[str, Any], reason: str) -> None:
    assert fault_of(choice(**changes)) == reason


def test_judged_rows_may_lack_an_answer(other: Any) -> None:
    assert isinstance(parse(other("open-ended-qa", "q", "")), Row)


def test_faults_of_other_types(choice: Any, other: Any) -> None:
    assert fault_of(other("filling", "q", "")) == "empty answer"
    assert fault_of(other("true_or_false", "q", "maybe")) == "answer not Yes or No"
    assert fault_of([choice()]) == "not an object"
    for field in ("question", "type", "choices", "answerKey"):
        row = choice()
        del row[field]
        assert fault_of(row) == "missing field"


@settings(deadline=None)
@given(JSON)
def test_any_value_is_a_row_or_a_fault(value: Any) -> None:
    assert isinstance(parse(value), Row | Fault)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.sampled_from(sorted(KINDS)))
def test_any_field_is_a_row_or_a_fault(fields: dict[str, Any], kind: str) -> None:
    base = {"question": "q", "answer": "Yes", "type": kind, "answerKey": "A"}
    base["choices"] = {"text": ["a", "b"], "label": ["A", "B"]}  # type: ignore[assignment]
    result = parse({**base, **fields})
    assert isinstance(result, Row | Fault)
    if isinstance(result, Row):
        json.dumps(result.gold).encode()
