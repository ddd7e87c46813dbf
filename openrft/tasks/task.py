"""A task: train and test samples with a name, and how to prompt, grade, reword and check them. And task families.

This file does not know where a family's rows are stored; the family's plugin does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from openrft.config.options import option
from openrft.grading.grade import Grade, grade
from openrft.runtime.progress import Progress
from openrft.tasks.prompt import INSTRUCTION
from openrft.types import AnswerKind, Sample

Grader = Callable[[Sample, str], Grade]
Rewriter = Callable[[Sample, int, int], list[str]]  # (sample, how many, seed) -> new wordings of the stem
StepChecker = Callable[[Sample, Sequence[str]], list[bool]]  # (sample, steps) -> is each step sound


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """One task in a listing, made without reading rows."""

    name: str  # the full name, e.g. "pocket/L3/lattice_volume"
    summary: str
    rows: int | None = None  # how many there are; None = unlimited, or not known without reading
    alias_of: str | None = None  # this is another name of that task: it can be asked for, but globs do not match it
    level: str | None = None
    domain: str | None = None
    types: Mapping[str, int] | None = None  # rows by the family's own types; None = not known without reading
    absent: bool = False  # the source has no rows of it: it can be asked for, but globs do not match it


@dataclass(frozen=True, slots=True)
class DataRequest:
    """How many samples of a task to load, from where, and how strictly."""

    train: int = option(100, help="Training questions per task.", source="paper, section 3", ge=1)
    test: int = option(100, help="Test questions per task.", ge=1)
    # Independent of the training seeds, so all seeds share their test items.
    seed: int = option(0, help="Seed of the train and test split, if the data has no split of its own.")
    data: str | None = option(
        None, help="A folder, a file or another source that the task family can read; none: the family's own rows."
    )
    skip_bad_rows: bool = option(False, help="Leave out malformed rows and count them instead of refusing the run.")
    drop_leaks: bool = option(False, help="Remove train samples that overlap with test.")
    clean: bool = option(False, help="Leave out rows with a known defect, in train and test.")
    tolerance: float | None = option(
        None,
        help="Allowed relative error of a number (0.01: one percent of the gold answer); none: half a unit of"
        " the gold answer's last digit.",
        ge=0,
    )
    convert_units: bool = option(
        False, help="Accept an equal answer in another unit (0.05 m for 5 cm); needs the package pint."
    )
    # The fields below are for a family that reads rows of any layout (`ReadsRows`); others refuse them.
    columns: str | None = option(
        None, help="What the columns mean, if their names do not say so: question=prompt,answer=gold."
    )
    count_from: Literal[0, 1] | None = option(
        None, help="Whether numbered answers count the options from 0 or from 1; none: as the rows show."
    )
    kind: AnswerKind | None = option(None, help="The kind of all answers; none: as the rows say, or as it is detected.")
    sheet: str | None = option(None, help="The sheet of a workbook; none: its only one.")
    split: str | None = option(
        None, help="The split of a data set to draw from, or TRAIN:TEST; none: its train and test, or its only one."
    )


@dataclass(frozen=True, slots=True)
class Task:
    """Train and test samples with everything needed to prompt and grade them."""

    name: str
    train: tuple[Sample, ...]  # empty if there is no outcome reward; such a task can only be evaluated
    test: tuple[Sample, ...]
    instruction: str = INSTRUCTION
    grade: Grader = grade
    rewrite: Rewriter | None = None  # rule-based rewording, if the family has it
    check_steps: StepChecker | None = None  # exact process labels, if the family has them
    notes: Mapping[str, Any] = field(default_factory=dict)  # plain JSON: source, skipped rows, overlaps
    baseline_rules: Mapping[str, Rule] = field(default_factory=dict)  # by leaf task: a rule that solves it, no model


class TaskFamily(Protocol):
    """What the `tasks` provider of a plugin returns. `family` equals the plugin's entry-point name.

    A family whose rows are in files may also be `ProvidesAllRows`, `ReadsRows` and `PreparesStore`. A family whose
    tasks have names that it does not list may be `HasAliases`, and one with a default source `HasSource`. The core
    looks for their methods by name.
    """

    family: str

    def names(self, data: str | None = None) -> list[TaskInfo]:
        """Every task, without reading rows. `data` is the source, as in DataRequest."""
        ...

    def load(self, name: str, request: DataRequest) -> Task:
        """Load one task by its full name. Raises UnknownName or DataError.

        Samples may be related although their questions and options differ. They then share a key `KIND:KEY` in
        `meta["leakage_groups"]` and are never on both sides of a drawn split.
        """
        ...


@runtime_checkable
class ProvidesAllRows(Protocol):
    """A family that can show all rows of a task."""

    def load_all(self, name: str, request: DataRequest) -> Task:
        """Like `load`, with every usable row and no draw. Rows are in train if the data has no split of its own.

        This includes rows without an outcome reward. `request.train`, `test` and `seed` are ignored.
        """
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A sample without its answer, as a rule sees it."""

    text: str  # the stem, without options
    options: tuple[str, ...] = ()
    kind: AnswerKind = "choice"
    task: str = ""  # the leaf task it belongs to


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a source, unchanged."""

    place: str  # for messages: "mine.csv line 3"
    question: Question | None  # None: the row cannot be used
    sample: Sample | None = None  # the question with its gold answer; None for a row without an answer
    fault: str = ""  # why the row cannot be used, or its answer cannot be read where none is needed
    extra: Mapping[str, Any] = field(default_factory=dict)  # by the meaning that was asked for; only filled cells
    cells: Mapping[str, Any] = field(default_factory=dict)  # every column by its own name


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Every row of a source, in its order, and how the rows were understood."""

    rows: tuple[SourceRow, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)  # plain JSON: layout, warnings, columns_ignored


@runtime_checkable
class ReadsRows(Protocol):
    """A family that reads rows of any layout, also such as are no task: without answers, or with completions."""

    def read_rows(
        self,
        request: DataRequest,
        needs: Collection[str] = ("question", "answer"),
        extra: Mapping[str, Sequence[str]] = {},
    ) -> SourceTable:
        """The rows of `request.data`. `columns`, `count_from`, `kind`, `sheet` and `split` of the request explain them.

        `needs`: which of question and answer every row must have; the other may be missing. `extra`: further meanings,
        each with the names that its column may have, such as {"completion": ("completion", "response", "output")}.
        A row that cannot be used says why; it raises nothing. Raises DataError for a source that cannot be read, or
        without a column that is needed.
        """
        ...


@runtime_checkable
class PreparesStore(Protocol):
    """A family that can convert its rows once into a store that loads fast."""

    def prepare(self, source: str | None, to: Path, skip_bad_rows: bool, progress: Progress) -> Mapping[str, Any]:
        """Convert `source` (as in `DataRequest.data`) into the folder `to`, which can then be a `DataRequest.data`.

        Returns counts as plain JSON, including `rows`. A call that is interrupted leaves `to` as it was. Raises
        UsageError or DataError.
        """
        ...


@runtime_checkable
class HasAliases(Protocol):
    """A family whose tasks have further names that it does not list."""

    def resolve_alias(self, name: str) -> str:
        """The name or glob as `names` lists it; unchanged if it is not an alias."""
        ...


@runtime_checkable
class HasSource(Protocol):
    """A family that may read rows from files that `DataRequest.data` does not name, such as a default folder."""

    def find_source(self, data: str | None) -> Path | None:
        """The file or folder that the rows come from; None if they are generated, bundled or not on this disk.

        A task is kept in memory as long as nothing there changes.
        """
        ...


Answerer = Callable[[Question], str | None]  # -> a letter, Yes or No, or a text; None = the rule does not apply
Rule = Callable[[Sequence[Sample]], Answerer]  # made from the train split


def hide_answer(sample: Sample) -> Question:
    """The part of a sample that a rule may see."""
    return Question(sample.question, sample.options, sample.kind, sample.task)
