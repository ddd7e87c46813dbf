"""A folder of JSON files, or one such file, as a source of rows. Which files there are is layout.py's knowledge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from openrft import DataError, UsageError
from openrft_sciknoweval.layout import DataFile, hub_files, paper_files, raw_files
from openrft_sciknoweval.selectors import FILE, Held, Selector, selectors
from openrft_sciknoweval.table import Table

_SHOWN = 6
_LAYOUTS = (
    "Give a folder with raw_data/<Domain>/<Level>/<task>.jsonl, or train/ and test/ with <task>.json, or one"
    " .json or .jsonl file, or one that `openrft tasks prepare` made."
)


@dataclass(frozen=True, slots=True)
class Folder:
    """Files in one of the known layouts below a folder."""

    path: Path
    revision: None = None

    def known(self) -> dict[str, Selector]:
        files = [*raw_files(self.path), *paper_files(self.path)]
        if not files:
            whole = hub_files(self.path)
            v1 = bool(whole) and "v2" not in whole[0].path.name
            return selectors(None if whole else [], v1=v1)
        return selectors([Held(f.domain, f.level, f.leaf, f.part) for f in files])

    def tables(self, selector: Selector | None, half: bool = False) -> list[Table]:
        return [file.table() for file in (self._files(selector, half) if selector else self._everything())]

    def left_out(self, selector: Selector) -> list[str]:
        if not selector.paper or selector.leaf:
            return []
        files = paper_files(self.path)
        return sorted({str(file.leaf) for file in files} - _complete(files))

    def _everything(self) -> list[DataFile]:
        found = [*(raw_files(self.path) or hub_files(self.path)), *paper_files(self.path)]
        if not found:
            raise DataError(f"{self.path} has none of the layouts of SciKnowEval.", _LAYOUTS)
        return found

    def _files(self, selector: Selector, half: bool) -> list[DataFile]:
        if selector.name == FILE:
            raise UsageError(f"{FILE} takes one file, and {self.path} is a folder.", "Give one file with --data.")
        if selector.paper:
            return self._paper(selector, half)
        raw = raw_files(self.path)
        found = _fitting(selector, raw) or ([] if raw else hub_files(self.path))
        if found:
            return found
        if not raw and paper_files(self.path):
            return self._paper(selector, half)
        if raw:
            held = sorted({str(file.leaf) for file in raw})
            more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
            raise DataError(
                f"{self.path} has no file of task {selector.name}.", f"It holds {', '.join(held[:_SHOWN])}{more}."
            )
        raise DataError(f"{self.path} has none of the layouts of SciKnowEval.", _LAYOUTS)

    def _paper(self, selector: Selector, half: bool) -> list[DataFile]:
        files = paper_files(self.path)
        if not files:
            raise DataError(f"{self.path} has no train/ and test/ folders, which {selector.name} needs.", _LAYOUTS)
        fitting = _fitting(selector, files)
        complete = _complete(fitting)
        if selector.leaf is None and complete:
            return [file for file in fitting if file.leaf in complete]
        missing = [part for part in ("train", "test") if part not in {file.part for file in fitting}]
        if missing and not (half and selector.leaf and fitting):
            names = " and ".join(f"{part}/{selector.leaf or '<task>'}.json" for part in missing)
            raise DataError(
                f"{selector.name} needs {names}, which {self.path} does not hold.",
                f"Complete there: {', '.join(sorted(_complete(files))) or 'none'}.",
            )
        return fitting


@dataclass(frozen=True, slots=True)
class SingleFile:
    """One file, whose rows alone can tell which tasks they are of."""

    path: Path
    revision: None = None

    def known(self) -> dict[str, Selector]:
        return {
            name: replace(selector, rows=None, types=None, absent=selector.paper)
            for name, selector in selectors(v1=True).items()
        }

    def tables(self, selector: Selector | None, half: bool = False) -> list[Table]:
        if selector and selector.paper:
            raise DataError(
                f"{selector.name} needs train/ and test/ folders, and {self.path} is a file.",
                f"Give the folder that holds both, or take all rows of the file as {FILE}.",
            )
        # A file named like the task is that task, whatever its rows say of themselves.
        named = selector and selector.leaf and self.path.stem.lower() == selector.leaf.lower()
        if selector and named:
            return [DataFile(self.path, selector.domain, selector.level, selector.leaf).table()]
        return [DataFile(self.path).table()]

    def left_out(self, selector: Selector) -> list[str]:
        return []


def _fitting(selector: Selector, files: list[DataFile]) -> list[DataFile]:
    return [file for file in files if selector.fits(file.domain, file.level, file.leaf)]


def _complete(files: list[DataFile]) -> set[str]:
    train, test = ({str(file.leaf) for file in files if file.part == part} for part in ("train", "test"))
    return train & test
