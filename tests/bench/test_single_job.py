"""A job's graded answers become per-item marks of both readings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openrft.bench.report import Item, record_task
from openrft.bench.single_job import summarise_job
from openrft.grading.chance import chance_of_guessing
from openrft.grading.grade import Grade, apply_grade
from openrft.job import Arm, Job
from openrft.pipeline import JobResult
from openrft.testing import toy_task
from openrft.types import Completion, Rollout, Sample

TASK = toy_task(2, 2)
NOTHING: Any = None


def summarise(*grades: Grade) -> Item:
    """What one item's completions with these grades become."""
    rollouts = tuple(apply_grade(Rollout(TASK.test[0], (), Completion("x", (1, 2))), grade) for grade in grades)
    job = Job(Arm("vanilla"), "toy/sums", 0, "scripted")
    result = summarise_job(JobResult(job, TASK, rollouts, Path("x"), None, (), (), "scripted", NOTHING))
    return result.items[TASK.test[0].id]


def test_both_readings_are_marked() -> None:
    unread = Grade(None, False)
    found = summarise(
        Grade("A", True), replace(unread, lenient=Grade("A", True)), replace(unread, lenient=Grade("B", False)), unread
    )
    assert found == Item(
        correct=(True, False, False, False),
        unparsed=(False, True, True, True),
        tokens=8,
        lenient_correct=(True, True, False, False),
        lenient_unparsed=(False, False, False, True),
    )


def test_a_lenient_answer_that_only_a_judge_could_tell_counts_as_in_the_strict_reading() -> None:
    found = summarise(Grade(None, False, lenient=Grade("long words", None)), Grade("a", False, 0.5))
    assert (found.correct, found.unparsed, found.scores) == ((False, False), (True, False), (0.0, 0.5))
    assert (found.lenient_correct, found.lenient_unparsed) == ((False, False), (True, False))


@pytest.mark.parametrize(
    ("sample", "chance"),
    [
        (Sample("q", "B", ("w", "x", "y", "z")), 0.25),
        (Sample("q", "B", ("w", "x", "y", "z"), accepted=("C",)), 0.5),
        (Sample("q", "A", tuple("abcdefghij")), 0.1),
        (Sample("q", "Yes", kind="boolean"), 0.5),
        (Sample("q", "3", kind="number"), 0.0),
        (Sample("q", "water", kind="text"), 0.0),
    ],
)
def test_the_chance_of_a_guess(sample: Sample, chance: float) -> None:
    assert chance_of_guessing(sample) == chance


def test_a_tasks_record_holds_the_chance_of_each_item() -> None:
    task = replace(TASK, test=(TASK.test[0], Sample("Is 1 < 2?", "Yes", kind="boolean", task="toy/sums")))
    assert sorted(item.chance for item in record_task(task).items) == [0.25, 0.5]
