"""The rule by which a bench adds seeds, and its decisions so far, as they are in plan.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openrft.bench.sequential import Looks
from openrft.bench.text_table import format_gain
from openrft.config.documents import read_document
from openrft.errors import DataError, UsageError

FIRST_LOOK = 3  # two seeds leave one or two degrees of freedom, with which no interval is of use
MOST_SEEDS = 10  # "A Sober Look" (arXiv 2504.07086) asks for ten
UNTIL = 0.03


@dataclass(frozen=True, slots=True)
class StoppedArm:
    """An arm that more seeds would not make the best."""

    arm: str
    seeds: int  # that it was run with
    against: str  # the best arm of that look
    difference: float  # accuracy less that of `against`, with an interval that holds at every look
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SeedRule:
    """Seeds are added until the interval of every gain reaches at most `until` to either side, or to the last look."""

    looks: Looks  # numbers of seeds at which the bench may stop, stated before the first result
    until: float  # half the width of an interval, as a share
    stop_arms: bool = False  # whether arms that cannot become the best are run no further
    stopped: tuple[StoppedArm, ...] = ()
    outcome: str = ""  # why the bench stopped, in words; empty while it runs


def make_seed_rule(until: float = UNTIL, most: int = MOST_SEEDS, stop_arms: bool = False) -> SeedRule:
    """Looks after each seed from the third to the last. Raises UsageError."""
    if most < FIRST_LOOK:
        raise UsageError(f"--most-seeds {most}: the first look is at {FIRST_LOOK} seeds.", "Give at least that many.")
    return SeedRule(tuple(range(FIRST_LOOK, most + 1)), until, stop_arms)


def read_seed_rule(plan: Mapping[str, Any]) -> SeedRule | None:
    """The rule of a report's plan; None if its seeds were given. Raises DataError."""
    if not plan.get("seed_rule"):
        return None
    found, faults = read_document(SeedRule, plan["seed_rule"], "ignore")
    if found is None or list(found.looks) != sorted(set(found.looks)) or not found.looks or found.looks[0] < 1:
        why = faults[0] if faults else "looks must be numbers of seeds, ascending"
        raise DataError(f"plan.seed_rule.{why}.", "Is this a whole OpenRFT report?")
    return found


def read_looks(plan: Mapping[str, Any]) -> Looks:
    """The looks of a report's plan; empty if its seeds were given."""
    rule = read_seed_rule(plan)
    return rule.looks if rule else ()


def describe_stopped(found: StoppedArm) -> str:
    """Why an arm was run with no further seeds."""
    gap = format_gain(found.difference, found.low, found.high)
    return (
        f"{found.arm} was stopped after {found.seeds} seeds, as it cannot become the best arm: it has {gap} points"
        f" against {found.against}"
    )
