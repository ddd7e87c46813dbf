"""Convert a source into a prepared store (see store.py): every row is read once and written as it comes."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from openrft import DataError, Progress, UsageError, escape_terminal
from openrft_sciknoweval.json_reader import BadRow, RowLocation
from openrft_sciknoweval.rows import Part, Row, Shard
from openrft_sciknoweval.samples import MAX_FAULTS, TaskRef, check_row, refuse_bad_rows, resolve_task
from openrft_sciknoweval.sources import Source
from openrft_sciknoweval.store import (
    LOCATION_FIELDS,
    MANIFEST,
    ROW_FIELDS,
    FileStamp,
    Manifest,
    StoredFile,
    digest_file,
)

_BUFFER = 256  # rows held before they are written, of each task
_TASKS = 1000  # more than this are no tasks but free text
_LISTS = ("texts", "labels", "defects")
WriterKey = tuple[TaskRef, Part | None, bool]


def write_store(
    source: Source, given: str, identity: str, to: Path, skip_bad_rows: bool, progress: Progress
) -> Manifest:
    """Write the store of the source that was asked for as `given`, whose `identity` is that of sources.identify_source.

    `progress` has `update(stage, done, total, note)`. The manifest is renamed into place at the end. Until then the old
    store still serves, and a run that is killed leaves at most rows that no manifest names, which the next run removes.
    Raises UsageError or DataError.
    """
    shards = [_with_absolute_name(shard) for shard in source.shards(None)]
    with _lock_folder(to):
        _refuse_other_source(to, identity)
        _remove_unlisted_rows(to)
        rows = to / f"rows-{uuid.uuid4().hex[:8]}"
        rows.mkdir()
        try:
            manifest = _convert(shards, StoreWriter(rows), (given, identity), source.revision, skip_bad_rows, progress)
            manifest.write(to / MANIFEST)
        except BaseException:  # Ctrl-C, too: no half-written rows stay behind
            shutil.rmtree(rows, ignore_errors=True)
            raise
        _remove_unlisted_rows(to)
    return manifest


def _refuse_other_source(to: Path, identity: str) -> None:
    """Raises UsageError if the folder holds the store of another source: it is not replaced without a word."""
    with contextlib.suppress(DataError):  # a damaged or outdated store is made again
        held = Manifest.read(to / MANIFEST)
        if held.place != identity:
            raise UsageError(
                f"--to {to}: there is the store of another source, {held.source}.",
                "Give another folder, or remove that one.",
            )


def _with_absolute_name(shard: Shard) -> Shard:
    """The shard with its file's whole path, which the manifest has to know wherever it is read."""
    path = Path(shard.name)
    return replace(shard, name=str(path.absolute())) if path.is_file() else shard


def _convert(
    shards: list[Shard],
    writer: StoreWriter,
    given: tuple[str, str],
    revision: str | None,
    skip_bad_rows: bool,
    progress: Progress,
) -> Manifest:
    bad: Counter[str] = Counter()
    sources: dict[str, FileStamp] = {}
    count = 0
    for done, shard in enumerate(shards):
        faults: list[str] = []
        of_shard: Counter[str] = Counter(shard.bad)
        if Path(shard.name).is_file():
            sources[shard.name] = FileStamp.of(Path(shard.name))
        for location, row in shard.rows():
            count += 1
            if count % 500 == 0:
                progress.update("prepare", done, len(shards), f"{count} rows")
            fault = row if isinstance(row, BadRow) else writer.add(row, location, shard)
            if fault:
                of_shard[fault.reason] += 1
                faults.append(f"{location}: {escape_terminal(fault.detail)}" if len(faults) < MAX_FAULTS else "")
        if faults and not skip_bad_rows:
            raise refuse_bad_rows(shard.name, faults)
        if not writer.count_bad_rows(shard, of_shard):
            bad.update(of_shard)
        progress.update("prepare", done + 1, len(shards), f"{count} rows")
    entries = writer.close(sources)
    if not entries:
        raise DataError(f"none of {count} rows read from {given[0]} is a usable row.", "Give other rows with --from.")
    return Manifest(*given, revision, entries, sources, dict(bad))


@contextlib.contextmanager
def _lock_folder(to: Path) -> Iterator[None]:
    """The folder, made if need be, for one run at a time. Raises UsageError if it holds something else."""
    from filelock import FileLock, Timeout

    strange = [e.name for e in to.iterdir() if not _belongs_to_store(e)] if to.is_dir() else []
    if strange or (to.exists() and not to.is_dir()):
        raise UsageError(f"--to {to} is taken by something else ({(*strange, to.name)[0]}).", "Give a new folder.")
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


def _belongs_to_store(entry: Path) -> bool:
    return entry.name in (MANIFEST, f"{MANIFEST}.tmp", ".lock") or entry.name.startswith("rows-")


def _remove_unlisted_rows(to: Path) -> None:
    """Remove rows that the manifest, of whichever version, does not name."""
    named = set()
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        entries = json.loads((to / MANIFEST).read_text(encoding="utf-8"))["entries"]
        named = {entry["file"].partition("/")[0] for entry in entries}
    for folder in to.glob("rows-*"):
        if folder.name not in named:
            shutil.rmtree(folder)


@dataclass
class _TaskWriter:
    """One task's file in the making."""

    path: Path
    file: Any  # pyarrow.parquet.ParquetWriter
    waiting: list[tuple[RowLocation, Row]] = field(default_factory=list)
    rows: int = 0
    types: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    shards: list[str] = field(default_factory=list)

    def flush(self) -> None:
        import pyarrow

        columns = {name: [getattr(location, name) for location, _ in self.waiting] for name in LOCATION_FIELDS}
        columns |= {name: [getattr(row, name) for _, row in self.waiting] for name in ROW_FIELDS}
        self.file.write_table(pyarrow.table(columns, schema=self.file.schema))
        self.waiting.clear()


class StoreWriter:
    """One writer a task, opened when its first row comes."""

    def __init__(self, folder: Path) -> None:
        import datasets

        self._folder = folder
        text = datasets.Value("string")
        special = {"number": datasets.Value("int64"), **dict.fromkeys(_LISTS, datasets.List(text))}
        # The schema carries the features, so `datasets` reads the files as well.
        self._schema = datasets.Features(
            {name: special.get(name, text) for name in (*LOCATION_FIELDS, *ROW_FIELDS)}
        ).arrow_schema
        self._writers: dict[WriterKey, _TaskWriter] = {}

    def add(self, row: Row, location: RowLocation, shard: Shard) -> BadRow | None:
        """Take a row, unless something is wrong with it."""
        task = resolve_task(row, shard)
        known = check_row(row, task.leaf, shard.published)
        if isinstance(known, BadRow):
            return known
        writer = self._writer((task, shard.part, shard.published))
        writer.waiting.append((location, known))
        writer.rows += 1
        writer.types[known.type] += 1
        writer.defects.update(known.defects or ())
        if shard.name not in writer.shards:
            writer.shards.append(shard.name)
        if len(writer.waiting) >= _BUFFER:
            writer.flush()
        return None

    def count_bad_rows(self, shard: Shard, bad: Counter[str]) -> bool:
        """Count bad rows with the task of their file; False if the file holds rows of several tasks, or of none."""
        of_shard = [writer for writer in self._writers.values() if shard.name in writer.shards]
        if not shard.leaf or len(of_shard) != 1:
            return False
        of_shard[0].bad.update(bad)
        return True

    def close(self, sources: dict[str, FileStamp]) -> tuple[StoredFile, ...]:
        """Write what waits, and say what was written."""
        for writer in self._writers.values():
            if writer.waiting:
                writer.flush()
            writer.file.close()
        return tuple(self._entry(key, writer, sources) for key, writer in self._writers.items())

    def _entry(self, key: WriterKey, writer: _TaskWriter, sources: dict[str, FileStamp]) -> StoredFile:
        task, part, published = key
        return StoredFile(
            f"{self._folder.name}/{writer.path.name}",
            *task,
            part,
            published,
            writer.rows,
            dict(sorted(writer.types.items())),
            dict(sorted(writer.defects.items())),
            dict(sorted(writer.bad.items())),
            tuple(name for name in writer.shards if name in sources),
            digest_file(writer.path),
        )

    def _writer(self, key: WriterKey) -> _TaskWriter:
        if key not in self._writers:
            import pyarrow.parquet

            if len(self._writers) >= _TASKS:
                raise DataError(f"the rows name more than {_TASKS} tasks.", "Give rows whose details.task is a task.")
            task, part, _ = key
            words = "-".join(filter(None, (part, task.level, task.leaf)))
            slug = re.sub(r"[^A-Za-z0-9_-]+", "_", words)[:60]
            path = self._folder / f"{len(self._writers):03d}-{slug}.parquet"
            self._writers[key] = _TaskWriter(path, pyarrow.parquet.ParquetWriter(path, self._schema))
        return self._writers[key]
