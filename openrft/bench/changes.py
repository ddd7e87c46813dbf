"""What two reports were run with, where it differs: the first thing to look at when their scores do."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from openrft.bench.report import Report

ABSENT = "not set"


def changes(baseline: Report, candidate: Report, arms: Collection[str]) -> str:
    """One line on the settings, options, versions and machine that differ; empty where none does.

    A version counts where both reports know it; where the rows lay does not count: the test items are the same ones.
    """
    before, after = (dict(_run_with(report, arms)) for report in (baseline, candidate))
    names = [*dict.fromkeys((*before, *after))]
    found = [(name, *(side.get(name, ABSENT) for side in (before, after))) for name in names]
    found += [(name, old, candidate.versions.get(name, old)) for name, old in baseline.versions.items()]
    told = [f"{name} {old} -> {new}" for name, old, new in found if not _same(old, new)]
    return f"Run otherwise than the baseline: {', '.join(told)}." if told else ""


def _run_with(report: Report, arms: Collection[str]) -> Iterator[tuple[str, str]]:
    """Every setting by a name that a user could give it, as text: an option typed as 160 is the default 160."""
    plan = report.plan
    yield "policy", str(plan.get("policy", ABSENT))
    yield from _flat("data", {key: value for key, value in plan.get("data", {}).items() if key != "data"})
    for owner, values in (*plan.get("settings", {}).items(), *plan.get("options", {}).items()):
        yield from _flat(owner, values)
    for arm in report.arms:
        if arm.name in arms:
            for owner, values in arm.values.items():
                yield from _flat(f"{arm.name}: {owner}", values)
    yield from ((key, str(report.machine.get(key) or "none")) for key in ("system", "gpu"))


def _same(old: str, new: str) -> bool:
    """Whether two values are one, as numbers (1e-4 and 0.0001) or as text."""
    with contextlib.suppress(ValueError):
        return float(old) == float(new)
    return old == new


def _flat(owner: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((f"{owner}.{option}", str(value)) for option, value in values.items())
