"""Rows of any layout, read for other commands: without answers, and with further columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openrft import DataRequest, UsageError
from openrft.plugins.task_registry import load_task, read_source

COMPLETIONS = ("completion", "response", "output")


def test_rows_with_completions_and_without_answers(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question,A,B,answer,Output\nq?,x,y,B,so B\nr?,x,y,,so A\n")
    request = DataRequest(data=str(tmp_path / "q.csv"))
    first, second = read_source(request, ("answer",), {"completion": COMPLETIONS}).rows
    assert first.sample is not None
    assert (first.place, first.sample.answer, first.extra) == ("q.csv line 2", "B", {"completion": "so B"})
    assert (second.question, second.fault) == (None, "there is no answer")
    bare = read_source(request, ("question",)).rows
    assert [(row.question.text, row.question.options) for row in bare if row.question] == [
        ("q?", ("x", "y")),
        ("r?", ("x", "y")),
    ]
    assert [row.sample is None for row in bare] == [False, True]


def test_a_file_of_answers_alone(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"answer": "12", "response": "It is 12."}\n')
    table = read_source(DataRequest(data=str(tmp_path / "q.jsonl")), ("answer",), {"completion": COMPLETIONS})
    assert table.rows[0].sample is not None
    assert (table.rows[0].sample.kind, table.rows[0].sample.answer) == ("number", "12")


def test_a_family_of_its_own_rows_refuses_to_have_them_explained() -> None:
    with pytest.raises(UsageError, match="pocket do not take --map, --sheet: the family knows its own rows"):
        load_task("pocket/L1/valence", DataRequest(2, 2, columns="question=x", sheet="one"))


def test_a_question_stands_although_its_answer_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question,A,B,answer\nq?,x,y,C\nr?,x,y,A\n")
    first, second = read_source(DataRequest(data=str(tmp_path / "q.csv")), ("question",)).rows
    assert first.question is not None
    assert (first.question.options, first.sample) == (("x", "y"), None)
    assert "neither a label nor the text" in first.fault
    assert second.sample is not None
    assert not second.fault


@pytest.mark.parametrize(
    "row",
    [
        {"question": "q?", "mc1_targets": {"choices": ["x", "y"], "labels": [1, 0]}},
        {"question": "q?", "choices": ["x", "y"], "subject": "s"},
        {"prompt": "q?", "A": "x", "B": "y"},
        {"question_stem": "q?", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": ""},
    ],
)
def test_questions_without_answers_in_layouts(tmp_path: Path, row: dict[str, object]) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps(row))
    (found,) = read_source(DataRequest(data=str(tmp_path / "q.jsonl")), ("question",)).rows
    assert found.question is not None, found.fault
    assert (found.question.text, sorted(found.question.options), found.question.kind) == ("q?", ["x", "y"], "choice")
