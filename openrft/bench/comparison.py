"""Any two arms of any two runs, compared on the questions that both answered.

A question is the same in both if its sample's id is, which is made from question, options and answer. Settings, seeds
and the draw of the data may differ; what differs is said. The gate (gate.py) is stricter and decides; this does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openrft.bench.comparability import list_differences
from openrft.bench.outcomes import (
    ArmOutcomes,
    Flips,
    build_reading_scores,
    build_task_scores,
    compute_delta,
    find_failures,
    find_flips,
)
from openrft.bench.readings import draw_readings, has_both_readings
from openrft.bench.report import ArmResult, Item, Report, TaskRecord
from openrft.bench.score_table import Gain
from openrft.bench.statistics import Interval, TaskScores, estimate_accuracy, resample
from openrft.errors import NotComparable

SIDES = ("A", "B")


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Arm B against arm A on the questions that they share."""

    arms: tuple[str, str]
    items: int
    accuracies: tuple[Interval, Interval]
    gain: Gain  # of B over A
    flips: Flips  # the questions that only B, and that only A, gets right
    right_in_both: int
    right_in_neither: int
    seeds: tuple[tuple[int, ...], tuple[int, ...]]  # of A and of B, in the order in which they are paired
    differences: tuple[str, ...]  # what else differs, one line each
    notes: tuple[str, ...]  # what a reader must know of how they were compared


@dataclass(frozen=True, slots=True)
class _Pair:
    """A task of either report, with the questions that they share."""

    tasks: tuple[TaskRecord, TaskRecord]
    shared: frozenset[str]


def compare_runs(first: Report, first_arm: str, second: Report, second_arm: str) -> RunComparison:
    """Compare two arms. Raises NotComparable if they share no scored question or one of them has no result."""
    reports, arms = (first, second), (first_arm, second_arm)
    pairs = _pair_tasks(first, second)
    seeds = [_align_seeds(reports, arms, pair) for pair in pairs]
    count = min(map(len, seeds))
    seeds = [aligned[:count] for aligned in seeds]
    runs: dict[tuple[str, str, int], ArmResult] = {}
    blocks, readings = [], []
    for pair, aligned in zip(pairs, seeds, strict=True):
        rows = [
            [_find(report, arm, task.name, both[side]) for both in aligned]
            for side, (report, arm, task) in enumerate(zip(reports, arms, pair.tasks, strict=True))
        ]
        for side, row in zip(SIDES, rows, strict=True):
            runs |= {(side, pair.tasks[0].name, number): result for number, result in enumerate(row)}
        blocks.append(_build_scores(pair, rows))
        if all(has_both_readings(row) for row in rows):
            readings.append(build_reading_scores(pair.tasks[0], rows, pair.shared))
    draws = resample(blocks)
    records = [next(a for a in report.arms if a.name == arm) for report, arm in zip(reports, arms, strict=True)]
    untrained = frozenset(side for side, record in zip(SIDES, records, strict=True) if not record.plugins)
    both = draw_readings(readings) if len(readings) == len(pairs) else None
    measured = ArmOutcomes(SIDES, tuple(blocks), draws, untrained, both)
    flips, in_both, in_neither = _count_flips(runs, pairs)
    return RunComparison(
        (first_arm, second_arm),
        sum(len(pair.shared) for pair in pairs),
        (estimate_accuracy(draws, 0), estimate_accuracy(draws, 1)),
        compute_delta(runs, measured, "B", "A"),
        flips,
        in_both,
        in_neither,
        (tuple(both[0] for both in seeds[0]), tuple(both[1] for both in seeds[0])),
        tuple(list_differences(first, records[0], second, records[1])),
        tuple(_describe_pairs(reports, arms, pairs, count)),
    )


def _pair_tasks(first: Report, second: Report) -> list[_Pair]:
    """Tasks of the same name; if there are none, any two that share questions."""
    found = [
        (a, b, frozenset(i.id for i in a.items) & {i.id for i in b.items}) for a in first.tasks for b in second.tasks
    ]
    named = [pair for pair in found if pair[0].name == pair[1].name]
    pairs = [_Pair((a, b), shared) for a, b, shared in named or found if shared]
    if not pairs:
        raise NotComparable(
            f"{first.name} and {second.name} share no scored test question.",
            "Compare runs on the same task and split: the same --task, --test and --data-seed.",
        )
    return pairs


def _ids(task: TaskRecord) -> frozenset[str]:
    return frozenset(item.id for item in task.items)


def _align_seeds(reports: Sequence[Report], arms: Sequence[str], pair: _Pair) -> list[tuple[int, int]]:
    """The seeds of both arms in pairs: first those that they share, then the others in order. What is over is left."""
    done = []
    for report, arm, task in zip(reports, arms, pair.tasks, strict=True):
        done.append({r.seed for r in report.results if r.arm == arm and r.task == task.name})
        if not done[-1]:
            why = find_failures(report, arm, [task.name])
            raise NotComparable(f"{report.name}: {why[0]}.", "Finish it with the same command, or compare another arm.")
    shared = sorted(done[0] & done[1])
    others = zip(sorted(done[0] - done[1]), sorted(done[1] - done[0]), strict=False)
    return [*((seed, seed) for seed in shared), *others]


def _find(report: Report, arm: str, task: str, seed: int) -> ArmResult:
    return next(r for r in report.results if (r.arm, r.task, r.seed) == (arm, task, seed))


def _build_scores(pair: _Pair, rows: Sequence[Sequence[ArmResult]]) -> TaskScores:
    scores = build_task_scores(pair.tasks[0], rows, pair.shared)
    drawn = [len(row[0].items[name].correct) for row in rows for name in sorted(pair.shared)[:1]]
    return replace(scores, completions=min(drawn))


def _count_flips(runs: dict[tuple[str, str, int], ArmResult], pairs: Sequence[_Pair]) -> tuple[Flips, int, int]:
    """The flips over all seeds together, and the questions that both and that neither get right."""
    gained, lost, in_both, in_neither = list[str](), list[str](), 0, 0
    for pair in pairs:
        name = pair.tasks[0].name
        sides = [
            _merge([run for (own, task, _), run in runs.items() if (own, task) == (side, name)], pair.shared)
            for side in SIDES
        ]
        flips = find_flips(*sides)
        gained += flips.gained
        lost += flips.lost
        in_both += sum(item.value > 0.5 for item in sides[1].items.values()) - len(flips.gained)
        in_neither += sum(item.value <= 0.5 for item in sides[1].items.values()) - len(flips.lost)
    return Flips(tuple(gained), tuple(lost)), in_both, in_neither


def _merge(results: Sequence[ArmResult], shared: frozenset[str]) -> ArmResult:
    """The answers of all seeds to the shared questions, as those of one job."""
    items = {}
    for name in shared:
        own = [result.items[name] for result in results]
        scores = tuple(score for item in own for score in item.scores or map(float, item.correct))
        correct = tuple(flag for item in own for flag in item.correct)
        items[name] = Item(correct, tuple(flag for item in own for flag in item.unparsed), 0, scores)
    return replace(results[0], items=items)


def _describe_pairs(reports: Sequence[Report], arms: Sequence[str], pairs: Sequence[_Pair], count: int) -> list[str]:
    lines = []
    for pair in pairs:
        (a, b), sizes = pair.tasks, [len(task.items) for task in pair.tasks]
        if a.name != b.name:
            lines.append(f"The task is {a.name} in A and {b.name} in B.")
        if sizes != [len(pair.shared)] * 2:
            lines.append(f"{a.name}: {len(pair.shared)} questions are shared, of {sizes[0]} in A and {sizes[1]} in B.")
        elif a.hash != b.hash:
            lines.append(f"{a.name}: the instruction or the grading differs.")
        if a.train != b.train:
            lines.append(f"{a.name}: {a.train} training questions in A, {b.train} in B.")
        done = [
            sorted(r.seed for r in report.results if r.arm == arm and r.task == task.name)
            for report, arm, task in zip(reports, arms, pair.tasks, strict=True)
        ]
        if done[0] != done[1]:
            spelt = [", ".join(map(str, seeds)) for seeds in done]
            left = f" {count} of each are compared." if max(map(len, done)) > count else ""
            lines.append(f"{a.name}: the seeds are {spelt[0]} in A and {spelt[1]} in B.{left}")
    missing = [sorted({t.name for t in r.tasks} - {p.tasks[n].name for p in pairs}) for n, r in enumerate(reports)]
    for side, names in zip(SIDES, missing, strict=True):
        if names:
            lines.append(f"Only in {side}, so not compared: {', '.join(names)}.")
    return lines
