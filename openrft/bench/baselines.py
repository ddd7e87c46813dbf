"""What rules without a model score on a task, for the foot of every table.

The same rules run as arms, with intervals, with `--baselines`. The list of them is `openrft.baselines.known`.
"""

from __future__ import annotations

from collections.abc import Collection

from openrft.baselines.known import NAMES, answerer
from openrft.bench.report import Baseline
from openrft.prompt import boxed
from openrft.rules import asked
from openrft.sample import Sample
from openrft.task import Task


def baselines_of(task: Task, ran: Collection[str] = ()) -> tuple[Baseline, ...]:
    """Every rule that says something of the task, over the test items that can be scored without a judge.

    `ran`: those that ran as arms, and have their rows there.
    """
    found = []
    for name in NAMES:
        if name in ran:
            continue
        rule = answerer(name, task)
        answers = {sample.id: rule(asked(sample)) for sample in task.test}
        if all(answer is None for answer in answers.values()):
            continue
        scores = {s.id: score for s in task.test if (score := _score(task, s, answers[s.id])) is not None}
        if scores:
            found.append(Baseline(task.name, name, sum(scores.values()) / len(scores), scores))
    return tuple(found)


def _score(task: Task, sample: Sample, answer: str | None) -> float | None:
    return task.grade(sample, "" if answer is None else boxed(answer)).value
