"""The family `questions`: from the files that `--data` names to a Task. Reads top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openrft import DataError, DataRequest, Sample, Task, TaskInfo, splits
from openrft_questions.asking import instruction
from openrft_questions.files import ALL, FAMILY, tables_in
from openrft_questions.pool import Parts, samples_of


class QuestionsFamily:
    """A task a file, and `questions/all`, every file's questions together."""

    family = FAMILY

    def names(self, data: str | None = None) -> list[TaskInfo]:
        """The files' tasks, and all together. Reads no rows."""
        if data is None:
            return [TaskInfo(ALL, "your own questions: name a CSV or JSON file with --data", absent=True)]
        found = tables_in(data)
        leaves = list(dict.fromkeys(table.leaf for table in found.tables))
        alias = f"{FAMILY}/{leaves[0]}" if len(leaves) == 1 else ALL
        pooled = TaskInfo(ALL, f"the questions of {len(leaves)} files" if leaves[1:] else "the same", alias_of=alias)
        infos = [TaskInfo(f"{FAMILY}/{leaf}", f"questions of {found.label(leaf)}") for leaf in leaves]
        return [*infos, pooled] if f"{FAMILY}/{leaves[0]}".lower() != ALL else infos

    def canonical(self, name: str) -> str:
        """`questions` alone means all of them."""
        return ALL if name == FAMILY else name

    def load(self, name: str, request: DataRequest) -> Task:
        """Train and test as the files or their column `split` have them, else drawn by seed. Raises DataError."""
        parts, notes = samples_of(name, request)
        if None not in parts:
            train, test = (
                splits.draw(parts[side], count, request.seed, _stratum)
                for side, count in (("train", request.train), ("test", request.test))
            )
            counts = (f"{len(took)} of {len(parts[side])} {side}" for side, took in (("train", train), ("test", test)))
            rule = f"your own; {', '.join(counts)}"
            return _task(name, parts, train, test, {**notes, "split": rule})
        rule = f"drawn by seed {request.seed}, kin on one side"
        have, groups = len(parts[None]), splits.kin_groups(parts[None])
        if have < request.train + request.test:
            rule += f"; asked for {request.train} train and {request.test} test, and there are {have}"
        train, test = splits.split(groups, request.train, request.test, request.seed, _stratum)
        if not train or not test:
            raise DataError(
                f"{name}: no train and test side can be drawn from {have} questions of which up to"
                f" {max(map(len, groups))} have to stay together (alike, or of one group).",
                "Ask for more with --train and --test, give more rows, or put train or test into a column `split`.",
            )
        return _task(name, parts, train, test, {**notes, "split": rule})

    def whole(self, name: str, request: DataRequest) -> Task:
        """All usable rows: in train where nothing says where they belong. Raises DataError."""
        parts, notes = samples_of(name, request)
        train = [*parts.get(None, ()), *parts.get("train", ())]
        return _task(name, parts, train, parts.get("test", []), {**notes, "split": "none: all rows"})


def _task(name: str, parts: Parts, train: Sequence[Sample], test: Sequence[Sample], notes: dict[str, Any]) -> Task:
    task = Task(name, tuple(train), tuple(test), notes=notes)
    told = instruction(sample.kind for samples in parts.values() for sample in samples)  # the same for every draw
    return replace(task, instruction=told) if told else task


def _stratum(sample: Sample) -> splits.Stratum:
    return sample.task, str(sample.meta.get("topic", ""))
