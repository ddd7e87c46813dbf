"""A folder of JSON files, or one such file, as a source of rows. Opens no file before its rows are asked for.

Known layouts, each below the folder itself, below `sciknoweval/` or `openrft/` in it (in any case), or the folder
itself being a part of one:  raw_data/<Domain>/<Level>/<task>.jsonl    train/<task>.json and test/<task>.json
                a copy of the hub's repository: data/v2/sciknoweval_test_v2.jsonl, or V1's file, or V1's by domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from openrft import DataError, UsageError, escape_terminal
from openrft_sciknoweval.catalogue import DOMAINS, LEVELS, PAPER, domain_of, leaf_name
from openrft_sciknoweval.json_reader import read_values
from openrft_sciknoweval.rows import Part, RowIterator, Shard, parse_row
from openrft_sciknoweval.selectors import FILE, AvailableRows, Selector, build_selectors

_MAX_NAMES = 6
_SUFFIXES = (".jsonl", ".json")
_HUB = (  # files of the hub's repository, at one revision or another; the first that are there serve
    {None: "data/v2/sciknoweval_test_v2.jsonl"},
    {None: "data/v1/sciknoweval_test_v1.jsonl"},
    {domain: f"data/{domain}/sciknoweval_{domain.lower()}_test.jsonl" for domain in DOMAINS},
)
_LAYOUTS = (
    "Give a folder with raw_data/<Domain>/<Level>/<task>.jsonl, or train/ and test/ with <task>.json, or one"
    " .json or .jsonl file, or one that `openrft tasks prepare` made."
)


@dataclass(frozen=True, slots=True)
class Folder:
    """Files in one of the known layouts below a folder."""

    path: Path
    revision: None = None

    def selectors(self) -> dict[str, Selector]:
        """See sources.Source."""
        files = [*find_raw_files(self.path), *find_paper_files(self.path)]
        if not files:
            whole = find_hub_files(self.path)
            v1 = bool(whole) and "v2" not in whole[0].path.name
            return build_selectors(None if whole else [], v1=v1)
        return build_selectors([AvailableRows(f.domain, f.level, f.leaf, f.part) for f in files])

    def shards(self, selector: Selector | None, half: bool = False) -> list[Shard]:
        return [file.open_shard() for file in (self._files_of(selector, half) if selector else self._all_files())]

    def incomplete_tasks(self, selector: Selector) -> list[str]:
        if not selector.paper or selector.leaf:
            return []
        files = find_paper_files(self.path)
        return sorted({str(file.leaf) for file in files} - _tasks_with_both_sides(files))

    def _all_files(self) -> list[DataFile]:
        found = [*(find_raw_files(self.path) or find_hub_files(self.path)), *find_paper_files(self.path)]
        if not found:
            raise DataError(f"{self.path} has none of the layouts of SciKnowEval.", _LAYOUTS)
        return found

    def _files_of(self, selector: Selector, half: bool) -> list[DataFile]:
        if selector.name == FILE:
            raise UsageError(f"{FILE} takes one file, and {self.path} is a folder.", "Give one file with --data.")
        if selector.paper:
            return self._paper_files_of(selector, half)
        raw = find_raw_files(self.path)
        found = _matching_files(selector, raw) or ([] if raw else find_hub_files(self.path))
        if found:
            return found
        if not raw and find_paper_files(self.path):
            return self._paper_files_of(selector, half)
        if raw:
            held = sorted({str(file.leaf) for file in raw})
            more = f" and {len(held) - _MAX_NAMES} more" if len(held) > _MAX_NAMES else ""
            raise DataError(
                f"{self.path} has no file of task {selector.name}.",
                f"It holds {escape_terminal(', '.join(held[:_MAX_NAMES]))}{more}.",
            )
        raise DataError(f"{self.path} has none of the layouts of SciKnowEval.", _LAYOUTS)

    def _paper_files_of(self, selector: Selector, half: bool) -> list[DataFile]:
        files = find_paper_files(self.path)
        if not files:
            raise DataError(f"{self.path} has no train/ and test/ folders, which {selector.name} needs.", _LAYOUTS)
        fitting = _matching_files(selector, files)
        complete = _tasks_with_both_sides(fitting)
        if selector.leaf is None and complete:
            return [file for file in fitting if file.leaf in complete]
        missing = [part for part in ("train", "test") if part not in {file.part for file in fitting}]
        if missing and not (half and selector.leaf and fitting):
            names = " and ".join(f"{part}/{selector.leaf or '<task>'}.json" for part in missing)
            raise DataError(
                f"{selector.name} needs {names}, which {self.path} does not hold.",
                f"Complete there: {escape_terminal(', '.join(sorted(_tasks_with_both_sides(files)))) or 'none'}.",
            )
        return fitting


@dataclass(frozen=True, slots=True)
class SingleFile:
    """One file; only its rows can tell which tasks they belong to."""

    path: Path
    revision: None = None

    def selectors(self) -> dict[str, Selector]:
        return {
            name: replace(selector, rows=None, types=None, absent=selector.paper)
            for name, selector in build_selectors(v1=True).items()
        }

    def shards(self, selector: Selector | None, half: bool = False) -> list[Shard]:
        if selector and selector.paper:
            raise DataError(
                f"{selector.name} needs train/ and test/ folders, and {self.path} is a file.",
                f"Give the folder that holds both, or take all rows of the file as {FILE}.",
            )
        # A file named like the task is that task, whatever its rows' own labels are.
        named = selector and selector.leaf and self.path.stem.lower() == selector.leaf.lower()
        if selector and named:
            return [DataFile(self.path, selector.domain, selector.level, selector.leaf).open_shard()]
        return [DataFile(self.path).open_shard()]

    def incomplete_tasks(self, selector: Selector) -> list[str]:
        return []


def _matching_files(selector: Selector, files: list[DataFile]) -> list[DataFile]:
    return [file for file in files if selector.matches(file.domain, file.level, file.leaf)]


def _tasks_with_both_sides(files: list[DataFile]) -> set[str]:
    train, test = ({str(file.leaf) for file in files if file.part == part} for part in ("train", "test"))
    return train & test


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file and what its place says about its rows. A field is None where only the rows can tell."""

    path: Path
    domain: str | None = None
    level: str | None = None
    leaf: str | None = None
    part: Part | None = None
    published: bool = False  # in the place and by the name of a published file: known defects are expected

    def open_shard(self) -> Shard:
        """Its rows, parsed as they are read."""

        def rows() -> RowIterator:
            return ((place, parse_row(value)) for place, value in read_values(self.path))

        return Shard(str(self.path), rows, self.domain, self.level, self.leaf, self.part, self.published)


def find_raw_files(folder: Path) -> list[DataFile]:
    """Files of the raw_data layout. Enters no folder that is not named as a domain, so any folder may be asked."""
    if domain_of(folder.absolute().name) or domain_of(folder.absolute().parent.name):
        return _raw_files_in([folder])
    own = _find_subfolder(folder, "sciknoweval")
    for base in (folder, _find_subfolder(folder, "raw_data"), _find_subfolder(own, "raw_data"), own):
        found = _raw_files_in(entry for entry in _list_folder(base) if domain_of(entry.name))
        if found:
            return found
    return []


def find_paper_files(folder: Path) -> list[DataFile]:
    """Files of the paper's layout: train/ and test/."""
    for base in (folder, _find_subfolder(folder, "openrft"), folder.parent):
        if not (base / "train").is_dir() or (base == folder.parent and folder.name not in ("train", "test")):
            continue
        return [
            *(_place_paper_file(path, "train") for path in _list_data_files(base / "train", depth=1)),
            *(_place_paper_file(path, "test") for path in _list_data_files(base / "test", depth=1)),
        ]
    return []


def find_hub_files(folder: Path) -> list[DataFile]:
    """The hub's files, in a copy of its repository or in the folder itself."""
    for names in _HUB:
        for below in (lambda name: folder / name, lambda name: folder / Path(name).name):
            found = [DataFile(below(name), domain, published=True) for domain, name in names.items()]
            found = [file for file in found if file.path.is_file()]
            if found:
                return found
    return []


def _list_folder(base: Path) -> list[Path]:
    """The entries of a folder in order, without hidden ones; nothing if it is no folder."""
    try:
        return sorted(entry for entry in base.iterdir() if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as fault:
        raise DataError(f"{base}: {fault.strerror or fault}.", "Give a folder that can be read.") from fault


def _find_subfolder(base: Path, name: str) -> Path:
    """The entry of this name in the folder, in upper or lower case; the exact name wins if there are several."""
    found = [entry for entry in _list_folder(base) if entry.name.lower() == name]
    return base / name if (base / name) in found or not found else found[0]


def _list_data_files(base: Path, depth: int) -> Iterator[Path]:
    """Data files up to `depth` folders below, in order."""
    for entry in _list_folder(base):
        if entry.is_dir() and depth > 1:
            yield from _list_data_files(entry, depth - 1)
        elif entry.suffix.lower() in _SUFFIXES and entry.is_file():
            yield entry


def _raw_files_in(folders: Iterable[Path]) -> list[DataFile]:
    found = [_place_raw_file(path) for folder in folders for path in _list_data_files(folder, depth=3)]
    return [file for file in found if file is not None]


def _place_raw_file(path: Path) -> DataFile | None:
    """The file with the domain and level that its folders name. V1 has a folder a task, a file a subtask."""
    parts = path.absolute().parts[-5:-1]
    for i in range(len(parts) - 1, 0, -1):
        domain, level = domain_of(parts[i - 1]), parts[i].upper()
        if domain and level in LEVELS:
            nested = i + 1 < len(parts)
            leaf = leaf_name(domain, level, parts[i + 1], path.stem) if nested else path.stem
            return DataFile(path, domain, level, leaf, published=True)
    return None


def _place_paper_file(path: Path, part: Part) -> DataFile:
    leaf = next((leaf for leaf in PAPER if leaf.name == path.stem), None)
    if leaf is None:
        return DataFile(path, leaf=path.stem, part=part)
    return DataFile(path, leaf.domain, leaf.level, leaf.name, part, published=True)
