"""Run a bench with more and more seeds until its gains are known well enough (seed_rule.py, sequential.py)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from openrft.bench.ablation import list_effect_weights, read_ablation
from openrft.bench.contrast_error import item_variance
from openrft.bench.outcomes import ArmOutcomes, collect_outcomes, compute_delta, compute_gain, index_results
from openrft.bench.plan import BenchPlan
from openrft.bench.plan_file import plan_to_json
from openrft.bench.report import Report
from openrft.bench.seed_rule import SeedRule, StoppedArm, describe_stopped
from openrft.bench.sequential import LEVEL
from openrft.bench.significance import round_up
from openrft.bench.statistics import TaskScores
from openrft.job import VANILLA


def run_until_known(
    plan: BenchPlan, rule: SeedRule, run: Callable[[BenchPlan], Report], tell: Callable[[str], None]
) -> Report:
    """Run `plan` with the seeds 0, 1, 2, ... up to the first look at which the rule is met.

    `run` runs a plan and keeps what is finished, so that a look pays for new seeds only. `tell` is given a line at each
    look. A bench with a failed job stops at once: more seeds would not help.
    """
    for look in rule.looks:
        report = run(replace(plan, seeds=tuple(range(look)), seed_rule=rule))
        if report.failures:
            return report
        found = judge(report, rule)
        if found.outcome or look == rule.looks[-1]:
            outcome = found.outcome or f"Stopped at the last look, {look} seeds: {found.state}."
            tell(outcome)
            decided = replace(plan, seeds=tuple(range(look)), seed_rule=replace(rule, outcome=outcome))
            return replace(report, plan=plan_to_json(decided))
        tell(f"{look} seeds: {found.state}. Another seed is added.")
        if rule.stop_arms:
            stopped = tuple(find_hopeless(report, look))
            for arm in stopped:
                tell(f"{describe_stopped(arm)}.")
            rule = replace(rule, stopped=(*rule.stopped, *stopped))
    raise AssertionError("a rule has looks")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a look shows."""

    state: str  # the widest interval, in words
    outcome: str = ""  # why the bench stops; empty if it continues


def judge(report: Report, rule: SeedRule) -> Judgement:
    """Whether every gain is known well enough, or never will be by more seeds alone."""
    runs = index_results(report)
    measured = collect_outcomes(report, runs, report.tasks)
    targets = dict(list_targets(report, measured)) if measured else {}
    if measured is None or not targets:
        return Judgement("there is no gain to measure", "Stopped: there is no gain to measure.")
    gains = {name: compute_gain(runs, measured, weights) for name, weights in targets.items()}
    widths = {name: (gain.high - gain.low) / 2 for name, gain in gains.items()}
    widest = max(widths, key=lambda name: widths[name])
    state = f"the widest interval reaches {_points(widths[widest])} points either way ({widest})"
    seeds = measured.draws.seeds
    if widths[widest] <= rule.until:
        return Judgement(state, f"Stopped at {seeds} seeds: {state}.")
    floors = {name: find_floor(measured, weights) for name, weights in targets.items()}
    worst = max(floors, key=lambda name: floors[name])
    if floors[worst] > rule.until:
        items = round_up(measured.blocks[0].scores.shape[2] * (floors[worst] / rule.until) ** 2)
        return Judgement(
            state,
            f"Stopped at {seeds} seeds: {state}. The draw of test items alone leaves {_points(floors[worst])} points"
            f" ({worst}), however many seeds there are; more than {items:,} items a task would be needed.",
        )
    return Judgement(state)


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def list_targets(report: Report, measured: ArmOutcomes) -> Iterator[tuple[str, Mapping[str, float]]]:
    """The gains that the rule narrows, as weights over arms: those over vanilla, and what each plugin was worth."""
    ablation = read_ablation(report)
    vanilla = ablation.vanilla if ablation else VANILLA
    effects = {f"{arm} over {vanilla}": {arm: 1.0, vanilla: -1.0} for arm in measured.arms if arm != vanilla}
    rules = {f"{arm.name} over {vanilla}" for arm in report.arms if arm.policy}
    for name, weights in {**effects, **list_effect_weights(ablation)}.items():
        if name not in rules and weights.keys() <= {*measured.arms}:
            yield name, weights


def find_floor(measured: ArmOutcomes, weights: Mapping[str, float]) -> float:
    """Half of the interval that the draw of items would leave with any number of seeds."""
    vector = np.array([weights.get(arm, 0.0) for arm in measured.arms])
    gaps = [TaskScores(np.tensordot(vector, b.scores, 1)[None], b.clusters, b.completions) for b in measured.blocks]
    return measured.draws.quantile * math.sqrt(item_variance(gaps, np.ones(1))[0])


def find_hopeless(report: Report, seeds: int) -> Iterator[StoppedArm]:
    """Arms that are shown to be below the best arm of this look, at every look together and for their number.

    The arm that is truly the best is ever stopped with a probability of 2.5% at most: for that, the interval of its
    difference from one of the others must be below 0. Vanilla, rules, the base and the full arm are never stopped.
    """
    runs, ablation = index_results(report), read_ablation(report)
    measured = collect_outcomes(report, runs, report.tasks)
    if measured is None:
        return
    kept = {VANILLA, *((ablation.vanilla, ablation.base, ablation.full) if ablation else ())}
    kept |= {arm.name for arm in report.arms if arm.policy}
    best = measured.arms[int(measured.draws.estimate.argmax())]
    for arm in measured.arms:
        if arm in kept or arm == best:
            continue
        gain = compute_delta(runs, measured, arm, best)
        if gain.high < 0 and gain.p is not None and gain.p * (len(measured.arms) - 1) < LEVEL:
            yield StoppedArm(arm, seeds, best, gain.value, gain.low, gain.high)
