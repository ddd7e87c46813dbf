"""A task: named train and test samples, how to prompt, grade, reword and check them; and the families they come from.

Knows how selectors are written (`family/level/name`, globs) and how to find samples that leak from train into
test. Does not know where any family's rows lie: that is the family's plugin.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from openrft.errors import DataError, UnknownName
from openrft.grading import Grade, grade
from openrft.prompt import INSTRUCTION
from openrft.rules import Rule
from openrft.sample import Sample

Grader = Callable[[Sample, str], Grade]
Rewriter = Callable[[Sample, int, int], list[str]]  # (sample, how many, seed) -> new wordings of the stem
StepChecker = Callable[[Sample, Sequence[str]], list[bool]]  # (sample, steps) -> is each step sound


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task's line in a listing; made without reading rows."""

    name: str  # the whole selector, e.g. "pocket/L3/lattice_volume"
    summary: str
    samples: int | None = None  # how many there are; None = not known without reading, or unlimited
    alias_of: str | None = None  # another name for that task: can be asked for, but no glob stands for it


@dataclass(frozen=True, slots=True)
class DataRequest:
    """How many samples of a task are wanted, from where, and how strictly."""

    train: int = 100  # the paper's setting (section 3)
    test: int = 100
    seed: int = 0  # draws the split; independent of the training seeds, so all seeds share their test items
    data: str | None = None  # a local folder or file; None = the family's default source
    skip_bad_rows: bool = False  # count malformed rows instead of refusing the run
    drop_leaks: bool = False  # remove from train what overlaps with test


@dataclass(frozen=True, slots=True)
class Task:
    """Train and test samples with everything needed to prompt and grade them."""

    name: str
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    instruction: str = INSTRUCTION
    grade: Grader = grade
    rewrite: Rewriter | None = None  # rule-based rewording, where the family has one
    check_steps: StepChecker | None = None  # exact process labels, where the family has them
    notes: Mapping[str, Any] = field(default_factory=dict)  # plain JSON: source, skipped rows, overlaps
    rules: Mapping[str, Rule] = field(default_factory=dict)  # by leaf task: what is known to solve it without a model


class TaskFamily(Protocol):
    """What the `tasks` provider of a plugin returns. `family` equals the plugin's entry-point name."""

    family: str

    def names(self) -> list[TaskInfo]:
        """Every task, without reading rows."""
        ...

    def load(self, name: str, request: DataRequest) -> Task:
        """Load one task by its whole name. Raises UnknownName or DataError."""
        ...


def expand(selector: str, families: Mapping[str, TaskFamily]) -> list[str]:
    """Task names that a selector stands for: itself, or all that a glob (`pocket/L3/*`) matches, in listed order."""
    family = families.get(selector.split("/")[0])
    if family is None:
        raise UnknownName("task family", selector.split("/")[0], families)
    infos = family.names()
    names = [info.name for info in infos]
    if any(mark in selector for mark in "*?["):
        depth = selector.count("/")
        own = [info.name for info in infos if info.alias_of is None]
        found = [n for n in own if fnmatch.fnmatchcase(n.lower(), selector.lower()) and n.count("/") == depth]
    else:
        found = [n for n in names if n.lower() == selector.lower().rstrip("/")]
    if not found:
        raise UnknownName("task", selector, names, "`openrft tasks list` shows all.")
    return found


def overlaps(train: Iterable[Sample], test: Iterable[Sample]) -> dict[str, list[tuple[str, str]]]:
    """Pairs (train id, test id) that overlap, by kind: `exact`, `text` (same after normalising), `shuffled`
    (same question, same options in another order). A pair is listed under the first kind that fits."""
    test = list(test)
    keys: dict[str, Callable[[Sample], object]] = {
        "exact": lambda s: s.id,
        "text": lambda s: (_normal(s.question), tuple(map(_normal, s.options))),
        "shuffled": lambda s: (_normal(s.question), tuple(sorted(map(_normal, s.options)))),
    }
    found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in keys}
    seen: set[tuple[str, str]] = set()
    train = list(train)
    for kind, key in keys.items():
        index: dict[object, list[str]] = {}
        for sample in test:
            index.setdefault(key(sample), []).append(sample.id)
        for sample in train:
            for other in index.get(key(sample), ()):
                if (sample.id, other) not in seen:
                    seen.add((sample.id, other))
                    found[kind].append((sample.id, other))
    return found


def checked(task: Task, request: DataRequest) -> Task:
    """The task with its leaks counted in `notes["overlaps"]`, and dropped from train if the request says so."""
    if not task.train or not task.test:
        raise DataError(f"task {task.name} has {len(task.train)} train and {len(task.test)} test samples.")
    found = overlaps(task.train, task.test)
    leaking = {train_id for pairs in found.values() for train_id, _ in pairs}
    train = task.train
    if request.drop_leaks:
        train = tuple(s for s in train if s.id not in leaking)
        if not train:
            raise DataError(f"task {task.name}: every train sample overlaps with test.", "Leave out --drop-leaks.")
    counts = {kind: len(pairs) for kind, pairs in found.items()}
    notes = {**task.notes, "overlaps": counts, "dropped_leaks": len(task.train) - len(train)}
    return replace(task, train=train, notes=notes)


def request_data_path(request: DataRequest) -> Path | None:
    """The local source as a path. Raises DataError if it does not exist."""
    if request.data is None:
        return None
    path = Path(request.data).expanduser()
    if not path.exists():
        raise DataError(f"--data {request.data}: no such file or folder.")
    return path


def _normal(text: str) -> str:
    """Words and numbers alone; signs and decimal points stay, as -0.2 is not 0.2."""
    words = re.sub(r"[^\w.+-]+", " ", text.lower().replace("\u2212", "-")).split()
    return " ".join(word.strip(".") for word in words if word.strip("."))
