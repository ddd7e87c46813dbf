"""The tables of a report that other programs and plugins write to as they like, and what the bench reads of them.

Their parts are checked once, when the report is read, so that a wrong type is named by its place and not met later.
What the bench does not read may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openrft.bench.seed_rule import read_seed_rule
from openrft.config.documents import read_document
from openrft.errors import DataError
from openrft.rewards.fitness import RewardFitness
from openrft.rewards.probed_reward import OWN, ProbedReward
from openrft.rewards.probes import PROBES_BY_NAME


@dataclass(frozen=True, slots=True)
class PlannedAblation:
    """`plan.ablation`: the arms that isolate plugins."""

    vanilla: str
    base: str
    full: str
    plugins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Explore:
    aggregation: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    policy: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Notes:
    """Of a task: how its rows were read."""

    groups: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    columns_ignored: tuple[str, ...] = ()
    overlaps: Mapping[str, int] | None = None
    dropped_leaks: int | None = None
    bad_rows: int | Mapping[str, int] | None = None
    defects_dropped: int | Mapping[str, int] | None = None
    left_out_by_type: int | Mapping[str, int] | None = None
    defects_kept: int | Mapping[str, int] | None = None


def find_plan_faults(plan: Mapping[str, Any]) -> Iterator[str]:
    """What of a report's plan cannot be read, each fault with its place."""
    whole = read_document(_Plan, plan, "ignore")[1]
    yield from _name("plan", whole)
    if not whole:
        yield from find_override_faults("plan.settings", plan.get("settings", {}))
    if plan.get("ablation"):
        yield from _name("plan.ablation", read_document(PlannedAblation, plan["ablation"], "ignore")[1])
    try:
        read_seed_rule(plan)
    except DataError as fault:
        yield fault.message.rstrip(".")


def find_override_faults(place: str, settings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What of the settings of stages cannot be read. An arm's `overrides` are such settings, too."""
    return _name(f"{place}.explore", read_document(_Explore, settings.get("explore", {}), "ignore")[1])


def find_note_faults(place: str, notes: Mapping[str, Any]) -> Iterator[str]:
    """What of a task's notes cannot be read."""
    return _name(place, read_document(_Notes, notes, "ignore")[1])


def find_reward_faults(place: str, fitness: Sequence[RewardFitness], probes: Sequence[ProbedReward]) -> Iterator[str]:
    """Names in measurements of rewards that say nothing."""
    for number, found in enumerate(fitness):
        known = [separation.aggregation for separation in found.by_aggregation]
        if found.aggregation not in known:
            yield f"{place}.fitness[{number}].aggregation: {found.aggregation!r} is none of {', '.join(known)}"
    for number, probed in enumerate(probes):
        for pay in filter(None, (probed.right, probed.wrong, *probed.probes)):
            if pay.answers not in OWN and pay.answers not in PROBES_BY_NAME:
                yield f"{place}.probes[{number}]: {pay.answers!r} is no probe that this version knows"


def _name(place: str, faults: Sequence[str]) -> Iterator[str]:
    return (f"{place}.{fault}" for fault in faults)
