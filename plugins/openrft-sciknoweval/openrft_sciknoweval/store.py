"""The prepared store: rows converted once into Parquet, one file a task, with a manifest that says what they are.

    STORE/manifest.json     written last: without it there is no store, and with it the store is whole
    STORE/rows-<id>/*.parquet

The rows are those of the source, defects flagged and nothing left out but rows that cannot be read at all. A file is
checked against the manifest before it is used, and the source's files too where they still lie at hand.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from openrft import DataError, UsageError
from openrft_sciknoweval.defects import REGISTRY
from openrft_sciknoweval.reading import Place
from openrft_sciknoweval.row import Row
from openrft_sciknoweval.selectors import FILE, Held, Selector, selectors
from openrft_sciknoweval.table import Part, Rows, Table

MANIFEST = "manifest.json"
PLACE = Place._fields
ROW = tuple(f.name for f in fields(Row))
_SHARED = ("unit", "file", "type", "key", "prompt", "domain", "level", "task", "subtask", "source")
FORMAT = 1  # goes up with what a store holds, so that an old one is refused
CHECKS = tuple(defect.name for defect in REGISTRY)
_SHOWN = 6
_AGAIN = "Run `openrft tasks prepare sciknoweval` again."


@dataclass(frozen=True, slots=True)
class Entry:
    """One Parquet file of a store."""

    file: str  # below the store's folder
    domain: str | None
    level: str | None
    leaf: str
    part: Part | None
    published: bool
    rows: int
    types: dict[str, int]  # rows by type
    defects: dict[str, int]  # rows by known defect, those aside that only a comparison shows
    bad: dict[str, int]  # rows left out, by reason
    sources: tuple[str, ...]  # the source's files it was made from, keys of `Manifest.sources`
    sha256: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a file was when it was read."""

    size: int
    mtime: int  # nanoseconds
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Stamp:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, digest(path))

    def fits(self, path: Path) -> bool:
        """Is the file still the same? It is only read where its time has changed, and nothing else."""
        stat = path.stat()
        return stat.st_size == self.size and (stat.st_mtime_ns == self.mtime or digest(path) == self.sha256)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store is made of."""

    source: str  # as it was asked for
    revision: str | None
    entries: tuple[Entry, ...]
    sources: dict[str, Stamp] = field(default_factory=dict)  # by path
    bad: dict[str, int] = field(default_factory=dict)  # rows left out of files that hold several tasks, by reason
    format: int = FORMAT
    checks: tuple[str, ...] = CHECKS  # names of the defects that were looked for

    @property
    def fingerprint(self) -> str:
        """Changes with any row."""
        text = "\n".join(sorted(f"{e.part} {e.level} {e.leaf} {e.sha256}" for e in self.entries))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def summary(self) -> dict[str, Any]:
        """Its counts, as plain JSON."""
        total: dict[str, Counter[str]] = {"types": Counter(), "defects": Counter(), "bad_rows": Counter(self.bad)}
        for entry in self.entries:
            total["types"].update(entry.types)
            total["defects"].update(entry.defects)
            total["bad_rows"].update(entry.bad)
        return {
            "source": self.source,
            "revision": self.revision,
            "fingerprint": self.fingerprint,
            "rows": sum(entry.rows for entry in self.entries),
            "tasks": len(self.entries),
            **{name: dict(sorted(counts.items())) for name, counts in total.items()},
        }

    def write(self, path: Path) -> None:
        """Rename it into place: readers see the old one or the new."""
        aside = path.with_name(path.name + ".tmp")
        aside.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), encoding="utf-8")
        aside.replace(path)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Raises DataError for one that is damaged or of another format."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw.get("format") != FORMAT or tuple(raw["checks"]) != CHECKS:
                raise DataError(f"{path.parent} was prepared by another version of openrft-sciknoweval.", _AGAIN)
            entries = tuple(Entry(**{**e, "sources": tuple(e["sources"])}) for e in raw["entries"])
            sources = {name: Stamp(**stamp) for name, stamp in raw["sources"].items()}
            return cls(raw["source"], raw["revision"], entries, sources, raw["bad"])
        except OSError as fault:
            raise DataError(f"{path}: {fault.strerror or fault}.", "Give a readable store.") from fault
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise DataError(f"{path} is damaged ({type(fault).__name__}).", _AGAIN) from fault


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
        return selectors([Held(e.domain, e.level, e.leaf, e.part, e.types) for e in self.manifest.entries])

    def tables(self, selector: Selector | None) -> list[Table]:
        chosen = self._chosen(selector) if selector else list(self.manifest.entries)
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

    def _chosen(self, selector: Selector) -> list[Entry]:
        if selector.name == FILE:
            raise UsageError(f"{FILE} takes one file of JSON, and {self.path} is a prepared store.")
        if selector.absent:
            held = sorted({e.leaf for e in self.manifest.entries})
            more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
            raise DataError(
                f"{self.path} has no rows of task {selector.name}.", f"It holds {', '.join(held[:_SHOWN])}{more}."
            )
        in_paper = selector.paper or all(e.part for e in self.manifest.entries)
        fitting = [e for e in self.manifest.entries if selector.fits(e.domain, e.level, e.leaf)]
        complete = self._complete()
        return [e for e in fitting if bool(e.part) == in_paper and (not in_paper or e.leaf in complete)]

    def _complete(self) -> set[str]:
        train, test = ({e.leaf for e in self.manifest.entries if e.part == part} for part in ("train", "test"))
        return train & test

    def _rows(self, entry: Entry) -> Rows:
        self._check_sources(entry)
        path = self.path / entry.file
        try:
            if digest(path) != entry.sha256:
                raise DataError(f"{path} is damaged: it is not what the manifest says.", _AGAIN)
            yield from _read(path)
        except OSError as fault:
            raise DataError(f"{path}: {fault.strerror or fault}.", _AGAIN) from fault

    def _check_sources(self, entry: Entry) -> None:
        """Raises DataError if a file that the rows came from lies at hand and has changed."""
        for name in entry.sources:
            path = Path(name)
            if path.is_file() and not self.manifest.sources[name].fits(path):
                raise DataError(f"{self.path} is out of date: {path} has changed since it was prepared.", _AGAIN)


def digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> Iterator[tuple[Place, Row]]:
    import pyarrow.parquet

    # Texts that many rows share come as numbers into a dictionary: faster, and each is one object.
    file = pyarrow.parquet.ParquetFile(path, read_dictionary=list(_SHARED))
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
