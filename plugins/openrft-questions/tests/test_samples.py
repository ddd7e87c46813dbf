"""One row, in the ways in which people write questions, and why one cannot be used."""

from __future__ import annotations

import contextlib
import json
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_questions.columns import COLUMNS, FALLBACKS
from openrft_questions.rows import ParsedRow, parse_table
from openrft_questions.table import BadRow, Located, Table

from openrft import DataError, DataRequest, Sample, UsageError


def parse_row(row: dict[str, object], task: str) -> ParsedRow | BadRow:
    """The row as the only one of a file. A column that is missing in the whole file is a fault of the row here."""
    try:
        return parse_table(Table([Located("line 1", row)]), task, DataRequest()).rows[0]
    except DataError as fault:
        return BadRow("columns", fault.message)


@pytest.mark.parametrize(
    "row",
    [
        {"question": "q?", "options": ["x", "y"], "answer": "B"},
        {"question": "q?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"},
        {"question": "q?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": 2},
        {"problem": "q?", "options": {"A": "x", "B": "y"}, "gold": "(b)"},
        {"question": "q?", "option_a": "x", "Option B": "y", "answer": "B."},
        {"question": "q?", "options": '["x", "y"]', "answer": "Y", "type": "choice"},
        {"question": "q?", "option1": "x", "option2": "y", "Answer Key": "2"},
        {"question": "q?", "(A)": "x", "(B)": "y", "answer": "B) y"},
        {"question": "q?", "options": ["A. x", "B. y"], "answer": "b"},
        {"question": "q?", "options": "['x' 'y']", "answer": "B"},
        {
            "question": "q?",
            "options": "{'text': array(['x', 'y'], dtype=object), 'label': array(['A', 'B'])}",
            "gold": "B",
        },
        {"question": "q?", "options": "A. x\nB. y", "answer": "B"},
        {"question": "q?", "options": "(A) x (B) y", "answer": "Option B"},
        {"question": "q?", "options": "A) x, B) y", "answer": "B - y"},
        {"question": "q?", "options": "x | y", "answer": "y"},
        {"question": "q?\nA. x\nB. y", "answer": "B"},
        {"question": "q? (A) x (B) y", "answer": "(b)"},
        {"question": "q?", "options": [{"label": "a", "text": "x"}, {"label": "b", "text": "y"}], "answer": "B"},
    ],
)
def test_ways_to_write_the_same_question(row: dict[str, object]) -> None:
    found = parse_row(row, "questions/q")
    assert isinstance(found, ParsedRow), found
    assert found.sample == Sample("q?", "B", ("x", "y"), task="questions/q")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"answer": "A"}, "no column is called question; there are answer"),
        ({"question": "q?"}, "no column is called answer; there are question"),
        ({"question": "q?", "options": ["x", "y"], "answer": 1}, "count from 0 or from 1"),
        ({"question": "q?", "options": ["1", "2", "3"], "answer": 2}, "count from 0 or from 1"),
        ({"question": "q?", "options": ["B. x", "A. y"], "answer": "A"}, "letters of their own, in the order B, A"),
        ({"question": "q?", "A": "x", "a": "y", "B": "z", "answer": "A"}, "two columns hold option A"),
        ({"question": "q?", "opa": "x", "opb": "y", "answer": "1"}, "count from 0 or from 1"),
        ({"question": "q?", "op ans 1": "x", "answer": "x"}, "the column 'op ans 1' looks like an option"),
        (
            {"question": "q?", "entry 1": "x", "entry 2": "y", "answer": "2"},
            "the column 'entry 1' looks like an option",
        ),
        ({"question": "q?", "A": "x", "wrong": "y", "B": "z", "answer": "z"}, "and wrong answers in others"),
        ({"question": "q?", "options": ["x", "y", "z"], "answer": "A,B"}, "names several options"),
        ({"question": "q?", "options": ["x", "y", "z"], "answer": -1}, "the answer is -1, which stands for none"),
        ({"question": "q?", "answer": "4", "label": "", "target": "5", "gold": "4"}, "two columns hold the answer"),
        ({"question": "q?", "label": "4", "target": "5"}, "say --map answer=NAME"),
        ({"question": "q?", "answer": "B"}, "the answer is the letter B, without options"),
        ({"question": "q?", "answer": "1,008"}, "the comma in '1,008' could stand for thousands or decimals"),
        ({"question": "q?", "answer": "1,2,3"}, "the comma in '1,2,3'"),
        ({"question": "q?", "answer": "2,5 kg", "type": "number"}, "the comma in '2,5 kg'"),
        ({"question": "q?", "answer": "H2O: 18", "type": "number"}, "is no single number"),
        ({"question": "q?", "answer": "5 m 20 cm", "type": "number"}, "is no single number"),
        ({"question": "q?", "answer": 0.1 + 0.2}, "has more than 12 digits"),
        ({"question": "q?", "answer": "1e400"}, "could never be met"),
        ({"question": "q?", "answer": "1e" + "9" * 150}, "could never be met"),
        ({"question": "q?", "answer": "1e" + "9" * 5000}, "has 5002 characters"),
        ({"question": "q?", "answer": "1e" + "9" * 5000, "type": "number"}, "has 5002 characters"),
        ({"question": "q?", "answer": 10**400}, "has 401 characters"),
        ({"question": "q?", "answer": 10**5000}, "a number of thousands of digits"),
        ({"question": "q?", "answer": "4", "kind": 10**5000}, "the type is none of"),
        ({"question": "q?", "options": ["x", "y"], "answer": "9" * 5000}, "neither a label nor the text"),
        ({"question": "q?", "answer": "}{"}, "could never be met"),
        ({"question": "q\ud800?", "answer": "4"}, "half a character"),
        ({"question": "q?", "options": ["x", "y"], "answer": "C"}, "neither a label nor the text"),
        ({"question": "q?", "options": ["B", "A"], "answer": "A"}, "fits several options"),
        ({"question": "q?", "options": ["x y", " x  y"], "answer": "A"}, "two options are the same: 'x y'"),
        ({"question": "q?", "options": ["x"], "answer": "A"}, "there is only one option"),
        ({"question": "q?", "options": ["x", None], "answer": "A"}, "an option is empty or no text"),
        ({"question": "q?", "options": "x or y", "answer": "A"}, "in CSV give each a column of its own"),
        ({"question": "q?", "options": "[x y]", "answer": "A"}, "a list that cannot be read (without commas?)"),
        ({"question": "q?", "A": "x", "C": "y", "answer": "A"}, "columns A, C were taken for options"),
        (
            {"question": "q?", "A": "x", "options": ["x"], "answer": "A"},
            "there are options in one column and also in A",
        ),
        ({"question": "q?", "problem": "p?", "answer": "A"}, "two columns hold the question: question and problem"),
        ({"question": "q?", "answer": "1", "type": "nummber"}, "none of choice, boolean, number, expression, text"),
        ({"question": "q?", "answer": "1", "type": "choice"}, "there are no options"),
        ({"question": "q?", "answer": "perhaps", "type": "boolean"}, "'perhaps' is not Yes, No, True or False"),
        ({"question": "q?", "answer": "many", "type": "number"}, "'many' is no single number"),
        ({"question": "q?", "answer": "so\nit is 4"}, "give what is to be in the box, without reasons"),
        ({"question": "q?", "answer": {"x": 4}}, "the answer is no text but dict"),
        ({"question": "q?", "answer": "\frac{1}{2}"}, "the backslash of \\frac was read as an escape"),
        ({"question": "q?", "answer": "4", "incorrect answers": "5, 6"}, "one wrong answer or several"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row: dict[str, object], why: str) -> None:
    found = parse_row(row, "questions/q")
    assert isinstance(found, BadRow)
    assert why in found.detail


@pytest.mark.parametrize(
    ("given", "gold"),
    [
        ("12 kg", "12 kg"),
        ("9.81 m/s^2", "9.81 m/s^2"),
        ("-5", "-5"),
        ("\u20135 \u00b0C", "-5 \u00b0C"),
        ("2.50e3", "2.50e3"),
        ("25%", "25%"),
        ("~7", "7"),
        ("1/2", "1/2"),
        ("6.02 x 10^23", "6.02 x 10^23"),
    ],
)
def test_a_number_is_kept_with_its_unit(given: str, gold: str) -> None:
    found = parse_row({"question": "q?", "answer": given, "type": "number"}, "questions/q")
    assert isinstance(found, ParsedRow), found
    assert found.sample.answer == gold


def test_types_that_are_given_go_before_looks() -> None:
    for answer, kind in (("12 kg", "number"), ("No", "text"), ("7", "text"), ("true", "boolean")):
        found = parse_row({"question": "q?", "answer": answer, "type": kind}, "questions/q")
        assert isinstance(found, ParsedRow)
        assert found.sample.kind == kind


# Of few letters, as hypothesis's table of all of Unicode takes seconds where it is not there yet.
def test_a_column_type_may_be_about_anything() -> None:
    rows = [{"question": "q?", "answer": "4", "type": "Subtraction"}, {"question": "r?", "answer": "5", "type": "Sum"}]
    table = Table([Located("line 1", row) for row in rows])
    parsed = parse_table(table, "questions/q", DataRequest())
    assert [row.sample.kind for row in parsed.rows if isinstance(row, ParsedRow) and row.sample] == ["number", "number"]
    assert parsed.ignored == ("type",)


def test_letters_for_yes_and_no() -> None:
    rows = [{"question": f"{i}?", "answer": answer} for i, answer in enumerate("TFt")]
    parsed = parse_table(Table([Located("line 1", row) for row in rows]), "questions/q", DataRequest())
    assert [row.sample.answer for row in parsed.rows if isinstance(row, ParsedRow) and row.sample] == [
        "Yes",
        "No",
        "Yes",
    ]


texts = st.text("aAbB1290 .,-+%()e\u2212\ud800\u00e9\n", max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    sorted({"A", "B", "option 1", "wrong_1", *chain(*COLUMNS.values(), *FALLBACKS.values())})
    + ["question", "answer", "options", "choices"] * 8
)


@given(st.lists(st.dictionaries(names, json_values, min_size=2), min_size=1, max_size=3))
def test_no_rows_break_the_reader(rows: list[dict[str, object]]) -> None:
    table = Table([Located(f"line {i}", row) for i, row in enumerate(rows)])
    for needs in (("question", "answer"), ("question",), ("answer",), ()):
        with contextlib.suppress(DataError, UsageError):  # a column is missing in the whole file, or two differ
            found = parse_table(table, "questions/q", DataRequest(), needs).rows
            assert all(isinstance(row, (BadRow, ParsedRow)) for row in found)


@pytest.mark.parametrize("name", [*COLUMNS, "context", "messages", "reward_model", "wrong_1", "A"])
@pytest.mark.parametrize("deep", ["[" * 900 + "]" * 900, '{"a": ' * 900 + "1" + "}" * 900])
def test_what_is_nested_deep_is_a_bad_row_or_not_read(name: str, deep: str) -> None:
    rows = [{"question": "q?", "answer": "4", name: json.loads(deep)}, {"question": "r?", "answer": "5", name: deep}]
    found = parse_table(Table([Located("line 1", row) for row in rows]), "questions/q", DataRequest(), ()).rows
    assert all(isinstance(row, (BadRow, ParsedRow)) for row in found)


def test_options_as_json_in_a_cell_keep_their_digits() -> None:
    found = parse_row({"question": "q?", "options": "[2.00, 3.50]", "answer": "b"}, "questions/q")
    assert isinstance(found, ParsedRow), found
    assert found.sample.options == ("2.00", "3.50")
