"""Convert a source into a store (see store.py): all rows, read once and written as they come."""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from openrft import DataError, UsageError
from openrft_sciknoweval.manifest import MANIFEST, Manifest, Stamp
from openrft_sciknoweval.pool import SHOWN, refusal
from openrft_sciknoweval.reading import Fault
from openrft_sciknoweval.source import Source
from openrft_sciknoweval.table import Table
from openrft_sciknoweval.writers import Writers


def prepare(source: Source, given: str, place: str, to: Path, skip_bad_rows: bool, progress: Any) -> Manifest:
    """Write the store of the source that was asked for as `given` and lies at `place` (see source.py). `progress` has
    `update(stage, done, total, note)`. Raises UsageError or DataError.

    The manifest is renamed into place at the end; until then a store that was there serves on, and a run that is
    killed leaves at most rows that no manifest names, which the next run sweeps away.
    """
    tables = [_placed(table) for table in source.tables(None)]
    with _locked(to):
        _refuse_another(to, place)
        _sweep(to)
        rows = to / f"rows-{uuid.uuid4().hex[:8]}"
        rows.mkdir()
        try:
            manifest = _converted(tables, Writers(rows), (given, place), source.revision, skip_bad_rows, progress)
            manifest.write(to / MANIFEST)
        except BaseException:  # Ctrl-C, too: no half-written rows stay behind
            shutil.rmtree(rows, ignore_errors=True)
            raise
        _sweep(to)
    return manifest


def _refuse_another(to: Path, place: str) -> None:
    """Raises UsageError if the folder holds the store of another source: it is not replaced without a word."""
    with contextlib.suppress(DataError):  # a damaged or outdated store is made again
        held = Manifest.read(to / MANIFEST)
        if held.place != place:
            raise UsageError(
                f"--to {to}: there is the store of another source, {held.source}.",
                "Give another folder, or remove that one.",
            )


def _placed(table: Table) -> Table:
    """The table with its file's whole path, which the manifest has to know wherever it is read."""
    path = Path(table.name)
    return replace(table, name=str(path.absolute())) if path.is_file() else table


def _converted(
    tables: list[Table],
    writers: Writers,
    given: tuple[str, str],
    revision: str | None,
    skip_bad_rows: bool,
    progress: Any,
) -> Manifest:
    bad: Counter[str] = Counter()
    sources: dict[str, Stamp] = {}
    count = 0
    for done, table in enumerate(tables):
        faults: list[str] = []
        of_table: Counter[str] = Counter(table.bad)
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
        raise DataError(f"none of {count} rows read from {given[0]} is a usable row.", "Give other rows with --from.")
    return Manifest(*given, revision, entries, sources, dict(bad))


@contextlib.contextmanager
def _locked(to: Path) -> Iterator[None]:
    """The folder, made if need be, for one run at a time. Raises UsageError if it holds something else."""
    from filelock import FileLock, Timeout

    strange = [e.name for e in to.iterdir() if not _ours(e)] if to.is_dir() else []
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
