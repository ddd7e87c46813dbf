"""The family `sciknoweval`: from a task's name and a request to a Task. Reads top to bottom."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from openrft import DataError, DataRequest, Sample, Task, TaskInfo
from openrft_sciknoweval.answering import grade, instruction
from openrft_sciknoweval.hub import REPOSITORY, REVISION, VARIABLE, hub_file
from openrft_sciknoweval.layout import DataFile, discovered
from openrft_sciknoweval.pool import Pool
from openrft_sciknoweval.selectors import FAMILY, FILE, Selector, choose, selectors
from openrft_sciknoweval.source import files_for, left_out
from openrft_sciknoweval.split import draw, kin_in_train, split

LICENCE = "MIT by the card of the published data set; its repository states none"


class SciKnowEvalFamily:
    """Tasks by level, domain and file, and the OpenRFT paper's eight."""

    family = FAMILY

    def names(self) -> list[TaskInfo]:
        """Every task: the catalogue, and what else the folder named by the environment variable holds."""
        try:
            known = _known(os.environ.get(VARIABLE))
        except DataError:
            known = selectors()  # a listing must not fail for a folder that cannot be read; loading says so
        return [selector.info for selector in known.values()]

    def load(self, name: str, request: DataRequest) -> Task:
        """One task. Raises UsageError (no such name, nothing to train on) or DataError."""
        data = request.data or os.environ.get(VARIABLE) or None
        selector = choose(name, _known(data))
        pool = Pool(selector, request.skip_bad_rows)
        files = _files(selector, request, data)
        pool.add(files)
        pool.flag_conflicts()
        pool.require()
        train, test, rule = _divide(pool, request)
        notes = {
            # The variable's name, not its value: reports travel, and a machine's folders tell others nothing.
            "source": request.data or (f"${VARIABLE}" if data else REPOSITORY),
            "revision": None if data else REVISION,
            "licence": LICENCE if all(file.published for file in files) else "as your file's",
            **pool.notes(),
            "tasks_left_out": left_out(selector, Path(data).expanduser()) if data else [],
            "split": rule,
            "test_with_kin_in_train": kin_in_train(train, test, pool.all()),
            "fingerprint": _fingerprint(train, test),
        }
        told = instruction(sample.kind for sample in pool.all())  # not of the draw: it must not change with it
        task = Task(selector.name, tuple(train), tuple(test), grade=grade, notes=notes)
        return replace(task, instruction=told) if told else task


def _known(data: str | None) -> dict[str, Selector]:
    """The catalogue's selectors, and those of further files in the folder."""
    folder = Path(data).expanduser() if data else None
    return selectors(*discovered(folder)) if folder and folder.is_dir() else selectors()


def _files(selector: Selector, request: DataRequest, data: str | None) -> list[DataFile]:
    if data is None:
        if selector.paper or selector.name == FILE:
            raise DataError(f"{selector.name} is not on the hub.", f"Give its files with --data, or set {VARIABLE}.")
        return [DataFile(hub_file(), published=True)]
    path = Path(data).expanduser()
    if not path.exists():
        named = "--data " if request.data else f"{VARIABLE}="
        raise DataError(f"{named}{data}: no such file or folder.", "Give an existing one.")
    return files_for(selector, path)


def _divide(pool: Pool, request: DataRequest) -> tuple[list[Sample], list[Sample], str]:
    """Train and test samples, and how they came about in words."""
    asked = f"asked for {request.train} train and {request.test} test"
    if None in pool.samples:
        drawn = pool.samples[None]
        train, test = split(drawn, request.train, request.test, request.seed)
        rule = f"drawn by seed {request.seed}, stratified by task, kin on one side"
        short = f"; {asked}, and there are {len(drawn)}: both shrunk in proportion"
        return train, test, rule + (short if len(drawn) < request.train + request.test else "")
    train = draw(pool.samples.get("train", []), request.train, request.seed)
    test = draw(pool.samples.get("test", []), request.test, request.seed)
    return train, test, f"the files' own; {asked}, took {len(train)} and {len(test)}"


def _fingerprint(train: Sequence[Sample], test: Sequence[Sample]) -> str:
    """Says whether two runs saw the same items on the same sides, whatever folder they came from."""
    text = "\n".join(["train", *sorted(s.id for s in train), "test", *sorted(s.id for s in test)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
