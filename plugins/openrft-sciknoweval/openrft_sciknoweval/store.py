"""The prepared store: rows converted once into Parquet, one file a task, with a manifest that says what they are.

    STORE/manifest.json     written last: without it there is no store, and with it the store is complete
    STORE/rows-<id>/*.parquet

The rows are those of the source. Defects are flagged, and only rows that cannot be read at all are left out. A file is
checked against the manifest before it is used, and so are the source's files where they still exist.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from openrft import DataError, UsageError, escape_terminal
from openrft_sciknoweval.defects import DEFECTS
from openrft_sciknoweval.json_reader import RowLocation
from openrft_sciknoweval.rows import Part, Row, RowIterator, Shard
from openrft_sciknoweval.selectors import FILE, AvailableRows, Selector, build_selectors

MANIFEST = "manifest.json"
FORMAT = 2  # goes up with what a store holds, so that an old one is refused
CHECKS = tuple(defect.name for defect in DEFECTS)
PREPARE_AGAIN = "Run `openrft tasks prepare sciknoweval` again."


@dataclass(frozen=True, slots=True)
class StoredFile:
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
class FileStamp:
    """Size, time and content of a file when it was read."""

    size: int
    mtime: int  # nanoseconds
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, digest_file(path))

    def matches(self, path: Path) -> bool:
        """Whether the file is still the same. It is only read where its time has changed and its size has not."""
        stat = path.stat()
        return stat.st_size == self.size and (stat.st_mtime_ns == self.mtime or digest_file(path) == self.sha256)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store is made of."""

    source: str  # as it was asked for
    place: str  # sources.identify_source: what distinguishes that source from others
    revision: str | None
    entries: tuple[StoredFile, ...]
    sources: dict[str, FileStamp] = field(default_factory=dict)  # by path
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
        """Write it under another name and rename it: readers see the old one or the new."""
        aside = path.with_name(path.name + ".tmp")
        aside.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), encoding="utf-8")
        aside.replace(path)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Raises DataError for one that is damaged or of another format."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw.get("format") != FORMAT or tuple(raw["checks"]) != CHECKS:
                raise DataError(f"{path.parent} was prepared by another version of openrft-sciknoweval.", PREPARE_AGAIN)
            entries = tuple(StoredFile(**{**e, "sources": tuple(e["sources"])}) for e in raw["entries"])
            sources = {name: FileStamp(**stamp) for name, stamp in raw["sources"].items()}
            return cls(raw["source"], raw["place"], raw["revision"], entries, sources, raw["bad"])
        except OSError as fault:
            raise DataError(f"{path}: {fault.strerror or fault}.", "Give a readable store.") from fault
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise DataError(f"{path} is damaged ({type(fault).__name__}).", PREPARE_AGAIN) from fault


LOCATION_FIELDS = RowLocation._fields
ROW_FIELDS = tuple(f.name for f in fields(Row))
_SHARED = ("unit", "file", "type", "key", "prompt", "domain", "level", "task", "subtask", "source")
_MAX_NAMES = 6


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

    def selectors(self) -> dict[str, Selector]:
        known = build_selectors(
            [AvailableRows(e.domain, e.level, e.leaf, e.part, e.types) for e in self.manifest.entries]
        )
        if self._made_from_one_file:
            types: Counter[str] = Counter()
            for entry in self.manifest.entries:
                types.update(entry.types)
            known[FILE] = replace(known[FILE], rows=sum(types.values()), types=dict(types), absent=False)
        return known

    def shards(self, selector: Selector | None, half: bool = False) -> list[Shard]:
        chosen = self._select_files(selector, half) if selector else list(self.manifest.entries)
        left_out = Counter(self.manifest.bad)
        tables = []
        for entry in chosen:
            bad = Counter(entry.bad)
            bad.update(left_out)
            left_out.clear()  # counted once
            rows = partial(self._read_checked, entry)
            name = str(self.path / entry.file)
            place = (entry.domain, entry.level, entry.leaf, entry.part)
            tables.append(Shard(name, rows, *place, entry.published, dict(bad)))
        return tables

    def incomplete_tasks(self, selector: Selector) -> list[str]:
        if not selector.paper or selector.leaf:
            return []
        return sorted({e.leaf for e in self.manifest.entries if e.part} - self._tasks_with_both_sides())

    def _select_files(self, selector: Selector, half: bool) -> list[StoredFile]:
        if selector.name == FILE and self._made_from_one_file:
            return list(self.manifest.entries)
        if selector.name == FILE:
            raise UsageError(
                f"{FILE} takes one file of JSON, or a store of one, and {self.path} is a store of several."
            )
        in_paper = selector.paper or all(e.part for e in self.manifest.entries)
        fitting = [e for e in self.manifest.entries if selector.matches(e.domain, e.level, e.leaf)]
        fitting = [e for e in fitting if bool(e.part) == in_paper]
        if half and selector.leaf and fitting:
            return fitting
        if selector.absent:
            held = sorted(self._tasks_with_both_sides() if selector.paper else {e.leaf for e in self.manifest.entries})
            more = f" and {len(held) - _MAX_NAMES} more" if len(held) > _MAX_NAMES else ""
            rows = "train and test rows" if selector.paper else "rows"
            raise DataError(
                f"{self.path} has no {rows} of task {selector.name}.",
                f"It holds {escape_terminal(', '.join(held[:_MAX_NAMES])) or 'none'}{more}.",
            )
        complete = self._tasks_with_both_sides()
        return [e for e in fitting if not in_paper or e.leaf in complete]

    @property
    def _made_from_one_file(self) -> bool:
        """Whether it was made from one file of the user's: only such rows are neither published nor of a split."""
        return not any(e.published or e.part for e in self.manifest.entries)

    def _tasks_with_both_sides(self) -> set[str]:
        train, test = ({e.leaf for e in self.manifest.entries if e.part == part} for part in ("train", "test"))
        return train & test

    def _read_checked(self, entry: StoredFile) -> RowIterator:
        self._check_sources(entry)
        path = self.path / entry.file
        try:
            if digest_file(path) != entry.sha256:
                raise DataError(f"{path} is damaged: it is not what the manifest says.", PREPARE_AGAIN)
            yield from _read_parquet(path)
        except OSError as fault:
            raise DataError(f"{path}: {fault.strerror or fault}.", PREPARE_AGAIN) from fault

    def _check_sources(self, entry: StoredFile) -> None:
        """Raises DataError if a file that the rows came from still exists and has changed."""
        for name in entry.sources:
            path = Path(name)
            if path.is_file() and not self.manifest.sources[name].matches(path):
                raise DataError(f"{self.path} is out of date: {path} has changed since it was prepared.", PREPARE_AGAIN)


def _read_parquet(path: Path) -> Iterator[tuple[RowLocation, Row]]:
    import pyarrow.parquet

    # Texts that many rows share come as numbers into a dictionary: faster, and each is one object.
    # Read as it is needed: otherwise the whole file would be in memory beside the rows.
    file = pyarrow.parquet.ParquetFile(path, read_dictionary=list(_SHARED), pre_buffer=False)
    for batch in file.iter_batches(batch_size=1024):
        columns = {name: _column_values(batch.column(name)) for name in (*LOCATION_FIELDS, *ROW_FIELDS)}
        places = zip(*(columns[name] for name in LOCATION_FIELDS), strict=True)
        rows = zip(*(columns[name] for name in ROW_FIELDS), strict=True)
        for place, row in zip(places, rows, strict=True):
            yield RowLocation(*place), Row(*row)


def _column_values(values: Any) -> list[Any]:
    """A column's values; lists as tuples."""
    if hasattr(values, "dictionary"):
        texts = values.dictionary.to_pylist()
        return [None if at is None else texts[at] for at in values.indices.to_pylist()]
    if not hasattr(values, "offsets"):
        return list(values.to_pylist())
    # Not `flatten()`, which imports pyarrow's compute functions: a fifth of the time of a load.
    flat, ends = values.values.to_pylist(), values.offsets.to_pylist()
    return [tuple(flat[begin:end]) for begin, end in pairwise(ends)]


def digest_file(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
