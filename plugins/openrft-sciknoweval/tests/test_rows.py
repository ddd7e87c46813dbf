"""Every type is read; every fault has its word; no JSON value at all gets past both."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_sciknoweval.json_reader import BadRow, read_values
from openrft_sciknoweval.rows import KINDS, Row, parse_row

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("prompt", "question", "choices", "answerKey", "type", "domain", "details", "answer", "level")


def fault_of(value: Any) -> str:
    fault = parse_row(value)
    assert isinstance(fault, BadRow)
    return fault.reason


def test_choice_takes_gold_by_position(choice: Any) -> None:
    row = parse_row(choice(choices={"text": ["x", "y"], "label": ["b", "a"]}, answerKey="a", type="mcq-2-choices"))
    assert isinstance(row, Row)
    assert (row.kind, row.gold) == ("choice", "y")


@pytest.mark.parametrize(("said", "read"), [("Yes", "Yes"), ("no", "No"), ("TRUE", "Yes"), ("False.", "No")])
def test_boolean_is_yes_or_no(other: Any, said: str, read: str) -> None:
    row = parse_row(other("true_or_false", "Is iron a metal?", said))
    assert isinstance(row, Row)
    assert row.gold == read


def test_labels_of_other_copies(choice: Any) -> None:
    row = parse_row(choice(domain="Materials", details=None, level="L3", type=["mcq-4-choices"]))
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
        ({"question": 10**400}, "wrong type"),
        ({"choices": {"text": ["a", 10**400], "label": ["A", "B"]}, "answerKey": "A"}, "wrong type"),
    ],
)
def test_faults_are_named(choice: Any, changes: dict[str, Any], reason: str) -> None:
    assert fault_of(choice(**changes)) == reason


def test_judged_rows_may_lack_an_answer(other: Any) -> None:
    assert isinstance(parse_row(other("open-ended-qa", "q", "")), Row)


def test_faults_of_other_types(choice: Any, other: Any) -> None:
    assert fault_of(other("filling", "q", "")) == "empty answer"
    assert fault_of(other("true_or_false", "q", "maybe")) == "answer not Yes or No"
    assert fault_of([choice()]) == "not an object"
    for field in ("question", "type", "choices", "answerKey"):
        row = choice()
        del row[field]
        assert fault_of(row) == "missing field"


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_a_number_of_any_length_costs_its_row_and_not_the_file(
    choice: Any, tmp_path: Path, digits: int, name: str
) -> None:
    texts = [
        json.dumps(choice(i, question=i or "q")).replace('"question": 1', f'"question": {"9" * digits}') for i in (0, 1)
    ]
    texts += [json.dumps(choice(id=7)).replace('"id": 7', f'"id": {"9" * digits}')]  # a field that is not read
    (tmp_path / name).write_text("\n".join(texts) if name.endswith("l") else f"[{', '.join(texts)}]")
    found = [parse_row(value) for _, value in read_values(tmp_path / name)]
    assert [isinstance(row, Row) for row in found] == [True, False, True]
    assert isinstance(found[1], BadRow)
    assert found[1].detail == "question holds a number where text is expected"


def test_a_hundred_thousand_keys_or_labels_take_a_second_or_two(choice: Any) -> None:
    many = [str(number) for number in range(100_000)]
    began = time.monotonic()
    assert isinstance(parse_row(json.loads(json.dumps(choice(**dict.fromkeys(many, 1))))), Row)
    assert fault_of(choice(choices={"text": many, "label": many}, answerKey="0")) == "number of options"
    assert time.monotonic() - began < 5


def test_labels_reach_no_terminal_as_they_are(choice: Any) -> None:
    fault = parse_row(choice(choices={"text": ["a", "b"], "label": ["\x1b[31m", "\n"]}, answerKey="\x07"))
    assert isinstance(fault, BadRow)
    assert fault.detail.isprintable()


@settings(deadline=None)
@given(JSON)
def test_any_value_is_a_row_or_a_fault(value: Any) -> None:
    assert isinstance(parse_row(value), Row | BadRow)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.sampled_from(sorted(KINDS)))
def test_any_field_is_a_row_or_a_fault(fields: dict[str, Any], kind: str) -> None:
    base = {"question": "q", "answer": "Yes", "type": kind, "answerKey": "A"}
    base["choices"] = {"text": ["a", "b"], "label": ["A", "B"]}  # type: ignore[assignment]
    result = parse_row({**base, **fields})
    assert isinstance(result, Row | BadRow)
    if isinstance(result, Row):
        json.dumps(result.gold).encode()
