"""Which files hold the rows that a selector stands for, below a folder or file the user gave."""

from __future__ import annotations

from pathlib import Path

from openrft import DataError, UsageError
from openrft_sciknoweval.layout import DataFile, hub_files, paper_files, raw_files
from openrft_sciknoweval.selectors import FILE, Selector

_SHOWN = 6
_LAYOUTS = (
    "Give a folder with raw_data/<Domain>/<Level>/<task>.jsonl, or train/ and test/ with <task>.json, or one"
    " .json or .jsonl file."
)


def files_for(selector: Selector, data: Path) -> list[DataFile]:
    """The files to read. Raises DataError if there are none, UsageError if name and source cannot go together."""
    if not data.is_dir():
        return [_single(selector, data)]
    if selector.name == FILE:
        raise UsageError(f"{FILE} takes one file, and {data} is a folder.", "Give one file with --data.")
    if selector.paper:
        return _paper(selector, data)
    raw = raw_files(data)
    found = _fitting(selector, raw) or hub_files(data)
    if found:
        return found
    if not raw and paper_files(data):
        return _paper(selector, data)
    if raw:
        held = sorted({str(file.leaf) for file in raw})
        more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
        raise DataError(f"{data} has no file of task {selector.name}.", f"It holds {', '.join(held[:_SHOWN])}{more}.")
    raise DataError(f"{data} has none of the layouts of SciKnowEval.", _LAYOUTS)


def left_out(selector: Selector, data: Path) -> list[str]:
    """Tasks of the paper's pool that cannot take part because one of their two files is missing."""
    if not selector.paper or selector.leaf:
        return []
    files = paper_files(data)
    return sorted({str(file.leaf) for file in files} - _complete(files))


def _single(selector: Selector, path: Path) -> DataFile:
    # A file named like the task is that task, whatever its rows say of themselves.
    named = selector.leaf is not None and path.stem.lower() == selector.leaf.lower()
    return DataFile(path, selector.domain, selector.level, selector.leaf) if named else DataFile(path)


def _paper(selector: Selector, data: Path) -> list[DataFile]:
    files = paper_files(data)
    if not files:
        raise DataError(f"{data} has no train/ and test/ folders, which {selector.name} needs.", _LAYOUTS)
    fitting = _fitting(selector, files)
    complete = _complete(fitting)
    if selector.leaf is None and complete:
        return [file for file in fitting if file.leaf in complete]
    missing = [part for part in ("train", "test") if part not in {file.part for file in fitting}]
    if missing:
        names = " and ".join(f"{part}/{selector.leaf or '<task>'}.json" for part in missing)
        raise DataError(
            f"{selector.name} needs {names}, which {data} does not hold.",
            f"Complete there: {', '.join(sorted(_complete(files))) or 'none'}.",
        )
    return fitting


def _fitting(selector: Selector, files: list[DataFile]) -> list[DataFile]:
    return [file for file in files if selector.fits(file.domain, file.level, file.leaf)]


def _complete(files: list[DataFile]) -> set[str]:
    train, test = ({str(file.leaf) for file in files if file.part == part} for part in ("train", "test"))
    return train & test
