"""How a rubric is written, what is refused, and the score that its verdicts make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_graders.rubric.format import Criterion, Rubric, is_rubric_file, parse_rubric, read_rubric_file

from openrft import DataError, UsageError


def criteria(value: Any) -> list[tuple[float, str]]:
    return [(criterion.weight, criterion.text) for criterion in parse_rubric(value).criteria]


def test_lines() -> None:
    text = """
    # what a good answer does
    +2 names the catalyst
    [3] states   the mechanism

    gives a temperature
    -1 claims a source that is not given
    [-0.5] is rude
    \u22122 invents a number
    2 steps are named
    [see above] is not written
    -5% of the yield is lost
    """
    assert criteria(text) == [
        (2, "names the catalyst"),
        (3, "states the mechanism"),
        (1, "gives a temperature"),
        (-1, "claims a source that is not given"),
        (-0.5, "is rude"),
        (-2, "invents a number"),
        (1, "2 steps are named"),
        (1, "[see above] is not written"),
        (1, "-5% of the yield is lost"),
    ]


def test_bullets_and_the_numbers_of_a_list_are_no_part_of_a_criterion() -> None:
    assert criteria("- a\n* +2 b\n\u2022 c\n1. d\n2) [-3] e") == [(1, "a"), (2, "b"), (1, "c"), (1, "d"), (-3, "e")]


def test_json_lists_with_the_fields_of_public_data() -> None:
    rows = [
        {"criterion": "Names\nthe dose", "points": 5, "tags": ["level:example"]},
        {"title": "Rude", "description": "Is rude", "weight": -2},
        {"name": "Short"},
        "+3 is short",
    ]
    assert criteria(rows) == [(5, "Names the dose"), (-2, "Is rude"), (1, "Short"), (3, "is short")]
    assert criteria(json.dumps(rows)) == criteria({"rubrics": rows}) == criteria({"rubric": json.dumps(rows)})
    assert parse_rubric(rows).labels == ("+5 Names the dose", "-2 Rude", "+1 Short", "+3 is short")


def test_labels_are_short_and_differ() -> None:
    long = "x" * 80
    rubric = parse_rubric([f"{long}a", f"{long}b"])
    assert rubric.labels == (f"+1 {'x' * 57}...", f"+1 {'x' * 57}... (2)")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("# nothing", "it has no criteria"),
        ([], "it has no criteria"),
        ("-1 a\n-2 b", "no criterion has a positive weight"),
        ("a\n+2", "line 2: it has no text"),
        ("+0 a\nb", "line 1: its weight is 0"),
        ("a\n\n+2 A", "'a' stands in it twice"),
        ("- 2 sources are invented", "begins with a sign apart from its number"),
        ('["a", ', "begins like JSON and is none"),
        ({"type": "x"}, "object without a list of criteria"),
        ([{"points": 2}], "criterion 1: it has no text"),
        ([{"criterion": "a", "points": "many"}], "its weight is 'many'"),
        ([{"criterion": "a", "points": True}], "its weight is True"),
        ([{"criterion": "a", "points": 10**400}], "its weight is 1000"),
        ([{"criterion": "a", "points": float("nan")}], "its weight is nan"),
        ([{"criterion": "a", "text": "b"}], "it has both criterion and text"),
        ([3], "criterion 1: it is a number"),
        (7, "it is a number and no rubric"),
        ([f"criterion {i}" for i in range(101)], "it has 101 criteria"),
    ],
)
def test_what_is_no_rubric_is_refused_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(UsageError) as fault:
        parse_rubric(value, "mine.txt")
    assert words in str(fault.value)
    assert str(fault.value).startswith("mine.txt")


def test_files(tmp_path: Path) -> None:
    text, data, broken, grader = (tmp_path / name for name in ("r.txt", "r.json", "b.json", "g.json"))
    text.write_text("\ufeff+2 a\n", "utf-8")
    data.write_text('[{"criterion": "a", "points": 2}]')
    broken.write_text("+2 a")
    grader.write_text('{"type": "rubric", "rubric": "a", "model": "m"}')
    assert read_rubric_file(text) == read_rubric_file(data) == Rubric((Criterion("a", 2),))
    assert [is_rubric_file(file) for file in (text, data, broken, grader)] == [True, True, False, False]
    with pytest.raises(DataError, match=r"b\.json: it is no JSON"):
        read_rubric_file(broken)
    with pytest.raises(DataError, match="cannot be read"):
        read_rubric_file(tmp_path / "none.txt")


def test_the_score_by_hand() -> None:
    rubric = parse_rubric("+2 a\n+3 b\n-1 c\n-4 d")
    assert rubric.score([True, False, False, False]) == pytest.approx(2 / 5)
    assert rubric.score([True, True, True, False]) == pytest.approx(4 / 5)
    assert rubric.score([True, False, False, True]) == 0  # 2 - 4, cut at 0
    assert rubric.score([True, True, False, False]) == 1
    with pytest.raises(ValueError, match="3 verdicts on 4 criteria"):
        rubric.score([True, True, True])


WEIGHTS = st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=8).filter(lambda row: max(row) > 0)


@settings(max_examples=40, deadline=None)
@given(WEIGHTS, st.data())
def test_the_score_is_a_share_and_no_verdict_works_against_its_sign(weights: list[int], data: st.DataObject) -> None:
    rubric = parse_rubric([f"{weight:+d} criterion {i}" for i, weight in enumerate(weights)])
    assert [criterion.weight for criterion in rubric.criteria] == weights
    met = data.draw(st.lists(st.booleans(), min_size=len(weights), max_size=len(weights)))
    at = data.draw(st.integers(0, len(weights) - 1))
    low, high = (rubric.score([*met[:at], yes, *met[at + 1 :]]) for yes in (False, True))
    assert 0 <= low <= 1
    assert (high - low) * weights[at] >= 0
    assert rubric.score([weight > 0 for weight in weights]) == 1


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_rubric_or_refused(text: str) -> None:
    try:
        rubric = parse_rubric(text)
    except UsageError:
        return
    assert all(criterion.text == " ".join(criterion.text.split()) != "" for criterion in rubric.criteria)
    assert len(set(rubric.labels)) == len(rubric.criteria)
