"""Parquet files, folders that `datasets` saved, and data sets of a hub, read into a Table.

pyarrow and datasets are imported when such data is read.
"""

from __future__ import annotations

import contextlib
import decimal
import io
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrft import DataError, UsageError, escape_terminal
from openrft_questions.splits import choose_splits
from openrft_questions.table import Located, Side, Table
from openrft_questions.text_files import read_bytes

if TYPE_CHECKING:
    import pyarrow

PARQUET_SUFFIXES = (".parquet", ".pq")
HUB = "hf:"
_NAME = r"[A-Za-z0-9][\w.-]*"
_HUB_NAME = re.compile(rf"({_NAME}(?:/{_NAME})?)(?::([^@:]+))?(?:@(\S+))?")


@dataclass(frozen=True, slots=True)
class HubName:
    """A data set on a hub: hf:org/name[:config][@revision]."""

    repository: str
    config: str | None
    revision: str | None

    @property
    def leaf(self) -> str:
        """The last part of its task's name."""
        return self.repository.rpartition("/")[2] + (f"-{self.config}" if self.config else "")

    def __str__(self) -> str:
        config, revision = (mark + text if text else "" for mark, text in ((":", self.config), ("@", self.revision)))
        return f"{HUB}{self.repository}{config}{revision}"


def parse_hub_name(source: str) -> HubName:
    """The data set that a source `hf:...` names. Raises UsageError."""
    found = _HUB_NAME.fullmatch(source.removeprefix(HUB))
    if not found:
        raise UsageError(f"{source}: not the name of a data set.", "Write hf:org/name[:config][@revision].")
    return HubName(*found.groups())


def is_saved_dataset(folder: Path) -> bool:
    """Whether `datasets` saved this folder (`save_to_disk`)."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def read_parquet(path: Path) -> Table:
    """The rows of a Parquet file. Raises DataError."""
    import pyarrow.parquet

    try:
        found = pyarrow.parquet.read_table(io.BytesIO(read_bytes(path)))
        found.validate(full=True)  # reading from a broken table may end the process
        return Table(list(_rows(path, found, None)))
    except DataError:
        raise
    except Exception as fault:  # the library raises whatever a broken file leads to
        raise DataError(f"{path}: not a whole Parquet file ({_first_line(fault)}).", "Write it again.") from fault


def read_saved_dataset(folder: Path, split: str | None) -> Table:
    """The rows of a folder that `datasets` saved. Raises DataError."""
    with _quiet_datasets() as datasets:
        try:
            return Table(list(_read_parts(str(folder), datasets.load_from_disk(str(folder)), split)))
        except DataError:
            raise
        except Exception as fault:  # the library raises whatever a broken file leads to
            reason = _first_line(fault)
            raise DataError(f"{folder}: not a whole data set ({reason}).", "Save it again (`save_to_disk`).") from fault


def read_hub_dataset(name: HubName, split: str | None) -> Table:
    """The rows of a data set on a hub, or of its copy on this disk. Raises DataError."""
    with _quiet_datasets() as datasets:
        try:
            found = datasets.load_dataset(name.repository, name.config, revision=name.revision)
            table = Table(list(_read_parts(str(name), found, split)))
        except DataError:
            raise
        except Exception as fault:  # whatever the library, the network or the hub may raise
            raise _explain_hub(name, fault) from fault
    table.revision = _find_commit(found) or name.revision
    return table


def _find_commit(found: Any) -> str | None:
    """The commit that a data set was read from, which the folder of its copy on this disk names."""
    parts = list(found.values()) if isinstance(found, Mapping) else [found]
    folders = [Path(file["filename"]).parent.name for part in parts for file in part.cache_files]
    return next((folder for folder in folders if re.fullmatch(r"[0-9a-f]{40}", folder)), None)


@contextlib.contextmanager
def _quiet_datasets() -> Iterator[Any]:
    """The library, without its bars and notices, whose place is a notebook."""
    import datasets

    bars = datasets.are_progress_bars_disabled()
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)  # what matters is raised, too
    try:
        yield datasets
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not bars:
            datasets.enable_progress_bars()


def _explain_hub(name: HubName, fault: Exception) -> DataError:
    """The error of a data set that cannot be had, with what to do."""
    causes = dict.fromkeys(_first_line(one) for one in (fault, fault.__cause__) if one is not None)
    text = "; ".join(cause.rstrip(".") for cause in causes)
    if "onfig name is missing" in str(fault) or "BuilderConfig" in str(fault):
        configs = re.search(r"\[.*?\]", str(fault).replace("\n", " "))
        which = f"; there are {configs.group()}" if configs else ""
        wrong = f"has no config {name.config!r}" if name.config else "has several configs"
        return DataError(f"{name} {wrong}{which}.", "Name one: hf:org/name:config.")
    advice = "Check the name and the connection, or download it and name the folder or file with --data."
    return DataError(f"{name}: the data set cannot be had ({escape_terminal(text)[:300]}).", advice)


def _name_classes(found: Any) -> pyarrow.Table:
    """The table of a Dataset, with the names of classes in place of their numbers."""
    import datasets
    import pyarrow

    table = found.with_format("arrow")[:]
    table.validate(full=True)  # reading from a broken table may end the process
    for column, feature in found.features.items():
        if isinstance(feature, datasets.ClassLabel):
            names = [None if i is None or i < 0 else feature.int2str(i) for i in table[column].to_pylist()]
            at = table.column_names.index(column)
            table = table.set_column(at, column, pyarrow.array(names, pyarrow.string()))
    return table


def _read_parts(source: str, found: Any, split: str | None) -> Iterator[Located]:
    """The rows of a Dataset, or of the chosen splits of a DatasetDict. Raises DataError."""
    parts = found if isinstance(found, Mapping) else {"": found}
    for name, side in choose_splits(source, list(parts), split):
        yield from _rows(source, _name_classes(parts[name]), side, name if len(parts) > 1 else "")


def _rows(source: object, table: pyarrow.Table, side: Side | None, split: str = "") -> Iterator[Located]:
    """The rows of a table by column. Raises DataError."""
    names = table.column_names
    if len(set(names)) < len(names):
        raise DataError(f"{source}: two columns have the same name.", "Rename one.")
    columns = [_read_column(table[name]) for name in names]
    for number, cells in enumerate(zip(*columns, strict=True), 1):
        place = f"{escape_terminal(split)} row {number}" if split else f"row {number}"
        yield Located(place, dict(zip(names, cells, strict=True)), side)


def _read_column(column: pyarrow.ChunkedArray) -> list[Any]:
    """The cells. Whole numbers that stand as decimals because some cell is empty are whole again, and numbers of half
    the precision have the digits that they were written with."""
    import numpy as np
    import pyarrow

    values = column.to_pylist()
    if pyarrow.types.is_float32(column.type) or pyarrow.types.is_float16(column.type):
        kind = np.float32 if pyarrow.types.is_float32(column.type) else np.float16
        values = [None if value is None else float(str(kind(value))) for value in values]
    if pyarrow.types.is_floating(column.type):
        given = [value for value in values if value is not None and value == value]
        if all(value.is_integer() for value in given):
            return [int(value) if value is not None and value == value else None for value in values]
    return [str(value) if isinstance(value, decimal.Decimal) else value for value in values]


def _first_line(fault: BaseException) -> str:
    return str(fault).strip().split("\n")[0] or type(fault).__name__
