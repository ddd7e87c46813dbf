"""Targets that people wrote: the rows' own solutions, which a family keeps in `Sample.meta["solution"]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from openrft import Completion, DataError, Sample, Task, box_answer

ADVICE = "Give the file a column `solution`, or name a model: teacher.model=self."


def read_solutions(samples: Sequence[Sample], task: Task) -> tuple[dict[int, Completion], dict[str, int]]:
    """The targets by the number of their sample, and counts of the others: `missing` and `contradicting`.

    A line with the gold answer in the asked form is put below a solution that has none. Raises DataError if no sample
    has a solution.
    """
    found: dict[int, Completion] = {}
    counts = {"missing": 0, "contradicting": 0}
    for number, sample in enumerate(samples):
        target = _write_target(sample, task)
        if target in counts:
            counts[target] += 1
        else:
            found[number] = Completion(target)
    if counts["missing"] == len(samples):
        raise DataError(f"teacher.model=solutions: none of {len(samples)} training questions has a solution.", ADVICE)
    return found, counts


def _write_target(sample: Sample, task: Task) -> str | Literal["missing", "contradicting"]:
    """The text to imitate, or why there is none."""
    lines = [line.strip() for line in str(sample.meta.get("solution") or "").splitlines() if line.strip()]
    if not lines:
        return "missing"
    text = "\n".join(lines)
    verdict = task.grade(sample, text)
    if verdict.correct and "\\boxed" in lines[-1]:
        return text
    # A reader of free text may take any number for the answer, but a letter or yes and no are said in clear words.
    readings = (verdict, verdict.lenient) if sample.kind in ("choice", "boolean") else (verdict,)
    if any(reading and reading.answer is not None and not reading.correct for reading in readings):
        return "contradicting"
    whole = f"{text}\n{box_answer(sample.answer)}"
    return whole if task.grade(sample, whole).correct else "contradicting"
