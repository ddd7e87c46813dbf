"""The family `sciknoweval`: from a task's name and a request to a Task. Reads top to bottom."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openrft import DataError, DataRequest, Sample, Task, TaskInfo
from openrft_sciknoweval.answering import form, grade, instruction
from openrft_sciknoweval.kin import Kinship, normal
from openrft_sciknoweval.known_rules import RULES
from openrft_sciknoweval.pool import Pool
from openrft_sciknoweval.selectors import FAMILY, canonical, choose, selectors
from openrft_sciknoweval.source import Source, label, open_source, place
from openrft_sciknoweval.split import draw, judged_beside, split

LICENCE = "MIT by the card of the published data set; its repository states none"


class SciKnowEvalFamily:
    """Tasks by level, domain and file, and the OpenRFT paper's eight."""

    family = FAMILY

    def names(self, data: str | None = None) -> list[TaskInfo]:
        """Every task: the catalogue, with what the source has of it, and what else it has. Reads no rows."""
        try:
            known = open_source(data).known()
        except DataError:
            if data:
                raise
            known = selectors()  # a listing must not fail for a variable that is set wrong; loading says so
        return [selector.info for selector in known.values()]

    def canonical(self, name: str) -> str:
        """The name as `names` lists it: V1 says `Materials` of a domain."""
        return canonical(name)

    def load(self, name: str, request: DataRequest) -> Task:
        """One task. Raises UsageError (no such name) or DataError.

        Rows that have no outcome reward without a judge never stand in train. In test they stand in proportion, and
        alone in a task that has no others; without a judge they are reported as not scored.
        """
        pool, notes = _read(name, request)
        pool.require()
        train, test, rule = _divide(pool, request)
        return _task(pool, train, test, {**notes, "split": rule})

    def whole(self, name: str, request: DataRequest) -> Task:
        """All rows of a task, those that only a judge can score after the others. Raises DataError.

        Of a split of which one side is missing, those of the other, which the note `only_side` names.
        """
        pool, notes = _read(name, request, half=True)
        pool.require()
        test = [*pool.samples.get("test", ()), *pool.judged.get("test", ())]
        own = {id(sample) for sample in test}
        train = [sample for sample in (*pool.all(), *pool.left_to_a_judge()) if id(sample) not in own]
        parts = {*pool.samples, *pool.judged}
        half = {"only_side": str(*parts)} if len(parts) == 1 and None not in parts else {}
        return _task(pool, train, test, {**notes, "split": "none: all rows", **half})

    def prepare(self, source: str | None, to: Path, skip_bad_rows: bool, progress: Any) -> Mapping[str, Any]:
        """Convert the rows once into a store in the folder `to`. Raises UsageError or DataError."""
        from openrft_sciknoweval.prepare import prepare

        made = prepare(open_source(source, "--from"), label(source), place(source), to, skip_bad_rows, progress)
        return {"family": FAMILY, "store": str(to), **made.summary()}


def _read(name: str, request: DataRequest, half: bool = False) -> tuple[Pool, dict[str, Any]]:
    """The samples of a name, and where they come from in notes."""
    source: Source = open_source(request.data)
    selector = choose(name, source.known())
    pool = Pool(selector, request.skip_bad_rows, request.clean)
    tables = source.tables(selector, half)
    pool.add(tables)
    pool.settle()
    return pool, {
        "source": label(request.data),
        "revision": source.revision,
        "licence": LICENCE if all(table.published for table in tables) else "as your file's",
        "tasks_left_out": source.left_out(selector),
    }


def _divide(pool: Pool, request: DataRequest) -> tuple[list[Sample], list[Sample], str]:
    """Train and test samples, and how they came about in words."""
    asked = f"asked for {request.train} train and {request.test} test"
    if not pool.all():
        test = draw(pool.left_to_a_judge(), request.test, request.seed)
        return [], test, "test alone, as only a judge can score the answers"
    if None in pool.samples:
        drawn, judged = pool.samples[None], pool.judged.get(None, [])
        share = len(judged) / (len(drawn) + len(judged) or 1)
        graded = max(request.test - round(request.test * share), 1)
        train, test = split(drawn, request.train, graded, request.seed)
        rule = f"drawn by seed {request.seed}, stratified by task and subtask, kin on one side"
        wanted = min(len(drawn), request.train + graded)
        if len(drawn) < request.train + graded:
            rule += f"; {asked}, and there are {len(drawn)}: both shrunk in proportion"
        if len(train) + len(test) < wanted:
            rule += f"; {wanted - len(train) - len(test)} fewer, as kin that stay together did not fit"
        if not train or not test:
            raise DataError(
                f"{pool.selector.name}: its {len(drawn)} rows are so much alike that {len(train)} train and {len(test)}"
                " test samples could be drawn without kin on both sides.",
                "Ask for more with --train and --test, leave out repeated rows with --clean, or give more rows.",
            )
        told = judged_beside(train, test, judged, len(judged) / len(drawn), request.test - len(test), request.seed)
        if told:
            rule += f"; {len(told)} of test only a judge can score, in proportion"
        return train, [*test, *told], rule
    train = draw(pool.samples.get("train", []), request.train, request.seed)
    test = draw([*pool.samples.get("test", []), *pool.judged.get("test", [])], request.test, request.seed)
    return train, test, f"the files' own; {asked}, took {len(train)} and {len(test)}"


def _task(pool: Pool, train: list[Sample], test: list[Sample], notes: Mapping[str, Any]) -> Task:
    """The task, its samples marked with what kin share. Uses up the pool and the lists: no sample need lie in memory
    without and with its marks for longer than it takes to mark it."""
    every = pool.all()
    kinship = Kinship([*every, *pool.left_to_a_judge()])
    # Not of the draw: it must not change with it.
    told = instruction(form(sample) for sample in (*every, *pool.left_to_a_judge()))
    counts = pool.notes()
    every_note = {
        **notes,
        **counts,
        "trainable_types": sorted({sample.meta["type"] for sample in every}),
        "groups": ["level", "domain"],  # fields of `Sample.meta` that scores are grouped by
        "fingerprint": _fingerprint(train, test),
    }
    del every
    pool.clear()
    for side in (train, test):
        for at, sample in enumerate(side):
            side[at] = replace(sample, meta={**sample.meta, "kin": kinship.marks(sample)})
    normal.cache_clear()  # it holds texts of rows that may be let go
    task = Task(pool.selector.name, tuple(train), tuple(test), grade=grade, notes=every_note, rules=RULES)
    return replace(task, instruction=told) if told else task


def _fingerprint(train: Sequence[Sample], test: Sequence[Sample]) -> str:
    """Says whether two runs saw the same items on the same sides, whatever folder they came from."""
    text = "\n".join(["train", *sorted(s.id for s in train), "test", *sorted(s.id for s in test)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
