"""Cells that say more, or less, than a plain text: verdicts by number, units, lists, places that nobody filled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from openrft import DataError, DataRequest, Task, UsageError, grade
from openrft.plugins.task_registry import load_all_rows


def load(path: Path, rows: Sequence[Mapping[str, Any]]) -> Task:
    (path / "own.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return load_all_rows("questions/own", DataRequest(data=str(path / "own.jsonl")))


def answers(path: Path, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [sample.answer for sample in load(path, rows).train]


@pytest.mark.parametrize("given", [(0, 1), ("A", "B"), ("True", "False"), (True, False)])
def test_true_and_false_as_options(tmp_path: Path, given: tuple[Any, Any]) -> None:
    row = {"question": "Iron is a metal.", "type": "true/false", "options": ["True", "False"]}
    rows = [{**row, "answer": given[0]}, {**row, "question": "Neon is a metal.", "answer": given[1]}]
    if given == (0, 1):  # the second option, or "yes"
        with pytest.raises(DataError, match="the answer 0 may count the options, or say no: say --count-from 0 or 1"):
            load(tmp_path, rows)
        task = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.jsonl"), count_from=0))
        assert [sample.answer for sample in task.train] == ["Yes", "No"]
    else:
        assert answers(tmp_path, rows) == ["Yes", "No"]


@pytest.mark.parametrize("unit", ["m/s²", "m s⁻²", "m·s⁻²", "$m/s^2$"])
def test_units_as_they_are_printed(tmp_path: Path, unit: str) -> None:
    (sample,) = load(tmp_path, [{"question": "How fast does it fall?", "answer": 9.81, "unit": unit}]).train
    assert grade(sample, r"\boxed{9.81 m/s^2}").correct is True
    assert grade(sample, r"\boxed{9.81 cm/s^2}").correct is False
    (sample,) = load(tmp_path, [{"question": "How fast?", "answer": {"value": 9.81, "unit": unit}}]).train
    assert grade(sample, r"\boxed{9.81 kg}").correct is False


def test_a_unit_that_is_not_known_is_told(tmp_path: Path) -> None:
    task = load(tmp_path, [{"question": "How many?", "answer": 72, "unit": "bpm"}])
    assert [sample.answer for sample in task.train] == ["72"]
    assert any("'bpm' is no unit that is known" in line for line in task.notes["warnings"])


@pytest.mark.parametrize("kind", ["list of integer", "list", "tuple"])
def test_a_list_may_be_one_answer(tmp_path: Path, kind: str) -> None:
    (sample,) = load(tmp_path, [{"question": "The roots in order?", "answer": [1, 2], "answer_type": kind}]).train
    assert (sample.kind, sample.answer, sample.accepted) == ("expression", "[1, 2]", ())
    assert grade(sample, r"\boxed{[1, 2]}").correct is True
    assert grade(sample, r"\boxed{1}").correct is False


@pytest.mark.parametrize("kind", ["exactMatch", "Short answer", "open-ended"])
def test_a_type_that_says_only_that_there_are_no_options(tmp_path: Path, kind: str) -> None:
    rows = [
        {"question": "How many?", "answer": "5", "type": kind},
        {"question": "Who?", "answer": "Curie", "type": kind},
    ]
    assert [sample.kind for sample in load(tmp_path, rows).train] == ["number", "text"]


@pytest.mark.parametrize("given", ["N/A", "#N/A", "TBD", "?", "nan"])
def test_an_answer_that_nobody_filled_is_none(tmp_path: Path, given: str) -> None:
    with pytest.raises(DataError, match=r"line 2: the answer .* stands for none"):
        load(tmp_path, [{"question": "Who?", "answer": "Curie"}, {"question": "Where?", "answer": given}])
    row = {"question": "Who found polonium?", "context": given, "answer": "Curie"}
    assert [sample.question for sample in load(tmp_path, [row]).train] == ["Who found polonium?"]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("text", "### Question: What is the capital of Peru?\n### Answer: Lima"),
        ("paragraph", "3"),
        ("article", "https://example.org/peru"),
        ("context", "geo-12"),
    ],
)
def test_what_is_no_passage_is_left_out(tmp_path: Path, name: str, cell: str) -> None:
    row = {"question": "What is the capital of Peru?", "answer": "Lima", name: cell}
    assert [sample.question for sample in load(tmp_path, [row]).train] == [row["question"]]


def test_a_passage_may_hold_the_question_and_more(tmp_path: Path) -> None:
    asked = "How many apples are left?"
    row = {"question": asked, "context": f"Tom has 5 red apples and eats 2 of them. {asked}", "answer": "3"}
    assert load(tmp_path, [row]).train[0].question == f"{row['context']}\n\n{asked}"


def test_how_to_answer_is_not_asked_with_each_question(tmp_path: Path) -> None:
    rows = [{"question": f"{i} + 1?", "instruction": "Answer with the number only.", "answer": i + 1} for i in range(3)]
    assert [sample.question for sample in load(tmp_path, rows).train] == ["0 + 1?", "1 + 1?", "2 + 1?"]


def test_a_list_among_topics_is_one(tmp_path: Path) -> None:
    rows = [{"question": f"{kind} {i}?", "type": kind, "answer": "Curie"} for i, kind in enumerate(("list", "algebra"))]
    assert [sample.kind for sample in load(tmp_path, rows).train] == ["text", "text"]


def test_an_instruction_stands_before_its_input(tmp_path: Path) -> None:
    row = {"instruction": "Give the opposite.", "input": "hot", "target": "cold"}
    assert [sample.question for sample in load(tmp_path, [row]).train] == ["Give the opposite.\n\nhot"]


def test_passages_in_lists_are_told(tmp_path: Path) -> None:
    row = {"question": "Where is Oslo?", "answer": "Norway", "documents": [{"text": "Oslo is the capital of Norway."}]}
    assert any(
        "documents holds whole sentences and is not read" in line for line in load(tmp_path, [row]).notes["warnings"]
    )


@pytest.mark.parametrize("column", ["set", "data_split", "partition", "subset"])
def test_a_division_in_three_is_asked_about(tmp_path: Path, column: str) -> None:
    rows = [{"question": f"{i}?", "answer": "Lima", column: side} for i, side in enumerate(("train", "dev", "test"))]
    with pytest.raises(DataError, match="the split 'dev' is neither train nor test: say --split NAME"):
        load(tmp_path, rows)
    path = str(tmp_path / "own.jsonl")
    task = load_all_rows("questions/own", DataRequest(data=path, split="train:dev"))
    assert [[s.question for s in side] for side in (task.train, task.test)] == [["0?"], ["1?"]]
    for row in rows:
        row[column] = "algebra"
    assert len(load(tmp_path, rows).train) == 3


def test_column_names_that_stand_there_once_more_are_no_row(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("question,answer\n1 + 1?,2\nquestion,answer\n1 + 2?,3\n")
    found = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.csv"))).train
    assert [sample.answer for sample in found] == ["2", "3"]


def test_files_of_json_that_are_called_otherwise(tmp_path: Path) -> None:
    row = {"question": "Capital of Peru?", "answer": "Lima"}
    (tmp_path / "own.jsonl").write_text(json.dumps([row], indent=2))
    assert len(load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.jsonl"))).train) == 1
    (tmp_path / "own.json").write_text(json.dumps({"version": 1, "train": [row], "test": [{**row, "question": "x?"}]}))
    task = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.json")))
    assert (len(task.train), len(task.test)) == (1, 1)
    divided = {"train": [row], "test": [{**row, "question": "x?"}], "about": [{"author": "a"}]}
    (tmp_path / "own.json").write_text(json.dumps(divided))
    task = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.json")))
    assert (len(task.train), len(task.test)) == (1, 1)
    (tmp_path / "own.json").write_text(json.dumps({"geography": [row], "chemistry": [{**row, "question": "x?"}]}))
    found = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.json"))).train
    assert [sample.meta["topic"] for sample in found] == ["geography", "chemistry"]


def test_a_cell_between_tabs_may_begin_with_a_quotation(tmp_path: Path) -> None:
    (tmp_path / "own.tsv").write_text('question\tanswer\n"Hamlet" was written by whom?\tShakespeare\n')
    found = load_all_rows("questions/own", DataRequest(data=str(tmp_path / "own.tsv"))).train
    assert [sample.question for sample in found] == ['"Hamlet" was written by whom?']


def test_answers_in_boxes_and_behind_marks(tmp_path: Path) -> None:
    rows = [{"question": f"{i} + 1?", "answer": rf"We add one, so it is \boxed{{{i + 1}}}."} for i in range(2)]
    assert [(s.answer, s.kind) for s in load(tmp_path, rows).train] == [("1", "number"), ("2", "number")]
    rows = [{"question": "1 + 1?", "answer": "1 + 1 = 2\n#### 2"}, {"question": "3 + 4?", "answer": "7"}]
    assert answers(tmp_path, rows) == ["2", "7"]


def test_an_unknown_rival_says_what_to_do(tmp_path: Path) -> None:
    row = {"question": "Sum of 2 and 3?", "answer": "We add the numbers and have five then.", "final_answer": "5"}
    with pytest.raises(UsageError, match=r"Say --map answer=answer or --map answer=final_answer"):
        load(tmp_path, [row])
