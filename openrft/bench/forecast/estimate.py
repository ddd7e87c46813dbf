"""From stages and rates to a forecast: seconds, tokens, money, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openrft.bench.forecast.history import PastStage, find_load_seconds, find_rate
from openrft.bench.forecast.pilot import Measured
from openrft.bench.forecast.walk import PlannedStage
from openrft.runtime.paid.prices import PriceTable
from openrft.runtime.paid.usage import Usage, add_by_model
from openrft.stages.work import DRAWING

# Seconds until a worker process has started and imported PyTorch, on a machine whose disk cache is warm.
WORKER_START = 3.0


@dataclass(frozen=True, slots=True)
class ForecastStage:
    """A stage that is to do, with its cost. None: nothing is known about stages like it."""

    planned: PlannedStage
    seconds: float | None
    tokens: int | None
    usage: tuple[Usage, ...] = ()  # of servers, by model
    source: str = ""  # where the cost comes from, in words


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a bench will do and cost. Sums leave out the stages in `unknown`."""

    jobs: int
    workers: int
    planned: tuple[PlannedStage, ...]  # every stage of every job
    to_do: tuple[ForecastStage, ...]
    seconds: float  # from start to end, with all workers
    processor_seconds: float  # of all stages together, loading included
    tokens: int
    completions: int  # that stages with a known number of them draw
    usage: tuple[Usage, ...] = ()
    money: float | None = None  # None without prices
    currency: str = ""
    detectable: str = ""  # which difference these items, completions and seeds can show
    unknown: tuple[str, ...] = field(default=())  # stages whose cost is not known


def make_forecast(
    planned: Sequence[PlannedStage],
    history: Sequence[PastStage],
    workers: int,
    threads: int,
    prices: PriceTable | None = None,
    measured: Measured | None = None,
) -> Forecast:
    """The forecast of a bench. `measured` by a probe: it counts where the history of the store has no like stage."""
    to_do = [_cost(stage, history, threads, measured) for stage in planned if stage.state == "to do"]
    seen = [*history, *(measured.past if measured else ())]
    loads = {stage.policy: find_load_seconds(stage.policy, seen) for stage in planned}
    seconds = {(s.planned.stage, s.planned.key): s.seconds or 0.0 for s in to_do}
    usage = add_by_model(used for stage in to_do for used in stage.usage)
    wall, processor = simulate(planned, seconds, loads, workers)
    return Forecast(
        jobs=len({stage.job for stage in planned}),
        workers=workers,
        planned=tuple(planned),
        to_do=tuple(to_do),
        seconds=wall,
        processor_seconds=processor,
        tokens=sum(stage.tokens or 0 for stage in to_do),
        completions=sum(_units_left(s.planned) for s in to_do if s.planned.stage in DRAWING),
        usage=usage,
        money=prices.cost(usage) if prices else None,
        currency=prices.currency if prices else "",
        unknown=tuple(dict.fromkeys(s.planned.stage for s in to_do if s.seconds is None)),
    )


def _cost(
    planned: PlannedStage, history: Sequence[PastStage], threads: int, measured: Measured | None
) -> ForecastStage:
    found = find_rate(planned, history, threads)
    if measured and (found is None or not found.is_like):
        found = measured.find_rate(planned) or found
    if found is None:
        return ForecastStage(planned, None, None)
    units = _units_left(planned)
    share = units / found.usage_units if found.usage_units else 0.0
    usage = tuple(_scale(used, share) for used in found.usage)
    return ForecastStage(planned, units * found.seconds, round(units * found.tokens), usage, found.likeness)


def _units_left(planned: PlannedStage) -> int:
    return round(planned.units * (1 - planned.done))


def _scale(usage: Usage, by: float) -> Usage:
    names = ("replies", "input", "cached_input", "output", "uncounted")
    scaled: dict[str, Any] = {name: round(getattr(usage, name) * by) for name in names}
    return replace(usage, **scaled)


def simulate(
    planned: Sequence[PlannedStage],
    seconds: Mapping[tuple[str, str], float],
    loads: Mapping[str, tuple[float, float]],
    workers: int,
) -> tuple[float, float]:
    """(seconds from start to end, seconds of all stages together) of jobs that `workers` processes take in order.

    A stage that another job makes is waited for. A policy is loaded by each job that has something to do. `loads`: the
    seconds that takes for the first time in a process, and later.
    """
    jobs: dict[int, list[PlannedStage]] = {}
    for stage in planned:
        jobs.setdefault(stage.job, []).append(stage)
    free = [0.0 if workers <= 1 else WORKER_START] * max(1, min(workers, len(jobs)))
    opened: set[tuple[int, str]] = set()  # (worker, policy)
    ready: dict[tuple[str, str], float] = {}
    total = 0.0
    for stages in jobs.values():
        worker = free.index(min(free))
        now, loaded = free[worker], False
        first, later = loads.get(stages[0].policy, (0.0, 0.0))
        for stage in stages:
            key = (stage.stage, stage.key)
            if stage.state == "stored":
                continue
            if key in ready:
                now = max(now, ready[key])
                continue
            load = 0.0 if loaded else later if (worker, stage.policy) in opened else first
            opened.add((worker, stage.policy))
            spent = seconds.get(key, 0.0) + load
            loaded, total = True, total + spent
            now += spent
            ready[key] = now
        free[worker] = now
    return max(free), total
