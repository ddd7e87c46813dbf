"""Did something get worse? Two reports compared item by item, on the seeds they share.

A row is one arm's accuracy, or one plugin's add-one or leave-one-out value; its difference is candidate - baseline.
pass: the 95% interval's lower bound is above -margin. regression: its upper bound is below. Otherwise inconclusive.
A comparison that cannot be made is never a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openrft.bench.comparable import obstacles, shared_seeds
from openrft.bench.components import isolated, ladder_of
from openrft.bench.outcomes import Runs, block, runs_of
from openrft.bench.report import Report, TaskRecord, checked
from openrft.bench.stats import Block, Draws, Z, contrast, resample, spread
from openrft.errors import UnknownName

PASS, REGRESSION, NOT_COMPARABLE, INCONCLUSIVE = "pass", "regression", "not comparable", "inconclusive"
EXIT = {PASS: 0, REGRESSION: 1, NOT_COMPARABLE: 3, INCONCLUSIVE: 4}


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison."""

    what: str  # an arm, or "add-one of prm"
    baseline: float
    candidate: float
    difference: float
    low: float
    high: float
    verdict: str
    settle: str = ""  # what would settle an inconclusive one


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says."""

    verdict: str
    margin: float
    rows: tuple[Row, ...] = ()
    why: tuple[str, ...] = ()  # the obstacles, where the reports are not comparable
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 3 not comparable, 4 inconclusive."""
        return EXIT[self.verdict]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both reports' arms as one set of paired arms: the baseline's first, then the candidate's."""

    arms: tuple[str, ...]
    blocks: tuple[Block, ...]
    draws: Draws


def compare(baseline: Report, candidate: Report, margin: float, arms: Sequence[str] = ()) -> Verdict:
    """Compare on `arms` alone or, without any, on every arm of the baseline and every component."""
    names = [arm.name for arm in baseline.arms]
    for arm in arms:
        if arm not in names:
            raise UnknownName("arm of the baseline", arm, names)
    chosen = [name for name in names if name in arms or not arms]
    why = obstacles(checked(baseline), checked(candidate), chosen, with_components=not arms)
    if why:
        return Verdict(NOT_COMPARABLE, margin, why=tuple(why))
    pair = _pair(baseline, candidate, chosen)
    asked = {name: {name: 1.0} for name in chosen} | ({} if arms else isolated(ladder_of(baseline)))
    rows = tuple(_row(pair, what, total, margin) for what, total in asked.items())
    found = {row.verdict for row in rows}
    verdict = next(v for v in (REGRESSION, INCONCLUSIVE, PASS) if v in found)
    return Verdict(verdict, margin, rows, notes=tuple(_notes(baseline, candidate, chosen, pair)))


def _pair(baseline: Report, candidate: Report, arms: Sequence[str]) -> _Pair:
    runs = [runs_of(baseline), runs_of(candidate)]
    blocks = tuple(_block(task, runs, arms, _common(baseline, candidate, arms, task.name)) for task in baseline.tasks)
    return _Pair(tuple(arms), blocks, resample(blocks))


def _block(task: TaskRecord, runs: Sequence[Runs], arms: Sequence[str], seeds: Sequence[int]) -> Block:
    return block(task, [[side[arm, task.name, seed] for seed in seeds] for side in runs for arm in arms])


def _common(baseline: Report, candidate: Report, arms: Sequence[str], task: str) -> list[int]:
    return sorted(set.intersection(*(set(shared_seeds(baseline, candidate, arm, task)) for arm in arms)))


def _row(pair: _Pair, what: str, total: Mapping[str, float], margin: float) -> Row:
    ours = np.array([total.get(arm, 0.0) for arm in pair.arms])
    both = np.concatenate([-ours, ours])
    before, after = (float(pair.draws.estimate @ w) for w in (np.r_[ours, 0 * ours], np.r_[0 * ours, ours]))
    if _identical(pair, ours):  # nothing to estimate: the very same outcomes
        return Row(what, before, after, 0.0, 0.0, 0.0, PASS)
    found = contrast(pair.draws, both.tolist())
    if found.low > -margin:
        verdict = PASS
    elif found.high < -margin:
        verdict = REGRESSION
    else:
        verdict = INCONCLUSIVE
    settle = _settle(pair, both, found.value + margin) if verdict == INCONCLUSIVE else ""
    return Row(what, before, after, found.value, found.low, found.high, verdict, settle)


def _identical(pair: _Pair, ours: np.ndarray) -> bool:
    used = np.flatnonzero(ours)
    return all(np.array_equal(b.scores[used], b.scores[used + len(pair.arms)]) for b in pair.blocks)


def _settle(pair: _Pair, both: np.ndarray, distance: float) -> str:
    """How many items or seeds would shrink the interval to `distance`, if the difference stayed where it is."""
    items = sum(b.scores.shape[2] for b in pair.blocks)
    seeds = pair.draws.seeds
    error, of_items = spread(pair.draws, both.tolist())
    target = (abs(distance) / Z) ** 2  # the interval's half must fit between the difference and the margin
    if target < 1e-12:
        return "the difference is at the margin itself: no number of items settles it"
    of_seeds = max(error**2 - of_items**2, 0.0)
    ways = []
    if target > of_seeds:
        ways.append(f"about {_round_up(max(items * of_items**2 / (target - of_seeds), items + 1))} items")
    if seeds > 1 and target > of_items**2:
        ways.append(f"about {max(int(np.ceil(seeds * of_seeds / (target - of_items**2))), seeds + 1)} seeds")
    return f"{' or '.join(ways) or 'both more items and more seeds'} would settle it (now {items} and {seeds})"


def _round_up(count: float) -> int:
    unit = 10 ** max(len(str(int(count))) - 2, 0)
    return int(np.ceil(count / unit) * unit)


def _notes(baseline: Report, candidate: Report, arms: Sequence[str], pair: _Pair) -> Iterator[str]:
    for task in baseline.tasks:
        seeds = _common(baseline, candidate, arms, task.name)
        run = {r.seed for report in (baseline, candidate) for r in report.results if r.task == task.name}
        if run - set(seeds):
            yield f"{task.name}: compared on the shared seeds {seeds}; others are passed over."
    if pair.draws.seeds == 1:
        yield "One seed: the intervals cover the draw of test items only; training noise is not in them."
    extra = [a.name for a in candidate.arms if a.name not in {b.name for b in baseline.arms}]
    extra += [t.name for t in candidate.tasks if t.name not in {b.name for b in baseline.tasks}]
    if extra:
        yield f"Not in the baseline, so not compared: {', '.join(extra)}."
