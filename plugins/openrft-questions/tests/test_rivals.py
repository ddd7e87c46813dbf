"""Several columns that may hold the right answers, and columns that say whether an answer is right."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from openrft import DataError, DataRequest, Sample, UsageError
from openrft.plugins.task_registry import load_all_rows


def read(path: Path, rows: Sequence[Sequence[object]], columns: str | None = None) -> list[Sample]:
    """The samples of a CSV file, whose first row names its columns."""
    with (path / "own.csv").open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    return list(load_all_rows("questions/own", DataRequest(data=str(path / "own.csv"), columns=columns)).train)


@pytest.mark.parametrize("right", ["ground_truth", "reference", "target", "expected_answer", "Best Answer", "label"])
def test_a_models_answers_beside_the_right_ones_are_asked_about(tmp_path: Path, right: str) -> None:
    rows = [["question", right, "answer"], ["Where is Oslo?", "Norway", "Sweden"], ["And Rome?", "Italy", "Italy"]]
    with pytest.raises(UsageError) as fault:
        read(tmp_path, rows)
    assert f"line 2: answer ('Sweden') and {right} ('Norway') differ" in str(fault.value)
    assert f"--map answer={right}" in str(fault.value)
    assert [s.answer for s in read(tmp_path, rows, f"answer={right}")] == ["Norway", "Italy"]
    assert [s.answer for s in read(tmp_path, rows, "answer=answer")] == ["Sweden", "Italy"]


@pytest.mark.parametrize(("answer", "right"), [("5", "-5"), ("5", "0.5"), ("1.5", "5")])
def test_a_number_in_another_one_is_another(tmp_path: Path, answer: str, right: str) -> None:
    rows = [["question", "answer", "ground_truth"], ["How many kelvin?", answer, right]]
    with pytest.raises(UsageError, match="Which column holds the right answers"):
        read(tmp_path, rows)


@pytest.mark.parametrize("right", ["Correct", "label", "correct_option"])
def test_options_that_differ_are_asked_about(tmp_path: Path, right: str) -> None:
    rows = [["Question", "A", "B", "Answer", right], ["Metal?", "iron", "neon", "B", "A"]]
    with pytest.raises(UsageError, match="Which column holds the right answers"):
        read(tmp_path, rows)


@pytest.mark.parametrize(
    ("further", "cells"),
    [
        ("label", ["easy", "hard"]),  # about something else
        ("reference", ["p. 12", "p. 13"]),
        ("ground_truth", ["iron", "Neon"]),
        ("answer_text", ["iron", "neon"]),
        ("final_answer", ["A", "B"]),
        ("label", ["0", "1"]),  # the same options, counted
        ("correct", ["1", "0"]),  # whether somebody was right
        ("reference_answer", ["It is iron.", "neon, a gas"]),
    ],
)
def test_columns_that_say_the_same_or_something_else_are_no_rivals(
    tmp_path: Path, further: str, cells: Sequence[str]
) -> None:
    rows = [["question", "A", "B", "answer", further], ["Metal?", "iron", "neon", "A", cells[0]],
            ["Gas?", "iron", "neon", "B", cells[1]]]  # fmt: skip
    assert [s.answer for s in read(tmp_path, rows)] == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("is_correct", ("0", "1")), ("is_correct", ("incorrect", "correct")), ("is_right", ("wrong", "right"))],
)
def test_an_answer_that_is_called_wrong_is_no_gold(tmp_path: Path, name: str, says: tuple[str, str]) -> None:
    rows = [["question", "A", "B", "answer", name], ["Metal?", "iron", "neon", "B", says[0]],
            ["Gas?", "iron", "neon", "B", says[1]]]  # fmt: skip
    with pytest.raises(DataError, match=r"line 2: .* says that this answer is wrong"):
        read(tmp_path, rows)


@pytest.mark.parametrize("name", ["option", "candidate", "response_text"])
def test_verdicts_on_one_option_a_row_are_no_answers(tmp_path: Path, name: str) -> None:
    rows = [["question", name, "correct"], ["Metal?", "iron", "TRUE"], ["Metal?", "neon", "FALSE"]]
    with pytest.raises(DataError, match="no column holds the right answers"):
        read(tmp_path, rows)


def test_counts_of_wrong_answers_are_no_options(tmp_path: Path) -> None:
    rows = [["Question", "Answer", "Correct", "Wrong"], ["Capital of Peru?", "Lima", 20, 5]]
    assert [(s.answer, s.options) for s in read(tmp_path, rows)] == [("Lima", ())]
