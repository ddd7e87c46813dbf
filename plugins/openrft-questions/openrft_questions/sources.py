"""What `--data` names: which files there are, what their tasks are called, and which reader reads each.

Knows nothing of what a row's columns mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from openrft import DataError, DataRequest, UsageError, escape_terminal
from openrft_questions.columns import parse_map
from openrft_questions.datasets_files import (
    HUB,
    PARQUET_SUFFIXES,
    HubName,
    is_saved_dataset,
    parse_hub_name,
    read_hub_dataset,
    read_parquet,
    read_saved_dataset,
)
from openrft_questions.splits import select_split
from openrft_questions.table import SIDES, Side, Table, tidy_table
from openrft_questions.text_files import CSV_SUFFIXES, JSON_SUFFIXES, SPLIT_NAME, read_text_file
from openrft_questions.workbooks import WORKBOOK_SUFFIXES, read_workbook

FAMILY = "questions"
ALL = f"{FAMILY}/all"  # the task of every file's questions together
SUFFIXES = (*CSV_SUFFIXES, *JSON_SUFFIXES, *WORKBOOK_SUFFIXES, *PARQUET_SUFFIXES)
WHAT = "CSV, JSON, Excel or Parquet file"
_SIDE = re.compile(rf"(?<![a-z])(?:{SPLIT_NAME.pattern})(?![a-z])")
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?:-[0-9a-f]{16})?$")  # of a data set in several Parquet files


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """One file of questions, or one data set."""

    path: Path | HubName
    leaf: str  # the last part of its task's name
    side: Side | None = None  # that of all its rows; None = each row says, or none does

    @property
    def name(self) -> str:
        """What messages and listings call it."""
        return str(self.path) if isinstance(self.path, HubName) else self.path.name


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one source."""

    name: str
    files: tuple[QuestionFile, ...]
    left_out: tuple[str, ...] = ()  # names of files beside a train and a test file

    def of_task(self, task: str) -> Sequence[QuestionFile]:
        """The files of one task by its whole name. Raises DataError if there are none."""
        found = self.files if task == ALL else [file for file in self.files if f"{FAMILY}/{file.leaf}" == task]
        if not found:
            raise DataError(
                f"{self.name} has no questions called {escape_terminal(task)}.",
                "`openrft tasks list --data` shows all.",
            )
        return found

    def describe(self, leaf: str) -> str:
        """The names of the files behind a task."""
        return " and ".join(file.name for file in self.files if file.leaf == leaf)


def find_source(source: str) -> Source:
    """The files behind `--data`: itself, those in the folder, or a data set. Raises DataError or UsageError."""
    if source.startswith(HUB):
        name = parse_hub_name(source)
        return Source(source, (QuestionFile(name, name.leaf),))
    try:
        return _find_files(source, Path(source).expanduser())
    except (RuntimeError, ValueError) as fault:  # no such user; a null character
        raise DataError(f"{source!r}: there can be no such file.", f"Name a {WHAT}.") from fault
    except OSError as fault:  # a name that is too long, a folder that cannot be read
        reason = fault.strerror or type(fault).__name__
        shown = source if len(source) <= 255 else f"{source[:60]}... ({len(source)} characters)"
        raise DataError(f"{shown}: {reason}.", f"Name a {WHAT} that can be read.") from fault


def get_format(path: Path) -> str:
    """The suffix that says the format, such as .csv of `mine.csv.gz`; "" for a file that is not of questions."""
    parts = [suffix.lower() for suffix in path.suffixes[-2:]]
    suffix = parts[0] if len(parts) == 2 and parts[1] == ".gz" else parts[-1] if parts else ""
    return suffix if suffix in SUFFIXES else ""


def _stem(path: Path) -> str:
    """The name without what says the format and the part."""
    name = path.name[: -len(".gz")] if path.suffix.lower() == ".gz" else path.name
    return _SHARD.sub("", Path(name).stem)


def _find_files(source: str, path: Path) -> Source:
    if path.is_file():
        if not get_format(path):
            raise DataError(f"{source}: not a file of questions by its name.", f"These are: {', '.join(SUFFIXES)}.")
        return Source(source, (QuestionFile(path, _stem(path)),))
    if not path.is_dir():
        raise DataError(f"{source}: there is no such file or folder.", f"Name a {WHAT}.")
    if is_saved_dataset(path):
        return Source(source, (QuestionFile(path, path.resolve().name),))
    files = sorted(file for file in path.iterdir() if get_format(file) and file.is_file() and file.name[0] != ".")
    if not files:
        raise DataError(f"{source} has no file of questions.", f"These are: {', '.join(SUFFIXES)}.")
    by_stem: dict[str, list[Path]] = {}
    for file in files:
        by_stem.setdefault(_stem(file).lower(), []).append(file)
    twice = [stem for stem, those in by_stem.items() if len(those) > 1 and not all(map(_is_shard, those))]
    if twice:
        raise DataError(f"{source} has several files called {escape_terminal(twice[0])}.", "Rename one.")
    if {*SIDES} <= {*by_stem}:
        leaf = path.resolve().name
        sides = tuple(QuestionFile(file, leaf, side) for side in SIDES for file in by_stem[side])
        return Source(source, sides, tuple(file.name for file in files if _stem(file).lower() not in SIDES))
    if len(by_stem) > 1 and "all" in by_stem:
        raise DataError(f"{by_stem['all'][0]}: all is the name of the files together.", "Rename it.")
    one_side = [file for file in files if _SIDE.search(_stem(file).lower())]
    if len(by_stem) > 1 and one_side:
        raise DataError(
            f"{escape_terminal(str(one_side[0]))} is one side of a split by its name, and would be mixed with the"
            " others.",
            "Call two files train and test (others are then left out), or put a column `split` into one file.",
        )
    return Source(source, tuple(QuestionFile(file, _stem(file)) for file in files))


def _is_shard(path: Path) -> bool:
    return bool(_SHARD.search(Path(path.name.removesuffix(".gz")).stem))


def read_file(file: QuestionFile, request: DataRequest, further: Iterable[str] = ()) -> Table:
    """Every row of the file with its place; of a file with splits, those that are asked for.

    `further`: meanings of columns that only this command knows. Raises UsageError, and DataError for a file that cannot
    be read, or has no rows.
    """
    path = file.path
    suffix = "" if isinstance(path, HubName) else get_format(path)
    if request.sheet is not None and suffix not in WORKBOOK_SUFFIXES:
        raise UsageError(f"{file.name} has no sheets.", "Leave --sheet out.")
    has_splits = isinstance(path, HubName) or path.is_dir()
    if isinstance(path, HubName):
        table = read_hub_dataset(path, request.split)
    elif path.is_dir():
        table = read_saved_dataset(path, request.split)
    elif suffix in WORKBOOK_SUFFIXES:
        table = read_workbook(path, request.sheet)
    elif suffix in PARQUET_SUFFIXES:
        table = read_parquet(path)
    else:
        table = read_text_file(path, suffix)
    table = tidy_table(table)
    if table.has_splits or (request.split is not None and not has_splits):
        column = None if table.has_splits else parse_map(request.columns, further).get("split")
        table = select_split(table, request.split, column, str(path))
    if not table.rows:
        raise DataError(f"{path} has no rows.", "Give a file with a question in each row.")
    return table
