"""The family `sciknoweval`: from a task's name and a request to a Task. Reads top to bottom."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openrft import DataError, DataRequest, Progress, Sample, Task, TaskInfo, UsageError, expand_path
from openrft_sciknoweval.defects import RULES
from openrft_sciknoweval.grading import build_instruction, form_of, grade
from openrft_sciknoweval.samples import SampleCollector
from openrft_sciknoweval.selectors import FAMILY, build_selectors, canonical_name, find_selector
from openrft_sciknoweval.sources import Source, describe_source, find_source_path, identify_source, open_source
from openrft_sciknoweval.splits import LeakageGroups, draw, draw_judged, normalize, split

LICENCE = "MIT by the card of the published data set; its repository states none"


class SciKnowEvalFamily:
    """Tasks by level, domain and file, and the OpenRFT paper's eight."""

    family = FAMILY

    def names(self, data: str | None = None) -> list[TaskInfo]:
        """Every task: the catalogue, with what the source has of it, and what else it has. Reads no rows."""
        try:
            known = open_source(data).selectors()
        except (DataError, UsageError):
            if data:
                raise
            known = build_selectors()  # a listing must not fail for a variable that is set wrong; loading says so
        return [selector.info for selector in known.values()]

    def resolve_alias(self, name: str) -> str:
        """The name as `names` lists it: V1 says `Materials` of a domain."""
        return canonical_name(name)

    def find_source(self, data: str | None) -> Path | None:
        """Where the rows are: what `data` or the environment variable names; None for the hub."""
        return find_source_path(data)

    def load(self, name: str, request: DataRequest) -> Task:
        """One task. Raises UsageError (no such name) or DataError.

        Rows that have no outcome reward without a judge are never in train. They are in test in proportion, and alone
        in a task that has no others; without a judge they are reported as not scored.
        """
        collector, notes = _collect_samples(name, request)
        collector.require_samples()
        train, test, rule = _draw_split(collector, request)
        return _make_task(collector, train, test, {**notes, "split": rule})

    def load_all(self, name: str, request: DataRequest) -> Task:
        """All rows of a task, those that only a judge can score after the others. Raises DataError.

        Where one side of a split is missing, the rows of the other, which the note `only_side` names.
        """
        collector, notes = _collect_samples(name, request, half=True)
        collector.require_samples()
        test = [*collector.samples.get("test", ()), *collector.judged.get("test", ())]
        own = {id(sample) for sample in test}
        train = [sample for sample in (*collector.gradable(), *collector.needing_judge()) if id(sample) not in own]
        parts = {*collector.samples, *collector.judged}
        half = {"only_side": str(*parts)} if len(parts) == 1 and None not in parts else {}
        return _make_task(collector, train, test, {**notes, "split": "none: all rows", **half})

    def prepare(self, source: str | None, to: Path, skip_bad_rows: bool, progress: Progress) -> Mapping[str, Any]:
        """Convert the rows once into a store in the folder `to`. Raises UsageError or DataError."""
        to = expand_path(str(to), "--to ")
        from openrft_sciknoweval.prepare import write_store

        made = write_store(
            open_source(source, "--from"), describe_source(source), identify_source(source), to, skip_bad_rows, progress
        )
        return {"family": FAMILY, "store": str(to), **made.summary()}


def _collect_samples(name: str, request: DataRequest, half: bool = False) -> tuple[SampleCollector, dict[str, Any]]:
    """The samples of a name, and where they come from in notes."""
    source: Source = open_source(request.data)
    selector = find_selector(name, source.selectors())
    collector = SampleCollector(selector, request.skip_bad_rows, request.clean)
    shards = source.shards(selector, half)
    collector.add(shards)
    collector.mark_defects()
    return collector, {
        "source": describe_source(request.data),
        "revision": source.revision,
        "licence": LICENCE if all(shard.published for shard in shards) else "as your file's",
        "tasks_left_out": source.incomplete_tasks(selector),
    }


def _draw_split(collector: SampleCollector, request: DataRequest) -> tuple[list[Sample], list[Sample], str]:
    """Train and test samples, and how they came about in words."""
    asked = f"asked for {request.train} train and {request.test} test"
    if not collector.gradable():
        test = draw(collector.needing_judge(), request.test, request.seed)
        return [], test, "test alone, as only a judge can score the answers"
    if None in collector.samples:
        drawn, judged = collector.samples[None], collector.judged.get(None, [])
        share = len(judged) / (len(drawn) + len(judged) or 1)
        graded = max(request.test - round(request.test * share), 1)
        train, test = split(drawn, request.train, graded, request.seed)
        rule = f"drawn by seed {request.seed}, stratified by task and subtask, leakage groups on one side"
        wanted = min(len(drawn), request.train + graded)
        if len(drawn) < request.train + graded:
            rule += f"; {asked}, and there are {len(drawn)}: both shrunk in proportion"
        if len(train) + len(test) < wanted:
            rule += f"; {wanted - len(train) - len(test)} fewer, as leakage groups that stay together did not fit"
        if not train or not test:
            raise DataError(
                f"{collector.selector.name}: its {len(drawn)} rows are so much alike that {len(train)} train and"
                f" {len(test)}"
                " test samples could be drawn without a leakage group on both sides.",
                "Ask for more with --train and --test, leave out repeated rows with --clean, or give more rows.",
            )
        judged_test = draw_judged(train, test, judged, len(judged) / len(drawn), request.test - len(test), request.seed)
        if judged_test:
            rule += f"; {len(judged_test)} of test only a judge can score, in proportion"
        return train, [*test, *judged_test], rule
    train = draw(collector.samples.get("train", []), request.train, request.seed)
    test = draw([*collector.samples.get("test", []), *collector.judged.get("test", [])], request.test, request.seed)
    return train, test, f"the files' own; {asked}, took {len(train)} and {len(test)}"


def _make_task(collector: SampleCollector, train: list[Sample], test: list[Sample], notes: Mapping[str, Any]) -> Task:
    """The task, its samples marked with their leakage groups.

    Empties the collector and the lists: no sample need be in memory twice, with and without its mark.
    """
    every = collector.gradable()
    leakage = LeakageGroups([*every, *collector.needing_judge()])
    # Not of the draw: it must not change with it.
    instruction = build_instruction(form_of(sample) for sample in (*every, *collector.needing_judge()))
    counts = collector.notes()
    every_note = {
        **notes,
        **counts,
        "trainable_types": sorted({sample.meta["type"] for sample in every}),
        "groups": ["level", "domain"],  # fields of `Sample.meta` that scores are grouped by
        "fingerprint": _fingerprint(train, test),
    }
    del every
    collector.clear()
    for side in (train, test):
        for at, sample in enumerate(side):
            side[at] = replace(sample, meta={**sample.meta, "leakage_groups": leakage.group_keys(sample)})
    normalize.cache_clear()  # it holds texts of rows that may be let go
    task = Task(collector.selector.name, tuple(train), tuple(test), grade=grade, notes=every_note, baseline_rules=RULES)
    return replace(task, instruction=instruction) if instruction else task


def _fingerprint(train: Sequence[Sample], test: Sequence[Sample]) -> str:
    """Says whether two runs saw the same items on the same sides, whatever folder they came from."""
    text = "\n".join(["train", *sorted(s.id for s in train), "test", *sorted(s.id for s in test)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
