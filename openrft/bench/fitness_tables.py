"""What was measured of process rewards before RL relied on them, as tables and as notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from openrft.bench.report import ArmResult, Report
from openrft.bench.text_table import TextTable
from openrft.rewards.fitness import RewardFitness, Separation
from openrft.rewards.reward_check import RewardCheck

T = TypeVar("T", RewardFitness, RewardCheck)

NAMED = 3  # arms that are named if they share a measurement
WHOLE = 2  # up to so many measurements are shown with every aggregation; of more, only the best aggregation of each


@dataclass(frozen=True, slots=True)
class Measurement(Generic[T]):
    """One measurement or check of rewards, and the arms that share it."""

    task: str
    seed: int
    found: T
    arms: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.arms) - NAMED} more" if len(self.arms) > NAMED else ""
        return f"{self.found.source} before {', '.join(self.arms[:NAMED])}{more} on {self.task}, seed {self.seed}"


def collect_measurements(report: Report) -> list[Measurement[RewardFitness]]:
    """Every measurement of process rewards once, in the order of the arms."""
    return _collect(report, lambda result: result.fitness)


def collect_checks(report: Report) -> list[Measurement[RewardCheck]]:
    """What plugins found out about their own rewards, once each, in the order of the arms."""
    return _collect(report, lambda result: result.checks)


def _collect(report: Report, of: Callable[[ArmResult], Sequence[T]]) -> list[Measurement[T]]:
    order = {arm.name: i for i, arm in enumerate(report.arms)}
    shared: dict[tuple[str, int, T], list[str]] = {}
    for result in sorted(report.results, key=lambda r: order[r.arm]):
        for found in of(result):
            shared.setdefault((result.task, result.seed, found), []).append(result.arm)
    return [Measurement(task, seed, found, tuple(arms)) for (task, seed, found), arms in shared.items()]


def build_fitness_tables(report: Report, whole: bool) -> Iterator[TextTable]:
    """One table per measurement, or one for all of them if they are many and `whole` is false."""
    every = collect_measurements(report)
    if whole or len(every) <= WHOLE:
        yield from map(build_fitness_table, every)
        return
    rows = tuple((str(m), *_cells(m.found.best), _alpha(m.found)) for m in every)
    columns = ("<measured", *_COLUMNS, "alpha")
    yield TextTable("Process rewards before RL, the best f of each", columns, rows, dropped_first=DROPPED_FIRST)


def build_fitness_table(m: Measurement[RewardFitness]) -> TextTable:
    """One measurement, with one row per aggregation. The recommended one is marked."""
    found = m.found
    share = f"{found.right} right" + (f", {found.no_steps} without a step" if found.no_steps else "")
    title = f"{m}: {found.rollouts} rollouts of {found.questions} questions ({found.mixed} mixed), {share}"
    rows = tuple((*_cells(s), "*" if s is found.best and found.alpha is not None else "") for s in found.by_aggregation)
    return TextTable(title, (*_COLUMNS, "<best"), rows, dropped_first=DROPPED_FIRST)


def build_fitness_notes(report: Report) -> Iterator[str]:
    """The recommendation and the warnings, one line per measurement; then what plugins found out about their own
    rewards."""
    for m in collect_measurements(report):
        yield f"{m}: {format_fitness_advice(m.found)}"
    for check in collect_checks(report):
        yield f"{check}: {check.found}"


def format_fitness_advice(found: RewardFitness) -> str:
    """The recommendation and the warnings as one line."""
    warned = "".join(f" WARNING: {text}." for text in found.warnings)
    if found.alpha is None:
        return f"nothing to recommend.{warned}"
    return f"recommended explore.aggregation={found.aggregation} and explore.alpha={found.alpha:g}.{warned}"


DROPPED_FIRST = ("with length", "calibration error", "same question")  # by a narrow terminal, in this order
_COLUMNS = ("<aggregation", "AUROC", "same question", "calibration error", "with length")


def _cells(s: Separation) -> tuple[str, ...]:
    return (
        s.aggregation,
        _interval(s.auroc, s.low, s.high),
        _interval(s.within, s.within_low, s.within_high),
        f"{s.calibration:.3f}",
        f"{s.with_length:+.2f}",
    )


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _alpha(found: RewardFitness) -> str:
    return "" if found.alpha is None else f"{found.alpha:g}"
