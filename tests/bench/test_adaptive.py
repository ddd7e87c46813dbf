"""Benches that add seeds: when they stop and why, which arms they stop, and what their reports say."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from openrft.bench.ablation import AblationPlan
from openrft.bench.adaptive import find_floor, run_until_known
from openrft.bench.csv_table import format_csv
from openrft.bench.outcomes import collect_outcomes, index_results
from openrft.bench.plan import BenchPlan
from openrft.bench.plan_file import plan_from_json, plan_to_json
from openrft.bench.render import build_tables
from openrft.bench.report import Failure
from openrft.bench.seed_rule import make_seed_rule, read_seed_rule
from openrft.bench.sequential import nominal_level
from openrft.bench.summary import summarise
from openrft.config.settings import Settings
from openrft.errors import DataError, UsageError
from openrft.job import Arm
from openrft.tasks.task import DataRequest
from tests.bench import factories

ARMS = tuple(Arm(name, plugins) for name, plugins in factories.ARMS.items())
PLAN = BenchPlan(
    ("toy/L1/sums",),
    ARMS,
    (),
    "pocket",
    DataRequest(),
    Settings(),
    {},
    AblationPlan(("prm", "icl"), "rl", "rl+prm+icl"),
)
RATES = {"vanilla": 0.3, "rl": 0.5, "rl+prm": 0.5, "rl+icl": 0.1, "rl+prm+icl": 0.7}


class Benches:
    """Runs plans on known rates, and remembers what was run."""

    def __init__(self, items=200, rates=RATES):
        self.items, self.rates, self.plans, self.said = items, rates, [], []

    def run(self, plan):
        self.plans.append(plan)
        made = factories.report(self.rates, [factories.task(items=self.items)], plan.seeds, completions=3)
        asked = {(job.arm.name, job.seed) for job in plan.jobs()}
        results = tuple(r for r in made.results if (r.arm, r.seed) in asked)
        return replace(made, results=results, plan=plan_to_json(plan))

    def until(self, **rule):
        return run_until_known(PLAN, make_seed_rule(**rule), self.run, self.said.append)


def test_stops_at_the_first_look_if_everything_is_known_well_enough():
    benches = Benches()
    report = benches.until(until=0.5)
    assert [len(plan.seeds) for plan in benches.plans] == [3]
    assert read_seed_rule(report.plan).outcome.startswith("Stopped at 3 seeds: the widest interval reaches ")
    assert any("with looks at 3, 4, 5, 6, 7, 8, 9, 10 seeds" in note for note in summarise(report).notes)


def test_adds_seeds_up_to_the_last_look_and_says_how_far_it_came():
    benches = Benches(items=400)
    report = benches.until(until=0.035, most=5)
    assert [len(plan.seeds) for plan in benches.plans] == [3, 4, 5]
    assert "Stopped at the last look, 5 seeds" in read_seed_rule(report.plan).outcome
    assert [line.partition(":")[0] for line in benches.said[:2]] == ["3 seeds", "4 seeds"]


def test_stops_where_more_seeds_cannot_help():
    benches = Benches(items=30)
    report = benches.until(until=0.01)
    assert len(benches.plans) == 1
    assert "however many seeds there are; more than " in read_seed_rule(report.plan).outcome
    measured = collect_outcomes(report, index_results(report), report.tasks)
    assert find_floor(measured, {"rl": 1.0, "vanilla": -1.0}) > 0.01


def test_a_bench_with_a_failed_job_stops_at_once():
    failed = Failure("rl", "toy/L1/sums", 0, "out of memory")
    benches = Benches()
    report = run_until_known(PLAN, make_seed_rule(), lambda p: replace(benches.run(p), failures=(failed,)), print)
    assert len(benches.plans) == 1
    assert report.failures


def test_arms_that_cannot_become_the_best_are_run_no_further():
    benches = Benches(items=400)
    report = benches.until(until=0.035, most=4, stop_arms=True)
    stopped = {arm.arm: arm for arm in read_seed_rule(report.plan).stopped}
    # vanilla is worse than the best, too, but is what all others are compared with; so is the ablation's base
    assert set(stopped) == {"rl+prm", "rl+icl"}
    assert stopped["rl+icl"].against == "rl+prm+icl"
    assert stopped["rl+icl"].high < 0
    assert {job.arm.name for job in benches.plans[-1].jobs() if job.seed == 3} == {"vanilla", "rl", "rl+prm+icl"}
    summary = summarise(report)
    row = next(row for row in summary.overall.arms if row.arm == "rl+icl")
    assert row.accuracy is None  # with fewer seeds it is not compared with the others
    first = at_first_look(benches.plans[0], benches).accuracy
    assert row.seeds == 3
    assert (row.at_stop.value, row.at_stop.low, row.at_stop.high) == pytest.approx((first.value, first.low, first.high))
    until = f"{100 * row.at_stop.value:.1f} ["
    assert any(f"Until then its accuracy was {until}" in note for note in summary.notes)
    assert any("No score: rl+icl was stopped after 3 seeds, as it cannot become the best" in n for n in summary.notes)
    table = next(iter(build_tables(report, summary)))
    assert next(row for row in table.rows if row[0] == "rl+icl")[1].startswith(f"stopped at {until}")
    cells = next(cells for cells in csv.DictReader(io.StringIO(format_csv(summary))) if cells["arm"] == "rl+icl")
    assert (float(cells["at_stop"]), float(cells["at_stop_low"])) == (row.at_stop.value, row.at_stop.low)
    assert (cells["accuracy"], cells["over_vanilla"]) == ("", "")
    assert cells["trouble"].startswith("rl+icl was stopped after 3 seeds")


def at_first_look(plan, benches):
    """The row of rl+icl in the report of a plan."""
    return next(row for row in summarise(benches.run(plan)).overall.arms if row.arm == "rl+icl")


def test_arms_go_on_unless_they_may_be_stopped():
    benches = Benches(items=400)
    assert not read_seed_rule(benches.until(until=0.035, most=4).plan).stopped
    assert len(benches.plans[-1].jobs()) == 4 * len(ARMS)


def test_intervals_and_p_hold_for_all_looks_together():
    """Against the same outcomes with seeds that were given: as wide as the t quantiles, and p larger."""
    benches = Benches(rates={"vanilla": 0.3, "rl": 0.34})
    rule = make_seed_rule()
    looked = benches.run(replace(PLAN, arms=ARMS[:2], seeds=(0, 1, 2), seed_rule=rule))
    looked = replace(looked, plan={**looked.plan, "ablation": {}})
    given = replace(looked, plan={**looked.plan, "seed_rule": None})
    wide, narrow = (summarise(report).overall.arms[1] for report in (looked, given))
    ratio = (wide.delta.high - wide.delta.low) / (narrow.delta.high - narrow.delta.low)
    quantiles = [t.ppf([1 - nominal_level(rule.looks) / 2, 0.975], freedom) for freedom in (2, np.inf)]
    assert quantiles[1][0] / quantiles[1][1] <= ratio <= quantiles[0][0] / quantiles[0][1]
    assert narrow.delta.p < wide.delta.p < len(rule.looks) * narrow.delta.p
    assert wide.accuracy.high - wide.accuracy.low > 1.2 * (narrow.accuracy.high - narrow.accuracy.low)


def test_a_plan_with_a_rule_is_read_back_and_a_broken_one_refused():
    rule = make_seed_rule(until=0.04, most=6, stop_arms=True)
    plan = replace(PLAN, tasks=("pocket/L3",), arms=(Arm("vanilla"),), seeds=(0, 1, 2), seed_rule=rule)
    plan = replace(plan, ablation=AblationPlan((), "vanilla", "vanilla"))
    assert plan_from_json(plan_to_json(plan)).seed_rule == rule
    assert "seed_rule" not in plan_to_json(replace(plan, seed_rule=None))
    with pytest.raises(DataError, match="looks"):
        read_seed_rule({"seed_rule": {"looks": [4, 3], "until": 0.03}})
    with pytest.raises(UsageError, match="first look is at 3"):
        make_seed_rule(most=2)
