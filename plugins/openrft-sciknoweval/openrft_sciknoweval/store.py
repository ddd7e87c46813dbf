"""The prepared store: rows converted once into Parquet, one file a task, with a manifest that says what they are.

    STORE/manifest.json     written last: without it there is no store, and with it the store is whole
    STORE/rows-<id>/*.parquet

The rows are those of the source, defects flagged and nothing left out but rows that cannot be read at all. A file is
checked against the manifest before it is used, and the source's files too where they still lie at hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from openrft import DataError, UsageError
from openrft_sciknoweval.manifest import AGAIN, MANIFEST, Entry, Manifest, digest
from openrft_sciknoweval.reading import Place
from openrft_sciknoweval.row import Row
from openrft_sciknoweval.selectors import FILE, Held, Selector, selectors
from openrft_sciknoweval.table import Rows, Table

PLACE = Place._fields
ROW = tuple(f.name for f in fields(Row))
_SHARED = ("unit", "file", "type", "key", "prompt", "domain", "level", "task", "subtask", "source")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class PreparedStore:
    """A store as a source of rows."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> PreparedStore:
        """Reads the manifest alone. Raises DataError."""
        return cls(path, Manifest.read(path / MANIFEST))

    @property
    def revision(self) -> str:
        return self.manifest.revision or self.manifest.fingerprint

    def known(self) -> dict[str, Selector]:
        known = selectors([Held(e.domain, e.level, e.leaf, e.part, e.types) for e in self.manifest.entries])
        if self._of_one_file:
            types: Counter[str] = Counter()
            for entry in self.manifest.entries:
                types.update(entry.types)
            known[FILE] = replace(known[FILE], rows=sum(types.values()), types=dict(types), absent=False)
        return known

    def tables(self, selector: Selector | None, half: bool = False) -> list[Table]:
        chosen = self._chosen(selector, half) if selector else list(self.manifest.entries)
        left_out = Counter(self.manifest.bad)
        tables = []
        for entry in chosen:
            bad = Counter(entry.bad)
            bad.update(left_out)
            left_out.clear()  # counted once
            rows = partial(self._rows, entry)
            name = str(self.path / entry.file)
            place = (entry.domain, entry.level, entry.leaf, entry.part)
            tables.append(Table(name, rows, *place, entry.published, dict(bad)))
        return tables

    def left_out(self, selector: Selector) -> list[str]:
        if not selector.paper or selector.leaf:
            return []
        return sorted({e.leaf for e in self.manifest.entries if e.part} - self._complete())

    def _chosen(self, selector: Selector, half: bool) -> list[Entry]:
        if selector.name == FILE and self._of_one_file:
            return list(self.manifest.entries)
        if selector.name == FILE:
            raise UsageError(
                f"{FILE} takes one file of JSON, or a store of one, and {self.path} is a store of several."
            )
        in_paper = selector.paper or all(e.part for e in self.manifest.entries)
        fitting = [e for e in self.manifest.entries if selector.fits(e.domain, e.level, e.leaf)]
        fitting = [e for e in fitting if bool(e.part) == in_paper]
        if half and selector.leaf and fitting:
            return fitting
        if selector.absent:
            held = sorted(self._complete() if selector.paper else {e.leaf for e in self.manifest.entries})
            more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
            rows = "train and test rows" if selector.paper else "rows"
            raise DataError(
                f"{self.path} has no {rows} of task {selector.name}.",
                f"It holds {', '.join(held[:_SHOWN]) or 'none'}{more}.",
            )
        complete = self._complete()
        return [e for e in fitting if not in_paper or e.leaf in complete]

    @property
    def _of_one_file(self) -> bool:
        """Made from one file of the user's: such rows alone are neither published nor of a split."""
        return not any(e.published or e.part for e in self.manifest.entries)

    def _complete(self) -> set[str]:
        train, test = ({e.leaf for e in self.manifest.entries if e.part == part} for part in ("train", "test"))
        return train & test

    def _rows(self, entry: Entry) -> Rows:
        self._check_sources(entry)
        path = self.path / entry.file
        try:
            if digest(path) != entry.sha256:
                raise DataError(f"{path} is damaged: it is not what the manifest says.", AGAIN)
            yield from _read(path)
        except OSError as fault:
            raise DataError(f"{path}: {fault.strerror or fault}.", AGAIN) from fault

    def _check_sources(self, entry: Entry) -> None:
        """Raises DataError if a file that the rows came from lies at hand and has changed."""
        for name in entry.sources:
            path = Path(name)
            if path.is_file() and not self.manifest.sources[name].fits(path):
                raise DataError(f"{self.path} is out of date: {path} has changed since it was prepared.", AGAIN)


def _read(path: Path) -> Iterator[tuple[Place, Row]]:
    import pyarrow.parquet

    # Texts that many rows share come as numbers into a dictionary: faster, and each is one object.
    # Read as it is needed: beforehand, the whole file would lie in memory beside the rows.
    file = pyarrow.parquet.ParquetFile(path, read_dictionary=list(_SHARED), pre_buffer=False)
    for batch in file.iter_batches(batch_size=1024):
        columns = {name: _column(batch.column(name)) for name in (*PLACE, *ROW)}
        places = zip(*(columns[name] for name in PLACE), strict=True)
        rows = zip(*(columns[name] for name in ROW), strict=True)
        for place, row in zip(places, rows, strict=True):
            yield Place(*place), Row(*row)


def _column(values: Any) -> list[Any]:
    """A column's values; lists as tuples."""
    if hasattr(values, "dictionary"):
        texts = values.dictionary.to_pylist()
        return [None if at is None else texts[at] for at in values.indices.to_pylist()]
    if not hasattr(values, "offsets"):
        return list(values.to_pylist())
    # Not `flatten()`, which imports pyarrow's compute functions: a fifth of the time of a load.
    flat, ends = values.values.to_pylist(), values.offsets.to_pylist()
    return [tuple(flat[begin:end]) for begin, end in pairwise(ends)]
