"""A task: named train and test samples, how to prompt, grade, reword and check them; and the families they come from.

Knows how selectors are written (`family/level/name`, globs) and what is done about samples that leak from train into
test. Does not know where any family's rows lie: that is the family's plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from openrft.grading.grade import Grade, grade
from openrft.runtime.progress import Progress
from openrft.tasks.prompt import INSTRUCTION
from openrft.types import AnswerKind, Sample

Grader = Callable[[Sample, str], Grade]
Rewriter = Callable[[Sample, int, int], list[str]]  # (sample, how many, seed) -> new wordings of the stem
StepChecker = Callable[[Sample, Sequence[str]], list[bool]]  # (sample, steps) -> is each step sound


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task's line in a listing; made without reading rows."""

    name: str  # the whole selector, e.g. "pocket/L3/lattice_volume"
    summary: str
    rows: int | None = None  # how many there are; None = not known without reading, or unlimited
    alias_of: str | None = None  # another name for that task: can be asked for, but no glob stands for it
    level: str | None = None
    domain: str | None = None
    types: Mapping[str, int] | None = None  # rows by the family's own types; None = not known without reading
    absent: bool = False  # the source at hand has no rows of it: can be asked for, but no glob stands for it


@dataclass(frozen=True, slots=True)
class DataRequest:
    """How many samples of a task are wanted, from where, and how strictly."""

    train: int = 100  # the paper's setting (section 3)
    test: int = 100
    seed: int = 0  # draws the split; independent of the training seeds, so all seeds share their test items
    data: str | None = None  # a folder, file or other source that the family knows; None = the family's default
    skip_bad_rows: bool = False  # count malformed rows instead of refusing the run
    drop_leaks: bool = False  # remove from train what overlaps with test
    clean: bool = False  # leave out rows with a known defect (`Sample.meta["defects"]`), train and test

    def __post_init__(self) -> None:
        if min(self.train, self.test) < 1:
            raise ValueError("train and test must be at least 1")


@dataclass(frozen=True, slots=True)
class Task:
    """Train and test samples with everything needed to prompt and grade them."""

    name: str
    train: tuple[Sample, ...]  # empty where no outcome reward exists: such a task can be evaluated only
    test: tuple[Sample, ...]
    instruction: str = INSTRUCTION
    grade: Grader = grade
    rewrite: Rewriter | None = None  # rule-based rewording, where the family has one
    check_steps: StepChecker | None = None  # exact process labels, where the family has them
    notes: Mapping[str, Any] = field(default_factory=dict)  # plain JSON: source, skipped rows, overlaps
    rules: Mapping[str, Rule] = field(default_factory=dict)  # by leaf task: what is known to solve it without a model


class TaskFamily(Protocol):
    """What the `tasks` provider of a plugin returns. `family` equals the plugin's entry-point name.

    A family whose rows lie in files may also be `Whole` and `Preparing`, and one whose tasks go by further names than
    it lists `Canonical`; the core looks for their methods by name.
    """

    family: str

    def names(self, data: str | None = None) -> list[TaskInfo]:
        """Every task, without reading rows. `data`: as in DataRequest, for what there is in that source."""
        ...

    def load(self, name: str, request: DataRequest) -> Task:
        """Load one task by its whole name. Raises UnknownName or DataError.

        Samples of which the family knows that they are kin (must not stand on both sides of a split, though question
        and options differ) share a key `KIND:KEY` in `meta["leakage_groups"]`.
        """
        ...


@runtime_checkable
class ProvidesAllRows(Protocol):
    """A family that can show all rows of a task."""

    def load_all(self, name: str, request: DataRequest) -> Task:
        """As `load`, with every usable row and no draw: in train where the data has no split of its own.

        Holds rows that no outcome reward exists for as well. `request.train`, `test` and `seed` have no meaning.
        """
        ...


@runtime_checkable
class Preparable(Protocol):
    """A family that can convert its rows once into a store that loads fast."""

    def prepare(self, source: str | None, to: Path, skip_bad_rows: bool, progress: Progress) -> Mapping[str, Any]:
        """Convert `source` (as `DataRequest.data`) into the folder `to`, which then serves as `DataRequest.data`.

        Returns counts as plain JSON, `rows` among them. All or nothing: a call that is stopped leaves `to` as it was.
        Raises UsageError or DataError.
        """
        ...


@runtime_checkable
class HasAliases(Protocol):
    """A family whose tasks go by further names than it lists."""

    def resolve_alias(self, name: str) -> str:
        """The name, or the glob, as `names` would list it; the same where the family knows no other way to write it."""
        ...


# FROM rules.py
@dataclass(frozen=True, slots=True)
class Question:
    """All of a sample but its answer."""

    text: str  # the stem, without options
    options: tuple[str, ...] = ()
    kind: AnswerKind = "choice"
    task: str = ""  # the leaf task it belongs to


Answerer = Callable[[Question], str | None]  # -> a letter, Yes or No, or a text; None = the rule does not apply
Rule = Callable[[Sequence[Sample]], Answerer]  # made from the train split


def to_question(sample: Sample) -> Question:
    """What of a sample may be shown to a rule."""
    return Question(sample.question, sample.options, sample.kind, sample.task)
