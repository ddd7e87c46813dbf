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


@pytest.mark.parametrize(
    ("head", "labels"),
    [
        ("А Б В", "АБВ"),
        ("Α Β Γ", "ΑΒΓ"),
        ("א ב ג", "אבג"),
        ("가 나 다", "가나다"),
        ("① ② ③", "①②③"),
    ],
    ids=["Cyrillic", "Greek", "Hebrew", "Korean", "circled"],
)
def test_options_are_counted_in_other_alphabets(tmp_path: Path, head: str, labels: str) -> None:
    rows = [[f"{i}?", "iron", "tin", f"metal {i}", labels[i]] for i in range(3)]
    samples = read(tmp_path, ["question", *head.split(), "answer"], rows)
    assert [(sample.answer, sample.options[:2]) for sample in samples] == [(one, ("iron", "tin")) for one in "ABC"]


@pytest.mark.parametrize("name", ["Scenario", "Clinical vignette", "case_study", "text", "Excerpt", "材料"])
def test_what_stands_before_a_question_is_read(tmp_path: Path, name: str) -> None:
    rows = [[f"Acid number {i} is added.", "What colour results?", f"red {i}"] for i in range(3)]
    samples = read(tmp_path, [name, "question", "answer"], rows)
    assert samples[0].question == "Acid number 0 is added.\n\nWhat colour results?"
    rows = [["把酸加入石蕊溶液中", f"{i}?", "red"] for i in range(3)]
    assert read(tmp_path, [name, "question", "answer"], rows)[0].question == "把酸加入石蕊溶液中\n\n0?"
    numbered = read(
        tmp_path, [name, "question", "answer"], [[str(i), f"Which colour is {i}?", "red"] for i in range(3)]
    )
    assert numbered[0].question == "Which colour is 0?"  # it only counts the questions


def test_a_column_correct_beside_answers_makes_no_wrong_one_gold(tmp_path: Path) -> None:
    rows = [["Noble?", "Fe", "FALSE"], ["Metal?", "Au", "TRUE"]]
    with pytest.raises(DataError, match="line 2: the column 'correct' says that this answer is wrong"):
        read(tmp_path, ["question", "answer", "correct"], rows)
    of_a_model = read(
        tmp_path, ["question", "answer", "model answer", "correct"], [[*row[:2], "x", row[2]] for row in rows]
    )
    assert [sample.answer for sample in of_a_model] == ["Fe", "Au"]


@pytest.mark.parametrize(
    "written", ["A) He B) H2 C) Ne", "A. He B. H2 C. Ne", "(A) He (B) H2 (C) Ne", "a) He b) H2 c) Ne"]
)
def test_options_in_the_line_of_the_question(tmp_path: Path, written: str) -> None:
    samples = read(tmp_path, ["question", "answer"], [[f"Lightest? {written}", "B"], [f"Heaviest? {written}", "C"]])
    assert [(s.question, s.options, s.answer) for s in samples] == [
        ("Lightest?", ("He", "H2", "Ne"), "B"),
        ("Heaviest?", ("He", "H2", "Ne"), "C"),
    ]


@pytest.mark.parametrize("answer", ["(b)", "B.", "Option B"])
def test_a_letter_without_options_is_refused(tmp_path: Path, answer: str) -> None:
    with pytest.raises(DataError, match="without options"):
        read(tmp_path, ["question", "answer"], [["Question 3 of the exam?", answer], ["Question 4?", answer]])


def test_the_third_of_three_verdicts_is_an_option(tmp_path: Path) -> None:
    verdicts = ["True", "False", "Not Given"]
    samples = read(tmp_path, ["question", "answer"], [[f"Gold {i}.", word] for i, word in enumerate(verdicts)])
    assert [(s.options, s.answer) for s in samples] == [(("true", "false", "not given"), letter) for letter in "ABC"]


@pytest.mark.parametrize(
    ("unit", "gold"),
    [
        (r"$10^{-3} \mathrm{~s}^{-1}$", "4.5e-3 s^-1"),
        ("x10^3 kg", "4.5e3 kg"),
        (r"$\mathrm{atm}$", "4.5 atm"),
    ],
)
def test_a_unit_in_latex_or_with_a_power_of_ten(tmp_path: Path, unit: str, gold: str) -> None:
    assert (
        read(tmp_path, ["question", "answer", "unit"], [["Rate?", "4.5", unit], ["?", "4.5", unit]])[0].answer == gold
    )


@pytest.mark.parametrize(("sides", "test"), [(("train", "test"), 1), (("physics 1", "physics 2"), 0)])
def test_a_column_set_divides_only_if_it_names_sides(tmp_path: Path, sides: Sequence[str], test: int) -> None:
    rows = [[f"{i}?", "iron", side] for i, side in enumerate(sides)]
    assert len(read(tmp_path, ["question", "answer", "set"], rows)) == 2
    task = load_all_rows("questions/q", DataRequest(data=str(tmp_path / "q.csv")))
    assert task
    assert len(task.test) == test


def test_a_list_beside_an_answer_holds_the_options(tmp_path: Path) -> None:
    rows = [["Q1?", "['iron', 'tin', 'gold']", "B"], ["Q2?", "['neon', 'argon', 'xenon']", "C"]]
    samples = read(tmp_path, ["question", "answers", "label"], rows)
    assert [(s.options[0], s.answer) for s in samples] == [("iron", "B"), ("neon", "C")]


def test_answers_2_and_3_beside_the_answer_are_wrong_ones(tmp_path: Path) -> None:
    rows = [["Lightest?", "H2", "He", "Ne"], ["Heaviest?", "Os", "Fe", "Li"]]
    samples = read(tmp_path, ["question", "correct answer", "answer 2", "answer 3"], rows)
    assert [(s.gold, {*s.options}) for s in samples] == [("H2", {"H2", "He", "Ne"}), ("Os", {"Os", "Fe", "Li"})]


def test_verdicts_on_somebodys_answers_are_no_golds(tmp_path: Path) -> None:
    rows = [["Lightest gas?", "H2", "TRUE"], ["Noble metal?", "Fe", "FALSE"]]
    with pytest.raises(DataError, match="the column correct tells whether student answer is right"):
        read(tmp_path, ["question", "student answer", "correct"], rows)


def test_several_options_of_a_question_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names several options"):
        read(tmp_path, ["question", "answer"], [["Noble?\n(A) He\n(B) O2\n(C) Ne", "A, C"]] * 2)


def test_a_letter_decides_what_a_number_beside_it_means(tmp_path: Path) -> None:
    rows = [["1 + 2?", "4", "1", "3", "3", "C"], ["1 + 1?", "2", "3", "1", "2", "A"]]
    samples = read(tmp_path, ["question", "A", "B", "C", "answer", "answer_letter"], rows)
    assert [s.answer for s in samples] == ["C", "A"]


@pytest.mark.parametrize(("name", "told"), [("what happened", True), ("teacher's comment", False)])
def test_sentences_that_are_not_read_are_told(tmp_path: Path, name: str, told: bool) -> None:
    rows = [[f"A man of {i} fell down the stairs.", f"Which bone is broken, {i}?", "ulna"] for i in range(3)]
    samples = read(tmp_path, [name, "question", "answer"], rows)
    assert samples[0].question == "Which bone is broken, 0?"
    task = load_all_rows("questions/q", DataRequest(data=str(tmp_path / "q.csv")))
    assert task
    assert any("say --map passage=what happened" in words for words in task.notes["warnings"]) == told
