"""Where rows lie below a folder that the user gives. Reads directory entries only.

Known layouts, each below the folder itself, below `sciknoweval/` or `openrft/` in it, or the folder itself being
a part of one:  raw_data/<Domain>/<Level>/<task>.jsonl    train/<task>.json and test/<task>.json
                data/v2/sciknoweval_test_v2.jsonl (the hub's)    or one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openrft import DataError
from openrft_sciknoweval.catalogue import LEVELS, PAPER, Leaf, domain_of

HUB_FILE = "data/v2/sciknoweval_test_v2.jsonl"
_SUFFIXES = (".jsonl", ".json")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file and what its place says about its rows; None where only the rows can tell."""

    path: Path
    domain: str | None = None
    level: str | None = None
    leaf: str | None = None
    part: Literal["train", "test"] | None = None
    published: bool = False  # in the place and by the name of a published file: known defects are expected


def raw_files(folder: Path) -> list[DataFile]:
    """Files of the raw_data layout. Enters no folder that is not named as a domain, so any folder may be asked."""
    if domain_of(folder.absolute().name) or domain_of(folder.absolute().parent.name):
        return _raw_below([folder])
    for base in (folder, folder / "raw_data", folder / "sciknoweval" / "raw_data", folder / "sciknoweval"):
        found = _raw_below(entry for entry in _entries(base) if domain_of(entry.name))
        if found:
            return found
    return []


def paper_files(folder: Path) -> list[DataFile]:
    """Files of the paper's layout: train/ and test/."""
    for base in (folder, folder / "openrft", folder.parent):
        if not (base / "train").is_dir() or (base == folder.parent and folder.name not in ("train", "test")):
            continue
        return [
            *(_paper(path, "train") for path in _walk(base / "train", depth=1)),
            *(_paper(path, "test") for path in _walk(base / "test", depth=1)),
        ]
    return []


def hub_files(folder: Path) -> list[DataFile]:
    """The hub's one file, in a snapshot of the hub's repository or alone in the folder."""
    places = (folder / HUB_FILE, folder / Path(HUB_FILE).name)
    return [DataFile(path, published=True) for path in places if path.is_file()][:1]


def discovered(folder: Path) -> tuple[list[Leaf], list[str]]:
    """Tasks by file name: of the raw layout, and of the paper's."""
    leaves = [Leaf(f.leaf, f.domain, f.level) for f in raw_files(folder) if f.leaf and f.domain and f.level]
    return leaves, sorted({file.leaf for file in paper_files(folder) if file.leaf})


def _entries(base: Path) -> list[Path]:
    """What lies in a folder, in order; nothing if it is none. Hidden entries are none of ours."""
    try:
        return sorted(entry for entry in base.iterdir() if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise DataError(f"{base}: {fault.strerror or fault}.", "Give a folder that can be read.") from fault


def _walk(base: Path, depth: int) -> Iterator[Path]:
    """Data files up to `depth` folders below, in order."""
    for entry in _entries(base):
        if entry.is_dir() and depth > 1:
            yield from _walk(entry, depth - 1)
        elif entry.suffix.lower() in _SUFFIXES and entry.is_file():
            yield entry


def _raw_below(folders: Iterable[Path]) -> list[DataFile]:
    found = [_raw(path) for folder in folders for path in _walk(folder, depth=3)]
    return [file for file in found if file is not None]


def _raw(path: Path) -> DataFile | None:
    """The file with the domain and level that its folders name; V1 has a further folder below the level."""
    parts = path.absolute().parts[-5:-1]
    for i in range(len(parts) - 1, 0, -1):
        domain = domain_of(parts[i - 1])
        if domain and parts[i].upper() in LEVELS:
            return DataFile(path, domain, parts[i].upper(), path.stem, published=True)
    return None


def _paper(path: Path, part: Literal["train", "test"]) -> DataFile:
    leaf = next((leaf for leaf in PAPER if leaf.name == path.stem), None)
    if leaf is None:
        return DataFile(path, leaf=path.stem, part=part)
    return DataFile(path, leaf.domain, leaf.level, leaf.name, part, published=True)
