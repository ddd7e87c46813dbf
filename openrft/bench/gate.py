"""Compare two reports item by item, on the seeds they share, and decide whether something got worse.

First, whether they measure the same thing (comparability.py): a comparison that cannot be made is never a pass. Then,
row by row: a row is one arm's accuracy, or one plugin's add-one or leave-one-out value. Its difference is
candidate - baseline. pass: the lower bound of the 95% interval is above -margin. regression: its upper bound is below
-margin, also after Holm's correction for the number of rows. Otherwise inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from openrft.bench.ablation import list_effect_weights, read_ablation
from openrft.bench.comparability import describe_changes, find_obstacles, find_shared_seeds
from openrft.bench.contrast_error import estimate_error, invert_t
from openrft.bench.gate_result import INCONCLUSIVE, NOT_COMPARABLE, PASS, REGRESSION, Comparison, GateResult
from openrft.bench.locate import locate_report
from openrft.bench.outcomes import Runs, build_task_scores, find_failures, index_results, list_untrained
from openrft.bench.report import REPORT_FILE, Report, TaskRecord, validate_report, write_report
from openrft.bench.significance import adjust_holm, describe_needed_sample_size
from openrft.bench.statistics import (
    Array,
    BootstrapDraws,
    Interval,
    TaskScores,
    Z,
    estimate_contrast,
    narrowest_half_width,
    probability_above,
    resample,
    standard_errors,
)
from openrft.errors import NotComparable, UnknownName

ONE_SIDED = 0.025  # the level of one bound of a 95% interval


@dataclass(frozen=True, slots=True)
class _Pair:
    """The arms of both reports as one set of paired arms: first the baseline's, then the candidate's."""

    arms: tuple[str, ...]
    blocks: tuple[TaskScores, ...]
    draws: BootstrapDraws
    untrained: frozenset[str]


TRAINING_NOISE = 0.02  # small RL runs show 1 to 2 points


def compare_reports(
    baseline: Report, candidate: Report, margin: float, arms: Sequence[str] = (), noise: float = TRAINING_NOISE
) -> GateResult:
    """Compare `arms` only or, without any, every arm of the baseline and every component.

    noise: the standard deviation of a trained arm's accuracy over training seeds, which one seed cannot show.
    """
    names = [arm.name for arm in baseline.arms]
    for arm in arms:
        if arm not in names:
            raise UnknownName("arm of the baseline", arm, names)
    chosen = [name for name in names if name in arms or not arms]
    why = find_obstacles(validate_report(baseline), validate_report(candidate), chosen, with_components=not arms)
    if why:
        return GateResult(NOT_COMPARABLE, margin, why=tuple(why))
    pair = _pair(baseline, candidate, chosen)
    asked = {name: {name: 1.0} for name in chosen} | ({} if arms else list_effect_weights(read_ablation(baseline)))
    rows = tuple(_adjust_for_count([_row(pair, what, total, margin, noise) for what, total in asked.items()]))
    found = {row.verdict for row in rows}
    verdict = next(v for v in (REGRESSION, INCONCLUSIVE, PASS) if v in found)
    return GateResult(verdict, margin, rows, notes=tuple(_notes(baseline, candidate, chosen, pair, noise)))


def _pair(baseline: Report, candidate: Report, arms: Sequence[str]) -> _Pair:
    runs = [index_results(baseline), index_results(candidate)]
    blocks = tuple(_block(task, runs, arms, _common(baseline, candidate, arms, task.name)) for task in baseline.tasks)
    return _Pair(tuple(arms), blocks, resample(blocks), list_untrained(baseline))


def _block(task: TaskRecord, runs: Sequence[Runs], arms: Sequence[str], seeds: Sequence[int]) -> TaskScores:
    return build_task_scores(task, [[side[arm, task.name, seed] for seed in seeds] for side in runs for arm in arms])


def _common(baseline: Report, candidate: Report, arms: Sequence[str], task: str) -> list[int]:
    return sorted(set.intersection(*(set(find_shared_seeds(baseline, candidate, arm, task)) for arm in arms)))


def _row(pair: _Pair, what: str, total: Mapping[str, float], margin: float, noise: float) -> Comparison:
    """One comparison judged by its own interval. `_adjust_for_count` then corrects for their number."""
    ours = np.array([total.get(arm, 0.0) for arm in pair.arms])
    before, after = (float(pair.draws.estimate @ w) for w in (np.r_[ours, 0 * ours], np.r_[0 * ours, ours]))
    if _identical(pair, ours):  # identical outcomes: nothing to estimate
        return Comparison(what, before, after, 0.0, 0.0, 0.0, PASS)
    both = np.r_[-ours, ours]
    found, p = _measure(pair, both, margin, noise)
    row = Comparison(what, before, after, found.value, found.low, found.high, PASS, p)
    if found.low > -margin:
        return row
    if found.high < -margin:
        return replace(row, verdict=REGRESSION)
    items, seeds = sum(b.scores.shape[2] for b in pair.blocks), pair.draws.seeds
    settle = describe_needed_sample_size(found.value + margin, items, seeds, *standard_errors(pair.draws, both))
    return replace(row, verdict=INCONCLUSIVE, settle=settle)


def _measure(pair: _Pair, weights: Array, margin: float, noise: float) -> tuple[Interval, float]:
    """The interval of a difference, and the one-sided p that it is not below -margin.

    Several seeds: Welch over seeds and items. One seed says nothing about training noise, so the interval over
    items is widened by an assumed one: `noise`, the standard deviation of an arm's accuracy over training seeds.
    """
    from scipy.stats import norm

    narrowest = narrowest_half_width(pair.draws, float(np.abs(weights).sum() / 2))
    found = estimate_contrast(pair.draws, list(weights))
    if error := estimate_error(pair.blocks, pair.draws, weights):
        interval, error = invert_t(found.value, error, narrowest)
        return interval, error.compute_lower_p(found.value + margin)
    if pair.draws.seeds > 1:
        return found, probability_above(pair.draws, list(weights), -margin)
    trained = np.array([arm not in pair.untrained for arm in pair.arms] * 2)
    luck = (Z * noise) ** 2 * float((weights[trained] ** 2).sum()) / len(pair.blocks)
    low, high = (math.hypot(bound - found.value, math.sqrt(luck)) for bound in (found.low, found.high))
    p = float(norm.cdf((found.value + margin) / (high / Z)))
    return Interval(found.value, found.value - low, found.value + high), p


def _adjust_for_count(rows: Sequence[Comparison]) -> Iterator[Comparison]:
    """The rows with regressions corrected by Holm.

    A pass needs every row, so it needs no correction. A regression needs only one row. Of nine rows without any true
    change, one would fall below the margin every fourth time.
    """
    p_values = {row.what: row.p for row in rows if row.p is not None}
    adjusted = dict(zip(p_values, adjust_holm(list(p_values.values())), strict=True))
    for row in rows:
        if row.verdict == REGRESSION and adjusted[row.what] >= ONE_SIDED:
            chance = f"one of {len(p_values)} may be so low by chance (p {adjusted[row.what]:.2f} after Holm)"
            yield replace(row, verdict=INCONCLUSIVE, settle=f"{chance}; more items or seeds would settle it")
        else:
            yield row


def _identical(pair: _Pair, ours: Array) -> bool:
    used = np.flatnonzero(ours)
    return all(np.array_equal(b.scores[used], b.scores[used + len(pair.arms)]) for b in pair.blocks)


def _notes(baseline: Report, candidate: Report, arms: Sequence[str], pair: _Pair, noise: float) -> Iterator[str]:
    for task in baseline.tasks:
        seeds = _common(baseline, candidate, arms, task.name)
        run = {r.seed for report in (baseline, candidate) for r in report.results if r.task == task.name}
        if run - set(seeds):
            yield f"{task.name}: compared on the shared seeds {seeds}; others are passed over."
    if otherwise := describe_changes(baseline, candidate, arms):
        yield otherwise
    if pair.draws.seeds == 1:
        yield (
            f"One seed says nothing about training noise. {100 * noise:g} points are assumed"
            " (--training-noise), which widen the intervals of trained arms."
        )
    extra = [a.name for a in candidate.arms if a.name not in {b.name for b in baseline.arms}]
    extra += [t.name for t in candidate.tasks if t.name not in {b.name for b in baseline.tasks}]
    if extra:
        yield f"Not in the baseline, so not compared: {', '.join(extra)}."


def baseline_exists(baseline: str) -> bool:
    """Whether the baseline exists already."""
    try:
        return locate_report(baseline).is_file()
    except UnknownName:
        return False


def update_baseline(candidate: Report, baseline: str) -> Path:
    """Write the candidate as the baseline. Raises NotComparable if one of its arms has a failed or missing job."""
    tasks = [task.name for task in candidate.tasks]
    found = [line for arm in candidate.arms for line in find_failures(candidate, arm.name, tasks)]
    if found or not candidate.results:
        why = found[0] if found else "it holds no result"
        raise NotComparable(f"the candidate cannot be a baseline: {why}.", "Rerun it until every job is finished.")
    path = locate_report(baseline) if baseline_exists(baseline) else Path(baseline)
    if path.is_dir() or path.suffix != ".json":
        path /= REPORT_FILE
    write_report(candidate, path)
    return path
