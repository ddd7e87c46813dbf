"""The Parquet files of a store in the making: one a task, written as rows come."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openrft import DataError
from openrft_sciknoweval.manifest import Entry, Stamp, digest
from openrft_sciknoweval.reading import Fault, Place
from openrft_sciknoweval.record import Where, examined, where
from openrft_sciknoweval.row import Row
from openrft_sciknoweval.store import PLACE, ROW
from openrft_sciknoweval.table import Part, Table

_BUFFER = 256  # rows held before they are written, of each task
_TASKS = 1000  # more than this are no tasks but free text
_LISTS = ("texts", "labels", "defects")
Key = tuple[Where, Part | None, bool]


@dataclass
class _Writer:
    """One task's file in the making."""

    path: Path
    file: Any  # pyarrow.parquet.ParquetWriter
    waiting: list[tuple[Place, Row]] = field(default_factory=list)
    rows: int = 0
    types: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    tables: list[str] = field(default_factory=list)

    def flush(self) -> None:
        import pyarrow

        columns = {name: [getattr(place, name) for place, _ in self.waiting] for name in PLACE}
        columns |= {name: [getattr(row, name) for _, row in self.waiting] for name in ROW}
        self.file.write_table(pyarrow.table(columns, schema=self.file.schema))
        self.waiting.clear()


class Writers:
    """One writer a task, opened when its first row comes."""

    def __init__(self, folder: Path) -> None:
        import datasets

        self._folder = folder
        text = datasets.Value("string")
        special = {"number": datasets.Value("int64"), **dict.fromkeys(_LISTS, datasets.List(text))}
        # The schema carries the features, so `datasets` reads the files as well.
        self._schema = datasets.Features({name: special.get(name, text) for name in (*PLACE, *ROW)}).arrow_schema
        self._writers: dict[Key, _Writer] = {}

    def add(self, row: Row, place: Place, table: Table) -> Fault | None:
        """Take a row, unless something is wrong with it."""
        there = where(row, table)
        known = examined(row, there.leaf, table.published)
        if isinstance(known, Fault):
            return known
        writer = self._writer((there, table.part, table.published))
        writer.waiting.append((place, known))
        writer.rows += 1
        writer.types[known.type] += 1
        writer.defects.update(known.defects or ())
        if table.name not in writer.tables:
            writer.tables.append(table.name)
        if len(writer.waiting) >= _BUFFER:
            writer.flush()
        return None

    def blame(self, table: Table, bad: Counter[str]) -> bool:
        """Count bad rows with the task whose file they stand in; False if the file holds several, or none."""
        of_table = [writer for writer in self._writers.values() if table.name in writer.tables]
        if not table.leaf or len(of_table) != 1:
            return False
        of_table[0].bad.update(bad)
        return True

    def close(self, sources: dict[str, Stamp]) -> tuple[Entry, ...]:
        """Write what waits, and say what was written."""
        for writer in self._writers.values():
            if writer.waiting:
                writer.flush()
            writer.file.close()
        return tuple(self._entry(key, writer, sources) for key, writer in self._writers.items())

    def _entry(self, key: Key, writer: _Writer, sources: dict[str, Stamp]) -> Entry:
        there, part, published = key
        return Entry(
            f"{self._folder.name}/{writer.path.name}",
            *there,
            part,
            published,
            writer.rows,
            dict(sorted(writer.types.items())),
            dict(sorted(writer.defects.items())),
            dict(sorted(writer.bad.items())),
            tuple(name for name in writer.tables if name in sources),
            digest(writer.path),
        )

    def _writer(self, key: Key) -> _Writer:
        if key not in self._writers:
            import pyarrow.parquet

            if len(self._writers) >= _TASKS:
                raise DataError(f"the rows name more than {_TASKS} tasks.", "Give rows whose details.task is a task.")
            there, part, _ = key
            words = "-".join(filter(None, (part, there.level, there.leaf)))
            slug = re.sub(r"[^A-Za-z0-9_-]+", "_", words)[:60]
            path = self._folder / f"{len(self._writers):03d}-{slug}.parquet"
            self._writers[key] = _Writer(path, pyarrow.parquet.ParquetWriter(path, self._schema))
        return self._writers[key]
