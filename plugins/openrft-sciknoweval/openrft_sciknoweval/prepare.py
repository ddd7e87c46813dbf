"""Convert a source into a store (see store.py): all rows, read once and written as they come."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openrft import DataError, UsageError
from openrft_sciknoweval.pool import SHOWN, refusal
from openrft_sciknoweval.reading import Fault, Place
from openrft_sciknoweval.record import Where, examined, where
from openrft_sciknoweval.row import Row
from openrft_sciknoweval.source import Source
from openrft_sciknoweval.store import MANIFEST, PLACE, ROW, Entry, Manifest, Stamp, digest
from openrft_sciknoweval.table import Part, Table

_BUFFER = 256  # rows held before they are written, of each task
_TASKS = 1000  # more than this are no tasks but free text
_LISTS = ("texts", "labels", "defects")


def prepare(source: Source, given: str, to: Path, skip_bad_rows: bool, progress: Any) -> Manifest:
    """Write the store. `progress` has `update(stage, done, total, note)`. Raises UsageError or DataError.

    The manifest is renamed into place at the end; until then a store that was there serves on, and a run that is
    killed leaves at most rows that no manifest names, which the next run sweeps away.
    """
    tables = source.tables(None)
    with _locked(to):
        _sweep(to)
        rows = to / f"rows-{uuid.uuid4().hex[:8]}"
        rows.mkdir()
        try:
            manifest = _converted(tables, _Writers(rows), given, source.revision, skip_bad_rows, progress)
            manifest.write(to / MANIFEST)
        except BaseException:
            shutil.rmtree(rows, ignore_errors=True)
            raise
        _sweep(to)
    return manifest


def _converted(
    tables: list[Table], writers: _Writers, given: str, revision: str | None, skip_bad_rows: bool, progress: Any
) -> Manifest:
    bad: Counter[str] = Counter()
    sources: dict[str, Stamp] = {}
    count = 0
    for done, table in enumerate(tables):
        faults: list[str] = []
        of_table: Counter[str] = Counter()
        if Path(table.name).is_file():
            sources[table.name] = Stamp.of(Path(table.name))
        for place, row in table.rows():
            count += 1
            if count % 500 == 0:
                progress.update("prepare", done, len(tables), f"{count} rows")
            fault = row if isinstance(row, Fault) else writers.add(row, place, table)
            if fault:
                of_table[fault.reason] += 1
                faults.append(f"{place}: {fault.detail}" if len(faults) < SHOWN else "")
        if faults and not skip_bad_rows:
            raise refusal(table.name, faults)
        if not writers.blame(table, of_table):
            bad.update(of_table)
        progress.update("prepare", done + 1, len(tables), f"{count} rows")
    entries = writers.close(sources)
    if not entries:
        raise DataError(f"none of {count} rows read from {given} is a usable row.", "Give other rows with --from.")
    return Manifest(given, revision, entries, sources, dict(bad))


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


class _Writers:
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


@contextlib.contextmanager
def _locked(to: Path) -> Iterator[None]:
    """The folder, made if need be, for one run at a time. Raises UsageError if it holds something else."""
    from filelock import FileLock, Timeout

    strange = [e.name for e in to.iterdir() if not _ours(e)] if to.is_dir() else []
    if strange or (to.exists() and not to.is_dir()):
        raise UsageError(f"--to {to}: there is something else ({(*strange, to.name)[0]}).", "Give a new folder.")
    made = not to.exists()
    try:
        to.mkdir(parents=True, exist_ok=True)
        with FileLock(str(to / ".lock"), timeout=0):
            yield
    except Timeout:
        raise UsageError(f"--to {to}: another run is preparing it.", "Wait for it, or give another folder.") from None
    except OSError as fault:
        raise DataError(f"--to {to}: {fault.strerror or fault}.", "Give a folder that can be written.") from fault
    finally:
        if made and not (to / MANIFEST).exists():
            shutil.rmtree(to, ignore_errors=True)


def _ours(entry: Path) -> bool:
    return entry.name in (MANIFEST, f"{MANIFEST}.tmp", ".lock") or entry.name.startswith("rows-")


def _sweep(to: Path) -> None:
    """Remove rows that the manifest, of whichever version, does not name."""
    named = set()
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        entries = json.loads((to / MANIFEST).read_text(encoding="utf-8"))["entries"]
        named = {entry["file"].partition("/")[0] for entry in entries}
    for folder in to.glob("rows-*"):
        if folder.name not in named:
            shutil.rmtree(folder)
