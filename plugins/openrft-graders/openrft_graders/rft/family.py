"""The family `openai-rft`: one task, whose rows are those of a reinforcement fine-tuning job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from openrft import DataError, DataRequest, Grade, Sample, Task, TaskInfo, UnknownName, escape_terminal, splits
from openrft_graders.case import read_output
from openrft_graders.response_format import describe_format, find_response_format
from openrft_graders.rft.rows import BadRow, parse_row, read_rows
from openrft_graders.rft.sources import RFTSource, find_source

FAMILY = "openai-rft"
TASK = f"{FAMILY}/rows"
SHOWN = 5  # bad rows that a message names


class RFTFamily:
    """See `openrft.TaskFamily`."""

    family = FAMILY

    def names(self, data: str | None = None) -> list[TaskInfo]:
        """One task. Reads no rows."""
        if data is None:
            return [TaskInfo(TASK, "your own reinforcement fine-tuning job: name it with --data", absent=True)]
        return [TaskInfo(TASK, f"rows of {escape_terminal(find_source(data).train.name)}")]

    def resolve_alias(self, name: str) -> str:
        """`openai-rft` alone means its only task."""
        return TASK if name == FAMILY else name

    def find_source(self, data: str | None) -> Path | None:
        """The file or folder that `data` names; none without it."""
        return None if data is None else find_source(data).train.parent

    def load(self, name: str, request: DataRequest) -> Task:
        """Train and validation as the job has them, or drawn by seed from one file. Raises DataError, UnknownName."""
        train, test, notes, source = _read_sides(name, request)
        if source.validation is not None:
            taken = splits.draw_samples(train, request.train, request.seed)
            tested = splits.draw_samples(test, request.test, request.seed)
            rule = f"the job's own; {len(taken)} of {len(train)} train, {len(tested)} of {len(test)} validation"
            return _make_task(source, taken, tested, {**notes, "split": rule})
        groups = splits.group_related_samples(train)
        taken, tested = splits.split_groups(groups, request.train, request.test, request.seed)
        if not taken or not tested:
            raise DataError(
                f"{source.train}: no train and test side can be drawn from {len(train)} rows.",
                "Give a validation file beside it, such as validation.jsonl beside train.jsonl.",
            )
        return _make_task(source, taken, tested, {**notes, "split": f"drawn by seed {request.seed}"})

    def load_all(self, name: str, request: DataRequest) -> Task:
        """All usable rows."""
        train, test, notes, source = _read_sides(name, request)
        return _make_task(source, train, test, {**notes, "split": "none: all rows"})


def leave_open(sample: Sample, completion: str) -> Grade:
    """The answer without a verdict: the job's grader grades it."""
    return Grade(read_output(completion)["output_text"], None)


def _make_task(source: RFTSource, train: Sequence[Sample], test: Sequence[Sample], notes: dict[str, object]) -> Task:
    described = describe_format(find_response_format(source.job)) if source.job is not None else ""
    train, test = ([_add_instruction(sample, described) for sample in side] for side in (train, test))
    return Task(TASK, tuple(train), tuple(test), described, leave_open, notes=notes)


def _add_instruction(sample: Sample, words: str) -> Sample:
    """The sample with the words behind its own system turn. Without one, they are the task's instruction."""
    if not (words and sample.history and sample.history[0]["role"] == "system"):
        return sample
    first, *rest = sample.history
    opening = {"role": "system", "content": f"{first['content']}\n\n{words}"}
    return replace(sample, history=(opening, *rest))


def _read_sides(name: str, request: DataRequest) -> tuple[list[Sample], list[Sample], dict[str, object], RFTSource]:
    if name not in (TASK, FAMILY):
        raise UnknownName("task", name, [TASK])
    source = find_source(request.data)
    bad: Counter[str] = Counter()
    sides = [
        _read_samples(file, request.skip_bad_rows, bad) if file else [] for file in (source.train, source.validation)
    ]
    files = [file.name for file in (source.train, source.validation) if file]
    notes: dict[str, object] = {
        "source": ", ".join(files),
        "licence": "as your file's",
        "rows_read": sum(map(len, sides)) + bad.total(),
        "bad_rows": dict(sorted(bad.items())),
    }
    return sides[0], sides[1], notes, source


def _read_samples(file: Path, skip_bad_rows: bool, bad: Counter[str]) -> list[Sample]:
    seen: Counter[str] = Counter()
    samples, faults = [], []
    for number, row in read_rows(file):
        try:
            sample = parse_row(row, TASK)
        except BadRow as fault:
            bad[str(fault)] += 1
            faults.append(f"row {number} {fault}")
            continue
        samples.append(replace(sample, copy_index=seen[sample.id]) if seen[sample.id] else sample)
        seen[sample.id] += 1
    if faults and not skip_bad_rows:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise DataError(
            f"{file}: {'; '.join(faults[:SHOWN])}{more}.", "Fix these rows, or leave them out with --skip-bad-rows."
        )
    if not samples:
        raise DataError(f"{file}: it has no rows.", "Give a JSON Lines file with one object a line.")
    return samples
