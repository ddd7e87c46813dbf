"""Where rows lie below a folder that the user gives. Reads directory entries only.

Known layouts, each below the folder itself, below `sciknoweval/` or `openrft/` in it (in any case), or the folder
itself being a part of one:  raw_data/<Domain>/<Level>/<task>.jsonl    train/<task>.json and test/<task>.json
                a copy of the hub's repository: data/v2/sciknoweval_test_v2.jsonl, or V1's file, or V1's by domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from openrft import DataError
from openrft_sciknoweval.catalogue import DOMAINS, LEVELS, PAPER, domain_of
from openrft_sciknoweval.naming import leaf_name
from openrft_sciknoweval.reading import values
from openrft_sciknoweval.row import parse
from openrft_sciknoweval.table import Part, Rows, Table

_SUFFIXES = (".jsonl", ".json")
_HUB = (  # files of the hub's repository, at one revision or another; the first that are there serve
    {None: "data/v2/sciknoweval_test_v2.jsonl"},
    {None: "data/v1/sciknoweval_test_v1.jsonl"},
    {domain: f"data/{domain}/sciknoweval_{domain.lower()}_test.jsonl" for domain in DOMAINS},
)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file and what its place says about its rows; None where only the rows can tell."""

    path: Path
    domain: str | None = None
    level: str | None = None
    leaf: str | None = None
    part: Part | None = None
    published: bool = False  # in the place and by the name of a published file: known defects are expected

    def table(self) -> Table:
        """Its rows, parsed as they are read."""

        def rows() -> Rows:
            return ((place, parse(value)) for place, value in values(self.path))

        return Table(str(self.path), rows, self.domain, self.level, self.leaf, self.part, self.published)


def raw_files(folder: Path) -> list[DataFile]:
    """Files of the raw_data layout. Enters no folder that is not named as a domain, so any folder may be asked."""
    if domain_of(folder.absolute().name) or domain_of(folder.absolute().parent.name):
        return _raw_below([folder])
    own = _below(folder, "sciknoweval")
    for base in (folder, _below(folder, "raw_data"), _below(own, "raw_data"), own):
        found = _raw_below(entry for entry in _entries(base) if domain_of(entry.name))
        if found:
            return found
    return []


def paper_files(folder: Path) -> list[DataFile]:
    """Files of the paper's layout: train/ and test/."""
    for base in (folder, _below(folder, "openrft"), folder.parent):
        if not (base / "train").is_dir() or (base == folder.parent and folder.name not in ("train", "test")):
            continue
        return [
            *(_paper(path, "train") for path in _walk(base / "train", depth=1)),
            *(_paper(path, "test") for path in _walk(base / "test", depth=1)),
        ]
    return []


def hub_files(folder: Path) -> list[DataFile]:
    """The hub's files, in a copy of its repository or in the folder itself."""
    for names in _HUB:
        for below in (lambda name: folder / name, lambda name: folder / Path(name).name):
            found = [DataFile(below(name), domain, published=True) for domain, name in names.items()]
            found = [file for file in found if file.path.is_file()]
            if found:
                return found
    return []


def _entries(base: Path) -> list[Path]:
    """What lies in a folder, in order; nothing if it is none. Hidden entries are none of ours."""
    try:
        return sorted(entry for entry in base.iterdir() if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise DataError(f"{base}: {fault.strerror or fault}.", "Give a folder that can be read.") from fault


def _below(base: Path, name: str) -> Path:
    """What is called so in the folder, in any case; exactly so if there are several."""
    found = [entry for entry in _entries(base) if entry.name.lower() == name]
    return base / name if (base / name) in found or not found else found[0]


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
    """The file with the domain and level that its folders name. V1 has a folder a task, a file a subtask."""
    parts = path.absolute().parts[-5:-1]
    for i in range(len(parts) - 1, 0, -1):
        domain, level = domain_of(parts[i - 1]), parts[i].upper()
        if domain and level in LEVELS:
            nested = i + 1 < len(parts)
            leaf = leaf_name(domain, level, parts[i + 1], path.stem) if nested else path.stem
            return DataFile(path, domain, level, leaf, published=True)
    return None


def _paper(path: Path, part: Part) -> DataFile:
    leaf = next((leaf for leaf in PAPER if leaf.name == path.stem), None)
    if leaf is None:
        return DataFile(path, leaf=path.stem, part=part)
    return DataFile(path, leaf.domain, leaf.level, leaf.name, part, published=True)
