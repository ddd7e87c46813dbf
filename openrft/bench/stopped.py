"""What an arm had reached when a bench that adds seeds stopped it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from openrft.bench.outcomes import collect_outcomes, index_results
from openrft.bench.report import Report
from openrft.bench.seed_rule import read_seed_rule
from openrft.bench.statistics import Interval, estimate_accuracy


def measure_at_stop(report: Report, arm: str, tasks: Sequence[str], kept: Container[str]) -> Interval | None:
    """The accuracy over the seeds that a stopped arm was run with, on the `kept` items of these tasks. None for an arm
    that was not stopped, or that has a failed or missing job before its stop."""
    rule = read_seed_rule(report.plan)
    stop = next((found.seeds for found in (rule.stopped if rule else ()) if found.arm == arm), None)
    if rule is None or stop is None:
        return None
    until = replace(
        report,
        arms=tuple(one for one in report.arms if one.name == arm),
        results=tuple(r for r in report.results if r.arm == arm and r.seed < stop),
        failures=tuple(f for f in report.failures if f.arm == arm and f.seed < stop),
        plan={**report.plan, "seed_rule": {"looks": list(rule.looks), "until": rule.until}},
    )
    records = [task for task in report.tasks if task.name in tasks]
    items = {item.id for task in records for item in task.items if item.id in kept}
    found = collect_outcomes(until, index_results(until), records, items)
    return estimate_accuracy(found.draws, 0) if found else None
