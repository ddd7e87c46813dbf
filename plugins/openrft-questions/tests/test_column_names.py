"""Names of columns as people write them, each read as a file has it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from openrft import DataError, DataRequest, Sample
from openrft.plugins.task_registry import load_all_rows

QUESTIONS = ("Which is a metal?", "Which is a gas?", "Which is a liquid?")
OPTIONS = (("iron", "neon", "salt"), ("gold", "argon", "tin"), ("sand", "ice", "mercury"))


def read(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]], **more: Any) -> list[Sample]:
    with (path / "q.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([head, *rows])
    task = load_all_rows("questions/q", DataRequest(data=str(path / "q.csv"), **more))
    assert task is not None
    return [*task.train, *task.test]


@pytest.mark.parametrize(
    "options",
    [
        ("A", "B", "C"),
        ("optionA", "optionB", "optionC"),
        ("Option A", "Option B", "Option C"),
        ("Option A text", "Option B text", "Option C text"),
        ("Answer Choice 1", "Answer Choice 2", "Answer Choice 3"),
        ("Possible Answer 1", "Possible Answer 2", "Possible Answer 3 (optional)"),
        ("choices.0", "choices.1", "choices.2"),
        ("options/0", "options/1", "options/2"),
        ("choices[0]", "choices[1]", "choices[2]"),
        ("option_01", "option_02", "option_03"),
        ("1", "2", "3"),
        ("first option", "second option", "third option"),
        ("Antwort 1", "Antwort 2", "Antwort 3"),
        ("Réponse A", "Réponse B", "Réponse C"),
        ("Opción A", "Opción B", "Opción C"),
        ("选项A", "选项B", "选项C"),
    ],
)
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("question", "answer"),
        ("questionText", "correctAnswer"),
        ("Question", "Correct Answer(s)"),
        ("Frage", "Richtige Antwort"),
        ("问题", "答案"),
    ],
)
def test_options_and_answers_are_found_by_their_names(
    tmp_path: Path, options: Sequence[str], question: str, answer: str
) -> None:
    head = (question, *options, answer)
    found = read(
        tmp_path, head, [(q, *texts, "ABC"[i]) for i, (q, texts) in enumerate(zip(QUESTIONS, OPTIONS, strict=True))]
    )
    assert [(s.question, s.options, s.answer) for s in found] == [*zip(QUESTIONS, OPTIONS, "ABC", strict=True)]
    base = 0 if "0" in options[0] and "01" not in options[0] else 1
    by_number = [(q, *texts, i + base) for i, (q, texts) in enumerate(zip(QUESTIONS, OPTIONS, strict=True))]
    assert [s.answer for s in read(tmp_path, head, by_number)] == ["A", "B", "C"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("wrong_1", "wrong_2"),
        ("Incorrect Answer 1", "Incorrect Answer 2 (Optional)"),
        ("distractor1", "distractor2"),
        ("Falsche Antwort 1", "Falsche Antwort 2"),
        ("mauvaise réponse 1", "mauvaise réponse 2"),
    ],
)
def test_wrong_answers_are_found_by_their_names(tmp_path: Path, wrong: Sequence[str]) -> None:
    found = read(
        tmp_path, ("question", "correct answer", *wrong), [("Which?", "iron", "neon", "tin"), ("Who?", "a", "b", "")]
    )
    assert [sorted(s.options) for s in found] == [["iron", "neon", "tin"], ["a", "b"]]
    assert [s.options["ABC".index(s.answer)] for s in found] == ["iron", "a"]


def test_several_wrong_answers_in_one_cell(tmp_path: Path) -> None:
    head = ("question", "best answer", "incorrect answers")
    found = read(tmp_path, head, [("Which?", "iron", "neon; no, tin"), ("Who?", "a", "b")])
    assert [sorted(s.options) for s in found] == [["iron", "neon", "no, tin"], ["a", "b"]]
    with pytest.raises(DataError, match=r"one wrong answer or several: give each a column \(wrong_1"):
        read(tmp_path, head, [("Which?", "iron", "neon, tin")])


def test_an_answer_that_its_row_calls_wrong_is_no_gold(tmp_path: Path) -> None:
    rows = [("Which?", "iron", "TRUE"), ("Which?", "neon", "FALSE"), ("Who?", "Curie", "TRUE")]
    for flag in ("is_correct", "isCorrect", "label"):
        with pytest.raises(DataError, match=f"line 3: the column '{flag}' says that this answer is wrong"):
            read(tmp_path, ("question", "answer", flag), rows)
        assert [s.answer for s in read(tmp_path, ("question", "answer", flag), rows, skip_bad_rows=True)] == [
            "iron",
            "Curie",
        ]
    graded = [("Which?", "iron", "tin", "FALSE"), ("Who?", "Curie", "Curie", "TRUE")]  # the grade of a model's answer
    found = read(tmp_path, ("question", "answer", "model_answer", "is_correct"), graded)
    assert [s.answer for s in found] == ["iron", "Curie"]


def test_columns_that_numbers_may_count_are_not_left_out(tmp_path: Path) -> None:
    head, rows = ("question", "entry 1", "entry 2", "answer"), [("Which?", "x", "y", 2), ("Who?", "z", "u", 1)]
    with pytest.raises(DataError, match="'entry 1' looks like an option: say --map A=NAME,B=NAME"):
        read(tmp_path, head, rows)
    assert [s.answer for s in read(tmp_path, head, rows, columns="A=entry 1,B=entry 2", count_from=1)] == ["B", "A"]
    assert [s.answer for s in read(tmp_path, head, rows, kind="number")] == ["2", "1"]
    many = ("question", *(f"entry {i}" for i in range(1, 12)), "answer")
    with pytest.raises(DataError, match="'entry 1' looks like an option"):
        read(tmp_path, many, [("Which?", *"abcdefghijk", 11), ("Who?", *"lmnopqrstuv", 1)])
    assert [s.answer for s in read(tmp_path, head, [("Which?", "x", "y", 7), ("Who?", "z", "u", 1)])] == ["7", "1"]


def test_a_unit_in_a_column_of_its_own_belongs_to_the_number(tmp_path: Path) -> None:
    rows = [
        ("a?", 3.2, "kg"),
        ("b?", "5.0", "m/s"),
        ("c?", 7, ""),
        ("d?", 8, "Unit 3: cells"),
        ("e?", 9, "degrees Celsius"),
    ]
    found = read(tmp_path, ("question", "answer", "unit"), rows)
    assert [s.answer for s in found] == ["3.2 kg", "5.0 m/s", "7", "8", "9 degrees Celsius"]


def test_further_answers_that_say_the_same_number_are_no_others(tmp_path: Path) -> None:
    found = read(tmp_path, ("question", "answer", "accepted"), [("2+2?", 4, "four"), ("3+3?", 6, "six | 7")])
    assert [(s.answer, s.accepted) for s in found] == [("4", ()), ("6", ("7",))]


def test_1_and_0_are_yes_and_no_where_the_kind_is_said(tmp_path: Path) -> None:
    rows = [("Is it?", 1), ("Is it not?", 0), ("Is it so?", "0.0")]
    assert [s.answer for s in read(tmp_path, ("question", "answer"), rows, kind="boolean")] == ["Yes", "No", "No"]


def test_numbers_with_a_decimal_that_pandas_added_name_options_by_their_text(tmp_path: Path) -> None:
    head = ("question", "A", "B", "C", "answer")
    found = read(tmp_path, head, [("a?", 1, 2, 3, "2.0"), ("b?", 10, 20, 30, "20.0"), ("c?", 4, 5, 6, "4.0")])
    assert [s.answer for s in found] == ["B", "B", "A"]


@pytest.mark.parametrize(
    "written",
    [
        ("A. iron", "B. neon"),
        ("A.iron", "B.neon"),
        ("(A) iron", "(B) neon"),
        ("A - iron", "B - neon"),
        ("A、iron", "B、neon"),
        ("[a] iron", "[b] neon"),
        ("1) iron", "2) neon"),
        ("1. iron", "2. neon"),
        ("(1) iron", "(2) neon"),
    ],
)
def test_labels_in_front_of_options_are_removed(tmp_path: Path, written: tuple[str, str]) -> None:
    rows = [("a?", *written, "B"), ("b?", *written, "A")]
    found = read(tmp_path, ("question", "A", "B", "answer"), rows)
    assert [(s.options, s.answer) for s in found] == [(("iron", "neon"), "B"), (("iron", "neon"), "A")]


def test_numbers_that_are_options_stay(tmp_path: Path) -> None:
    rows = [("a?", "1.5", "2.5", "B"), ("b?", "1 mol", "2 mol", "A")]
    found = read(tmp_path, ("question", "A", "B", "answer"), rows)
    assert [s.options for s in found] == [("1.5", "2.5"), ("1 mol", "2 mol")]


@pytest.mark.parametrize("answer", ["B", "b)", "(B)", "B. neon", "neon", "Neon"])
def test_options_in_the_question_are_read_for_every_way_to_name_one(tmp_path: Path, answer: str) -> None:
    for end in ("", "\nAnswer:", "\n\nThe final answer is"):
        found = read(
            tmp_path, ("question", "answer"), [(f"Which?\nA. iron\nB. neon\nC. tin{end}", answer), ("Who?", "Curie")]
        )
        assert (found[0].question, found[0].options, found[0].answer) == ("Which?", ("iron", "neon", "tin"), "B")
    found = read(
        tmp_path, ("question", "answer"), [("Which?\nA. iron\nB. neon\n\nThink of gases.", answer), ("Who?", "x y")]
    )
    assert (found[0].question, found[0].options) == ("Which?\n\nThink of gases.", ("iron", "neon"))
    found = read(tmp_path, ("question", "answer"), [("Which?\nA. iron\nB. neon", "argon"), ("Who?", "Curie")])
    assert found[0].options == ()
