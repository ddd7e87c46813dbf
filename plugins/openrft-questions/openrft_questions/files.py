"""Which files a source has, what their tasks are called, and which side of a split a file is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openrft import DataError

FAMILY = "questions"
ALL = f"{FAMILY}/all"  # the task of every file's questions together
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
_SIDE = re.compile(r"(?<![a-z])(?:train(?:ing)?|test(?:ing)?|val(?:id|idation)?|dev|eval(?:uation)?)(?![a-z])")
Side = Literal["train", "test"]
SIDES: tuple[Side, ...] = ("train", "test")


@dataclass(frozen=True, slots=True)
class Table:
    """One file of questions."""

    path: Path
    leaf: str  # the last part of its task's name
    side: Side | None = None  # that of all its rows; None = as its rows say, if they do


@dataclass(frozen=True, slots=True)
class Tables:
    """What a source has."""

    source: Path
    tables: tuple[Table, ...]
    left_out: tuple[str, ...] = ()  # files beside a train and a test one

    def of(self, task: str) -> Sequence[Table]:
        """The tables of one task by its whole name. Raises DataError if there are none."""
        found = self.tables if task == ALL else [table for table in self.tables if f"{FAMILY}/{table.leaf}" == task]
        if not found:
            raise DataError(f"{self.source} has no questions called {task}.", "`openrft tasks list --data` shows all.")
        return found

    def label(self, leaf: str) -> str:
        """The names of the files behind a task."""
        return " and ".join(table.path.name for table in self.tables if table.leaf == leaf)


def tables_in(source: str) -> Tables:
    """The files behind `--data`: itself, or those in the folder. Raises DataError."""
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{source}: not a file of questions by its name.", f"These are: {', '.join(SUFFIXES)}.")
        return Tables(path, (Table(path, path.stem),))
    if not path.is_dir():
        raise DataError(f"{source}: there is no such file or folder.", "Name a CSV or JSON file with --data.")
    files = sorted(
        file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file() and file.name[0] != "."
    )
    if not files:
        raise DataError(f"{source} has no file of questions.", f"These are: {', '.join(SUFFIXES)}.")
    twice = [stem for stem, count in Counter(file.stem.lower() for file in files).items() if count > 1]
    if twice:
        raise DataError(f"{source} has several files called {twice[0]}.", "Rename one.")
    sides = {file.stem.lower(): file for file in files}
    if {*SIDES} <= {*sides}:
        tables = tuple(Table(sides[side], path.resolve().name, side) for side in SIDES)
        return Tables(path, tables, tuple(file.name for file in files if file.stem.lower() not in SIDES))
    if len(files) > 1 and "all" in sides:
        raise DataError(f"{sides['all']}: all is the name of the files together.", "Rename it.")
    like = [file for file in files if _SIDE.search(file.stem.lower())]
    if len(files) > 1 and like:
        raise DataError(
            f"{like[0]} is one side of a split by its name, and would be mixed with the other files.",
            "Call two files train and test (others are then left out), or put a column `split` into one file.",
        )
    return Tables(path, tuple(Table(file, file.stem) for file in files))
