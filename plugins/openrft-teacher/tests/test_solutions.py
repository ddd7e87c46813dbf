"""The rows' own solutions as targets of imitation: which are taken, what is put below them, and what is counted."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from openrft_teacher import Teacher

from openrft import DataError, DataRequest, Sample, Task
from openrft.plugins.task_registry import load_all_rows


class Quiet:
    """Progress that nobody reads."""

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Nothing."""


OPTIONS = ("iron", "osmium")


def choice(solution: str, answer: str = "B") -> Sample:
    return Sample("Which metal is densest?", answer, OPTIONS, meta={"solution": solution})


def number(solution: str) -> Sample:
    return Sample("2 x 6?", "12", kind="number", meta={"solution": solution})


def synthesize(*samples: Sample, **options: Any) -> tuple[list[str], dict[str, int]]:
    """The targets' texts, and the counts."""
    teacher = Teacher(Teacher.Options(model="solutions", **options))
    task = Task("toy/own", samples, samples)
    made = teacher.synthesize(samples, task, policy=None, seed=0, progress=Quiet())  # type: ignore[arg-type]
    return [rollout.completion.text for rollout in made.value], dict(made.counts)


@pytest.mark.parametrize(
    ("sample", "target"),
    [
        (choice("Osmium has 22.6 g/cm3.\n\n  Iron has 7.9."), "Osmium has 22.6 g/cm3.\nIron has 7.9.\n\\boxed{B}"),
        (choice("Osmium is denser.\n\\boxed{B}"), "Osmium is denser.\n\\boxed{B}"),  # it is there already
        (choice("The answer is B."), "The answer is B.\n\\boxed{B}"),
        (number("2 x 6 = 12, see page 40."), "2 x 6 = 12, see page 40.\n\\boxed{12}"),
    ],
)
def test_a_solution_ends_with_the_answer_in_the_asked_form(sample: Sample, target: str) -> None:
    assert synthesize(sample)[0] == [target]


@pytest.mark.parametrize(
    ("solution", "reason"),
    [("", "missing"), (" \n", "missing"), ("So \\boxed{A}", "contradicting"), ("The answer is A.", "contradicting")],
)
def test_a_row_without_a_right_solution_is_unsolved(solution: str, reason: str) -> None:
    good = choice("Osmium is denser.", answer="B")
    bad = Sample("Which is heavier?", "B", OPTIONS, meta={"solution": solution})
    texts, counts = synthesize(good, bad)
    assert texts == ["Osmium is denser.\n\\boxed{B}", "\\boxed{B}"]
    assert (counts["questions"], counts["solved"], counts["fallback"], counts[reason]) == (2, 1, 1, 1)
    texts, counts = synthesize(good, bad, unsolved="leave-out")
    assert (len(texts), counts["left_out"]) == (1, 1)


def test_rows_without_any_solution_are_an_error_with_advice() -> None:
    with pytest.raises(DataError, match=r"none of 2 training questions has a solution.*column `solution`"):
        synthesize(Sample("1?", "1", kind="number"), Sample("2?", "2", kind="number"))


@pytest.mark.parametrize("column", ["solution", "Explanation", "rationale", "exp"])
def test_solutions_are_read_from_a_column(tmp_path: Path, column: str) -> None:
    file = tmp_path / "own.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(
            [["question", "answer", column], ["2 x 6?", "12", "2 x 6 = 12"], ["3 x 5?", "15", ""]]
        )
    task = load_all_rows("questions/own", DataRequest(data=str(file)))
    assert task
    rows = task.train
    assert [sample.meta.get("solution") for sample in rows] == ["2 x 6 = 12", None]
    assert synthesize(*rows)[0] == ["2 x 6 = 12\n\\boxed{12}", "\\boxed{15}"]
