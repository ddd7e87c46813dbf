"""What a bench found: per-item outcomes of every arm, task and seed, with what is needed to rerun and compare it.

Plain data, and the file report.json that holds it, one line for each entry. This file does not know how a report is
summarised (summary.py), compared (gate.py) or drawn (render.py).
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

from openrft.bench.report_shape import (
    find_note_faults,
    find_override_faults,
    find_plan_faults,
    find_reward_faults,
)
from openrft.config.documents import OMIT_EMPTY, Flags, dump_document, read_document
from openrft.errors import DataError, StoreError
from openrft.grading.chance import chance_of_guessing
from openrft.grading.grade import grade
from openrft.rewards.fitness import RewardFitness
from openrft.rewards.gap import RewardGap
from openrft.rewards.probed_reward import ProbedReward
from openrft.rewards.reward_check import RewardCheck
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.runtime.paid.prices import Money
from openrft.runtime.paid.usage import Usage
from openrft.tasks.leakage import cluster_samples
from openrft.tasks.task import Grader, Task
from openrft.types import Sample, content_id


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """One test item."""

    id: str  # the sample's id
    task: str  # its leaf task; differs from the task's name where a task pools several
    cluster: str  # items that share it are near duplicates and are resampled together
    groups: Mapping[str, str] = field(default_factory=dict)  # grouping -> its group, e.g. level -> L3
    defects: tuple[str, ...] = ()  # known defects of the item itself
    chance: Annotated[float, OMIT_EMPTY] = 0.0  # of guessing right; 0 also in reports that do not say


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as it was run."""

    name: str
    hash: str  # of instruction, grader's name and test items: equal hashes mean the same questions and grading
    train: int  # samples, after leaks were dropped
    test: int
    notes: Mapping[str, Any]  # the task's own: source, skipped rows, overlaps
    items: tuple[ItemRecord, ...]  # those that every finished job has a score for, by id
    unscored: tuple[ItemRecord, ...] = ()  # the others, which no rule can grade and no plugin did


@dataclass(frozen=True, slots=True)
class ArmRecord:
    """An arm: a name for a set of plugins."""

    name: str
    plugins: tuple[str, ...]
    policy: str | None = None  # a baseline that answers in place of the bench's policy
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # where it differs from the bench


@dataclass(frozen=True, slots=True)
class Item:
    """The outcome of one test item; the tuples have one entry per completion."""

    correct: Flags
    unparsed: Flags  # no answer could be read; counts as not correct, and is reported separately
    tokens: int  # generated, over all completions
    scores: tuple[float, ...] = ()  # in [0, 1], where answers can be partly right; empty: 1 if correct, else 0
    lenient_correct: Annotated[Flags, OMIT_EMPTY] = ()  # in the lenient reading; empty: answers were read strictly only
    lenient_unparsed: Annotated[Flags, OMIT_EMPTY] = ()  # no answer could be read by the lenient reading, either
    votes: Annotated[tuple[int | None, ...], OMIT_EMPTY] = ()
    # ^ which of the item's answers each completion gives, as numbers; None: unparsed. Empty: not recorded
    drawn: Annotated[tuple[float | None, ...], OMIT_EMPTY] = ()
    # ^ the scores of all completions drawn, where a plugin chose answers from them; None: not scored. Empty: no choice.
    #   `votes` and `weights` are then those of the completions drawn, and `tokens` all of theirs
    weights: Annotated[tuple[float | None, ...], OMIT_EMPTY] = ()
    # ^ that the plugin gave them; None: not written. Empty: all are equal

    @property
    def value(self) -> float:
        """The mean score over completions."""
        given = self.scores or self.correct
        return sum(given) / len(given)


@dataclass(frozen=True, slots=True)
class StageCost:
    """What one stage cost when it was computed."""

    stage: str
    seconds: float  # of the computation, though this arm may have reused its result
    tokens: int  # generated
    reused: bool  # the result came from the store


@dataclass(frozen=True, slots=True)
class ArmResult:
    """A finished job: one arm on one task with one seed."""

    arm: str
    task: str
    seed: int
    policy_id: str  # of the evaluated checkpoint; arms that share it differ in inference only
    items: Mapping[str, Item]  # by sample id
    stages: tuple[StageCost, ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # from `evaluate` hooks; None = not a number
    fitness: tuple[RewardFitness, ...] = ()  # of each source of process rewards, measured before RL
    probes: Annotated[tuple[ProbedReward, ...], OMIT_EMPTY] = ()  # what each source paid for answers that are not right
    gaps: Annotated[tuple[RewardGap, ...], OMIT_EMPTY] = ()  # how far each source and the strict grade parted in RL
    checks: Annotated[tuple[RewardCheck, ...], OMIT_EMPTY] = ()  # of plugins, on their own rewards before RL
    usage: Annotated[tuple[Usage, ...], OMIT_EMPTY] = ()
    # ^ of servers, by model: the replies that the result rests on, whoever paid for them and when
    instruction: Annotated[str, OMIT_EMPTY] = ""  # that a plugin found for the task; empty: the task's own


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that did not finish. It is never a score."""

    arm: str
    task: str
    seed: int
    error: str  # one line
    details: str = ""  # the file in the run's folder with traceback, settings and versions
    budget_spent: Annotated[bool, OMIT_EMPTY] = False  # it stopped because another call could exceed the budget


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """The score of a rule without a model on one task."""

    task: str
    name: str
    accuracy: float
    items: Mapping[str, float]  # by sample id, in [0, 1]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole bench."""

    name: str
    created: str  # ISO 8601, with its offset
    command: str  # as typed
    plan: Mapping[str, Any]  # reruns the bench; `plan["ablation"]` says which arms isolate which plugin
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    notices: tuple[str, ...]  # what was added or changed on the user's behalf, one line each
    tasks: tuple[TaskRecord, ...]
    arms: tuple[ArmRecord, ...]  # in the order of the table
    results: tuple[ArmResult, ...]
    failures: tuple[Failure, ...] = ()
    baselines: tuple[BaselineResult, ...] = ()
    money: Annotated[Money | None, OMIT_EMPTY] = None  # what the run paid to servers; None without such calls
    summary: Mapping[str, Any] = field(default_factory=dict)  # from summary.summarise, for other programs


def record_task(task: Task) -> TaskRecord:
    """A task's record. Test items that are equal after normalising, or after shuffling options, form a cluster.

    `notes["groups"]` names the fields of `Sample.meta` that items are grouped by. `meta["defects"]` are known flaws.
    """
    tests = sorted(task.test, key=lambda s: s.id)
    cluster = {s.id: tests[first].id for s, first in zip(tests, cluster_samples(tests), strict=True)}
    leaf = {s.id: s.task or task.name for s in task.test}
    by_id = {s.id: s for s in task.test}
    items = tuple(
        ItemRecord(
            i,
            leaf[i],
            cluster[i],
            _groups(task, by_id[i]),
            tuple(by_id[i].meta.get("defects") or ()),
            chance_of_guessing(by_id[i]),
        )
        for i in sorted(leaf)
    )
    known_by = content_id(task.instruction, _name_grader(task.grade), sorted(leaf))
    return TaskRecord(task.name, known_by, len(task.train), len(task.test), task.notes, items)


def _name_grader(grader: Grader) -> list[str]:
    """The name of a grader in a report. The core's grader keeps its name wherever its code is. Rules other than the
    default are part of it."""
    if grader is grade:
        return ["openrft.grading", "grade"]
    if isinstance(grader, functools.partial):
        return [*_name_grader(grader.func), repr(grader.args), repr(sorted(grader.keywords.items()))]
    return [getattr(grader, part, type(grader).__name__) for part in ("__module__", "__qualname__")]


def _groups(task: Task, sample: Sample) -> dict[str, str]:
    return {by: str(sample.meta[by]) for by in task.notes.get("groups", ()) if sample.meta.get(by)}


def validate_report(report: Report) -> Report:
    """The report, if it is consistent. Raises DataError naming what is not."""
    tasks = {t.name: {i.id for i in t.items} for t in report.tasks}
    arms = {a.name for a in report.arms}
    empty = [task.name for task in report.tasks if not task.items and not task.unscored]
    if empty:
        raise DataError(f"report {report.name}: task {empty[0]} has no test items.")
    seen: set[tuple[str, str, int]] = set()
    jobs: tuple[ArmResult | Failure, ...] = (*report.results, *report.failures)
    for job in jobs:
        where = f"report {report.name}, arm {job.arm}, task {job.task}, seed {job.seed}"
        if job.arm not in arms or job.task not in tasks:
            raise DataError(f"{where}: the arm or the task is not among the report's own.")
        if (job.arm, job.task, job.seed) in seen:
            raise DataError(f"{where}: listed twice.")
        seen.add((job.arm, job.task, job.seed))
        if isinstance(job, ArmResult):
            if set(job.items) != tasks[job.task]:
                raise DataError(f"{where}: its items are not the task's test items.")
            bad = [i for i, o in job.items.items() if not o.correct or len(o.correct) != len(o.unparsed)]
            further = ("scores", "lenient_correct", "lenient_unparsed")  # each may be empty
            for values in ({i: getattr(o, name) for i, o in job.items.items()} for name in further):
                bad += [i for i, given in values.items() if given and len(given) != len(job.items[i].correct)]
            bad += [i for i, o in job.items.items() if bool(o.lenient_correct) != bool(o.lenient_unparsed)]
            drawn = {i: len(o.drawn or o.correct) for i, o in job.items.items()}
            bad += [
                i for i, o in job.items.items() for given in (o.votes, o.weights) if len(given) not in (0, drawn[i])
            ]
            if bad:
                raise DataError(f"{where}: item {bad[0]} needs one verdict for each completion, and at least one.")
    return report


def mean_accuracy(result: ArmResult) -> float | None:
    """The mean score over the scored items; None if there are none."""
    return fmean(item.value for item in result.items.values()) if result.items else None


def keep_items_scored_everywhere(
    tasks: Sequence[TaskRecord], results: Sequence[ArmResult]
) -> tuple[tuple[TaskRecord, ...], tuple[ArmResult, ...]]:
    """Tasks and results with only the items that every result of the task has a score for. The others are unscored."""
    records, kept = [], {}
    for task in tasks:
        done = [set(result.items) for result in results if result.task == task.name]
        ids = {item.id for item in task.items}
        kept[task.name] = ids.intersection(*done)
        items = tuple(item for item in task.items if item.id in kept[task.name])
        unscored = tuple(item for item in task.items if item.id not in kept[task.name])
        records.append(replace(task, items=items, unscored=unscored))
    same = (replace(r, items={i: item for i, item in r.items.items() if i in kept[r.task]}) for r in results)
    return tuple(records), tuple(same)


FORMAT = "openrft-report/2"
REPORT_FILE = "report.json"


def to_json(report: Report) -> str:
    """The report as text with one line per entry, so that diffs of committed reports are readable."""
    data = {"format": FORMAT, **dump_document(report)}
    lines = []
    for key, value in data.items():
        if isinstance(value, list) and value:
            body = "[\n  " + ",\n  ".join(_line(entry) for entry in value) + "\n ]"
        else:
            body = _line(value)
        lines.append(f" {json.dumps(key)}: {body}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(text: str, where: str = "report") -> Report:
    """Read what `to_json` wrote. Raises DataError naming the field, with `where` as the file."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise DataError(f"{where}: not JSON ({fault}).", "Is the file cut short?") from fault
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise DataError(f"{where}: its format is {found!r}, not {FORMAT!r}.", "Rerun the bench with this version.")
    report, faults = read_document(Report, data, "ignore")  # a later version may have added fields
    faults = faults or list(_find_open_faults(report)) if report else faults
    if report is None or faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise DataError(f"{where}: {'; '.join(faults[:3])}{more}.", "Is this a whole OpenRFT report?")
    try:
        return validate_report(report)
    except DataError as fault:
        fault.message = f"{where}: {fault.message}"  # two reports may have the same name
        raise


def _find_open_faults(report: Report) -> Iterator[str]:
    """Faults in the tables of a report that may hold anything, as far as the bench reads them."""
    try:
        datetime.datetime.fromisoformat(report.created)
    except ValueError:
        yield f"created: {report.created!r} is no date and time"
    yield from find_plan_faults(report.plan)
    for number, task in enumerate(report.tasks):
        yield from find_note_faults(f"tasks[{number}].notes", task.notes)
    for number, arm in enumerate(report.arms):
        yield from find_override_faults(f"arms[{number}].overrides", arm.overrides)
    for number, result in enumerate(report.results):
        yield from find_reward_faults(f"results[{number}]", result.fitness, result.probes)


def write_report(report: Report, path: Path) -> None:
    """Write report.json completely or not at all. Raises DataError if it is inconsistent, StoreError on disk faults."""
    text = to_json(validate_report(report))
    with report_disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)


def read_report(path: Path) -> Report:
    """Read report.json. Raises DataError (no such file, malformed) or StoreError (unreadable)."""
    try:
        return from_json(path.read_text(encoding="utf-8-sig"), str(path))
    except FileNotFoundError as fault:
        raise DataError(f"{path}: no such report.", "Give a run's name, its folder or its report.json.") from fault
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: not text in UTF-8.") from fault
    except OSError as fault:
        raise StoreError(f"{path} could not be read ({fault.strerror}).") from fault


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(", ", ": "))
