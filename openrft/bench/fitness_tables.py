"""What was measured of process rewards before RL relied on them, as tables and as notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from openrft.bench.grouped_notes import merge_messages, name_arms, name_places
from openrft.bench.report import ArmResult, Report
from openrft.bench.text_table import TextTable
from openrft.rewards.fitness import RewardFitness, Separation
from openrft.rewards.reward_check import RewardCheck

T = TypeVar("T", RewardFitness, RewardCheck)

WHOLE = 2  # up to so many measurements are shown with every aggregation; of more, only the best aggregation of each


@dataclass(frozen=True, slots=True)
class Measurement(Generic[T]):
    """One measurement or check of rewards, and the arms that share it."""

    task: str
    seed: int
    found: T
    arms: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.found.source} before {name_arms(self.arms)} on {self.task}, seed {self.seed}"


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
    """One measurement, with one row per aggregation. The recommended one is marked, with its alpha."""
    found = m.found
    share = f"{found.right} right" + (f", {found.no_steps} without a step" if found.no_steps else "")
    title = f"{m}: {found.rollouts} rollouts of {found.questions} questions ({found.mixed} mixed), {share}"
    advice = ("*", _alpha(found)) if found.alpha is not None else ("", "")
    rows = tuple((*_cells(s), *(advice if s is found.best else ("", ""))) for s in found.by_aggregation)
    return TextTable(title, (*_COLUMNS, "<best", "alpha"), rows, dropped_first=DROPPED_FIRST)


def build_fitness_notes(report: Report) -> Iterator[str]:
    """The recommendations and the warnings, each once with the measurements that it holds for; then what plugins found
    out about their own rewards."""
    every = collect_measurements(report)
    for source in dict.fromkeys(m.found.source for m in every):
        yield from _say_fitness([m for m in every if m.found.source == source])
    checks = collect_checks(report)
    for source in dict.fromkeys(check.found.source for check in checks):
        mine = [check for check in checks if check.found.source == source]
        if len(mine) == 1:
            yield f"{mine[0]}: {mine[0].found}"
            continue
        yield from _say_once((m, text) for m in mine for text in m.found.findings)
        yield from _say_once((m, f"WARNING: {text}") for m in mine for text in m.found.warnings)


def _say_fitness(every: Sequence[Measurement[RewardFitness]]) -> Iterator[str]:
    """What was measured of one source."""
    if len(every) == 1:
        yield f"{every[0]}: {format_fitness_advice(every[0].found)}"
        return
    if len({_recommend(m.found) for m in every}) <= WHOLE:
        for advice in dict.fromkeys(_recommend(m.found) for m in every):
            yield f"{_name([m for m in every if _recommend(m.found) == advice])}: {advice}."
    else:
        yield _sum_up(every)
    yield from _say_once((m, f"WARNING: {text}") for m in every for text in m.found.warnings)


def _sum_up(every: Sequence[Measurement[RewardFitness]]) -> str:
    """The recommendations of many measurements. The tables have each."""
    advised = [(m.found.alpha, m.found.aggregation) for m in every if m.found.alpha is not None]
    if not advised:
        return f"{every[0].found.source} before RL, {len(every)} measurements: nothing to recommend."
    low, high = min(alpha for alpha, _ in advised), max(alpha for alpha, _ in advised)
    alphas = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    best = ", ".join(f"{name} ({n})" for name, n in Counter(name for _, name in advised).most_common())
    nothing = f"; nothing on {len(every) - len(advised)}" if len(advised) < len(every) else ""
    return (
        f"{every[0].found.source} before RL, {len(every)} measurements: recommended explore.aggregation={best} and"
        f" explore.alpha={alphas}{nothing}. The tables of process rewards have each."
    )


def _say_once(found: Iterable[tuple[Measurement[T], str]]) -> Iterator[str]:
    for text, measurements in merge_messages(found):
        yield f"{_name(measurements)}: {text}."


def _name(measurements: Sequence[Measurement[T]]) -> str:
    return f"{measurements[0].found.source} before {name_places((m.arms, m.task, m.seed) for m in measurements)}"


def format_fitness_advice(found: RewardFitness) -> str:
    """The recommendation and the warnings as one line."""
    warned = "".join(f" WARNING: {text}." for text in found.warnings)
    return f"{_recommend(found)}.{warned}"


def _recommend(found: RewardFitness) -> str:
    if found.alpha is None:
        return "nothing to recommend"
    return f"recommended explore.aggregation={found.aggregation} and explore.alpha={found.alpha:g}"


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
