"""The family `questions`: its tasks by name, their split, and the instruction before every question."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from openrft import (
    DataError,
    DataRequest,
    Grade,
    Sample,
    SourceTable,
    Task,
    TaskInfo,
    grade,
    splits,
    strip_thinking,
)
from openrft_questions.golds import is_sentence
from openrft_questions.samples import SamplesBySide, load_samples, read_table
from openrft_questions.sources import ALL, FAMILY, WHAT, find_source

logger = logging.getLogger(__name__)

# How answers of each kind are to be written: alone in a task, and where the task has several kinds.
ANSWER_FORMATS = {
    "choice": ("the letter of the right option", "where options are given"),
    "boolean": ("Yes or No", "for a yes/no question"),
    "number": ("the number alone", "where a number is asked for"),
    "expression": ("the expression alone", "where an expression is asked for"),
    "text": ("the answer alone", "else"),
}
OPEN_INSTRUCTION = "Reason step by step, one step per line, and end with your answer."


class QuestionsFamily:
    """A task a file, and `questions/all`, every file's questions together."""

    family = FAMILY

    def names(self, data: str | None = None) -> list[TaskInfo]:
        """The files' tasks, and all together. Reads no rows."""
        if data is None:
            return [TaskInfo(ALL, f"your own questions: name a {WHAT} with --data", absent=True)]
        found = find_source(data)
        leaves = list(dict.fromkeys(file.leaf for file in found.files))
        alias = f"{FAMILY}/{leaves[0]}" if len(leaves) == 1 else ALL
        pooled = TaskInfo(ALL, f"the questions of {len(leaves)} files" if leaves[1:] else "the same", alias_of=alias)
        infos = [TaskInfo(f"{FAMILY}/{leaf}", f"questions of {found.describe(leaf)}") for leaf in leaves]
        return [*infos, pooled] if f"{FAMILY}/{leaves[0]}".lower() != ALL else infos

    def resolve_alias(self, name: str) -> str:
        """`questions` alone means all of them."""
        return ALL if name == FAMILY else name

    def load(self, name: str, request: DataRequest) -> Task:
        """Train and test as the files or their column `split` have them, else drawn by seed. Raises DataError."""
        samples, notes = load_samples(name, request)
        for warning in notes["warnings"]:
            logger.warning("%s: %s", name, warning)
        if None not in samples:
            train, test = (
                splits.draw_samples(samples[side], count, request.seed, _stratum)
                for side, count in (("train", request.train), ("test", request.test))
            )
            counts = (
                f"{len(took)} of {len(samples[side])} {side}" for side, took in (("train", train), ("test", test))
            )
            rule = f"your own; {', '.join(counts)}"
            return _make_task(name, samples, train, test, {**notes, "split": rule})
        rule = f"drawn by seed {request.seed}, leakage groups on one side"
        have, groups = len(samples[None]), splits.group_related_samples(samples[None])
        if have < request.train + request.test:
            rule += f"; asked for {request.train} train and {request.test} test, and there are {have}"
        train, test = splits.split_groups(groups, request.train, request.test, request.seed, _stratum)
        if not train or not test:
            raise DataError(
                f"{name}: no train and test side can be drawn from {have} questions of which up to"
                f" {max(map(len, groups))} have to stay together (alike, or of one group).",
                "Ask for more with --train and --test, give more rows, or put train or test into a column `split`.",
            )
        return _make_task(name, samples, train, test, {**notes, "split": rule})

    def load_all(self, name: str, request: DataRequest) -> Task:
        """All usable rows: in train where nothing says where they belong. Raises DataError."""
        samples, notes = load_samples(name, request)
        train = [*samples.get(None, ()), *samples.get("train", ())]
        return _make_task(name, samples, train, samples.get("test", []), {**notes, "split": "none: all rows"})

    def read_rows(
        self,
        request: DataRequest,
        needs: Collection[str] = ("question", "answer"),
        extra: Mapping[str, Sequence[str]] = {},
    ) -> SourceTable:
        """Every row of the source, also without answers or with further columns (`openrft.ReadsRows`)."""
        return read_table(request, needs, extra)


def _make_task(
    name: str, samples: SamplesBySide, train: Sequence[Sample], test: Sequence[Sample], notes: dict[str, Any]
) -> Task:
    task = Task(name, tuple(train), tuple(test), notes=notes)
    every = [sample for of_side in samples.values() for sample in of_side]  # of all, so the same for every draw
    kinds = {sample.kind for sample in every if not is_open(sample)}
    instruction = build_instruction(kinds) if kinds else OPEN_INSTRUCTION
    if any(map(is_open, every)):
        task = replace(task, grade=grade_or_leave_open)
    return replace(task, instruction=instruction) if instruction else task


def is_open(sample: Sample) -> bool:
    """Whether only the row's rubric can grade it: it has no answer, or one that no model writes word for word."""
    return "rubric" in sample.meta and (not sample.answer or is_sentence(sample.answer, sample.kind))


def grade_or_leave_open(sample: Sample, completion: str) -> Grade:
    """The harness's own verdict; none where only whoever grades by rubrics can tell."""
    return Grade(strip_thinking(completion).strip(), None) if is_open(sample) else grade(sample, completion)


def build_instruction(kinds: Iterable[str]) -> str | None:
    """One instruction for all of a task's kinds of answer; None where the harness's own fits: options alone."""
    found = {*kinds}
    formats = [words for kind, words in ANSWER_FORMATS.items() if kind in found]
    if found == {"choice"}:
        return None
    what = formats[0][0] if len(formats) == 1 else ", ".join(" ".join(words) for words in formats)
    return f"Reason step by step, one step per line. Put the final answer in \\boxed{{}} on the last line: {what}."


def _stratum(sample: Sample) -> splits.Stratum:
    return sample.task, str(sample.meta.get("topic", ""))
