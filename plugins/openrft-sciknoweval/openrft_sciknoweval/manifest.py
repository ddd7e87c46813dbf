"""What a prepared store says of itself: its files, the rows in them, and the files that they were made from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from openrft import DataError
from openrft_sciknoweval.defects import REGISTRY
from openrft_sciknoweval.table import Part

MANIFEST = "manifest.json"
FORMAT = 2  # goes up with what a store holds, so that an old one is refused
CHECKS = tuple(defect.name for defect in REGISTRY)
AGAIN = "Run `openrft tasks prepare sciknoweval` again."


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
    place: str  # tells that source from others, where the words above do not
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
                raise DataError(f"{path.parent} was prepared by another version of openrft-sciknoweval.", AGAIN)
            entries = tuple(Entry(**{**e, "sources": tuple(e["sources"])}) for e in raw["entries"])
            sources = {name: Stamp(**stamp) for name, stamp in raw["sources"].items()}
            return cls(raw["source"], raw["place"], raw["revision"], entries, sources, raw["bad"])
        except OSError as fault:
            raise DataError(f"{path}: {fault.strerror or fault}.", "Give a readable store.") from fault
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise DataError(f"{path} is damaged ({type(fault).__name__}).", AGAIN) from fault


def digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
