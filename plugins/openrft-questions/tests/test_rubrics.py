"""Rows with a rubric, in place of an answer or beside one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openrft_questions.family import OPEN_INSTRUCTION

from openrft import DataError, DataRequest, Sample
from openrft.plugins.task_registry import load_all_rows, load_task
from openrft.testing import check_family


def write(folder: Path, *rows: dict[str, object]) -> DataRequest:
    file = folder / "essays.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return DataRequest(data=str(file))


def read(request: DataRequest) -> list[Sample]:
    task = load_all_rows("questions/essays", request)
    assert task is not None
    return [*task.train, *task.test]


def test_a_row_with_a_rubric_needs_no_answer(tmp_path: Path) -> None:
    rubric = [{"criterion": "says iron", "points": 2}]
    request = write(tmp_path, {"question": "What rusts?", "rubrics": rubric}, {"question": "Why?", "rubrics": rubric})
    samples = read(request)
    assert [(s.question, s.answer, s.kind, s.meta["rubric"]) for s in samples] == [
        ("What rusts?", "", "text", rubric),
        ("Why?", "", "text", rubric),
    ]
    task = load_task("questions/essays", DataRequest(data=request.data, train=1, test=1))
    assert task.instruction == OPEN_INSTRUCTION
    found = task.grade(samples[0], "<think>rust</think> Iron does.")
    assert (found.answer, found.correct) == ("Iron does.", None)


def test_in_csv_it_is_lines_or_json_in_a_cell(tmp_path: Path) -> None:
    file = tmp_path / "essays.csv"
    file.write_text('question,rubric\nWhat rusts?,"+2 says iron\n-1 says gold"\nWhy?,"[""says water""]"\n')
    assert [s.meta["rubric"] for s in read(DataRequest(data=str(file)))] == [
        "+2 says iron\n-1 says gold",
        ["says water"],
    ]


def test_the_layout_names_the_rubric(tmp_path: Path) -> None:
    own = load_all_rows("questions/essays", write(tmp_path, {"question": "Why?", "rubric": "says iron"}))
    row = {"question": "Two?", "answer": "1 + 1\n#### 2", "rubric": "says two"}
    known = load_all_rows("questions/essays", write(tmp_path, row))
    assert own is not None
    assert known is not None
    assert own.notes["layout"] == "own columns: question from question, rubric from rubric"
    assert known.notes["layout"] == "GSM8K: the number behind #### is the answer; a rubric each"


def test_beside_an_answer_the_rule_grades(tmp_path: Path) -> None:
    rows = [
        {"question": "Which rusts?", "answer": "B", "A": "gold", "B": "iron", "marks": "says why"},
        {"question": "What is rust?", "answer": "iron oxide", "marks": "+2 names iron"},
        {"question": "Why does it rust?", "marks": "says water"},
    ]
    request = write(tmp_path, *rows)
    mapped = DataRequest(data=request.data, columns="rubric=marks", train=1, test=1)
    samples = read(mapped)
    assert [(s.kind, s.answer, s.meta["rubric"]) for s in samples] == [
        ("choice", "B", "says why"),
        ("text", "iron oxide", "+2 names iron"),
        ("text", "", "says water"),
    ]
    task = load_task("questions/essays", mapped)
    assert [task.grade(s, "\\boxed{B}").correct for s in samples] == [True, False, None]
    assert "right option" in task.instruction


def test_the_layouts_of_public_rubrics(tmp_path: Path) -> None:
    """Chats with `rubrics` of criterion and points; questions with a reference and a `rubric` of titles and weights."""
    turns = [("user", "My bike squeaks."), ("assistant", "Since when?"), ("user", "Two days.")]
    chat = [{"role": role, "content": text} for role, text in turns]
    points = [{"criterion": "Asks about oil", "points": 5, "tags": ["x"]}, {"criterion": "Is rude", "points": -3}]
    (first,) = read(write(tmp_path, {"prompt": chat, "prompt_id": "1", "rubrics": points, "example_tags": ["y"]}))
    assert (first.question.splitlines()[-1], first.answer, first.meta["rubric"]) == ("Two days.", "", points)
    assert "Since when?" in first.question

    weights = [{"title": "Water", "description": "Names water", "weight": 5}]
    row = {
        "question": "Why does iron rust?",
        "reference_answer": "It meets water and oxygen from the air.",
        "rubric": weights,
    }
    request = write(tmp_path, row, {**row, "question": "How?"})
    task = load_task("questions/essays", DataRequest(data=request.data, train=1, test=1))
    (second,) = task.test
    assert (second.answer, second.meta["rubric"]) == (row["reference_answer"], weights)
    # A whole sentence is a reference and nothing that a rule could compare.
    assert task.grade(second, "Because of water.").correct is None
    assert task.notes["warnings"] == []
    assert task.instruction == OPEN_INSTRUCTION


def test_the_family_keeps_its_contract(tmp_path: Path) -> None:
    rows = [{"question": f"What is {word}?", "rubric": "is short"} for word in ("rust", "gold", "tin", "lead")]
    request = write(tmp_path, *rows)
    check_family("questions", "questions/essays", DataRequest(data=request.data, train=2, test=2))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"question": "Why?", "rubric": 7}, "the rubric is of the type int"),
        ({"question": "Why?", "rubric": "\ud800"}, "the rubric cannot be read"),
        ({"question": "Which?", "A": "gold", "B": "iron", "rubric": "says why"}, "there is no answer"),
        ({"question": "Why?"}, "there is no answer"),
    ],
)
def test_what_is_refused(tmp_path: Path, row: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(write(tmp_path, {"question": "What?", "rubric": "says iron"}, row))
