"""The options --dry-run and --probe: what a bench or a training will do and cost, shown before it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from openrft.cli.memory import print_memory
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.bench.forecast.estimate import Forecast
    from openrft.bench.plan import BenchPlan
    from openrft.runtime.paid.account import AccountSettings

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "--dry-run",
        is_flag=True,
        help="Show what would run and what it costs (stages, completions, tokens, time, memory, money), then stop.",
    ),
    click.option(
        "--probe",
        is_flag=True,
        help="A dry run that first runs the stages whose cost is not known on ten questions, to learn it.",
    ),
]


def forecast_options(function: F) -> F:
    """Add the options --dry-run and --probe."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def show_forecast(
    plan: BenchPlan, out: Path, workers: int, account: AccountSettings, power: str, probe: bool, as_json: bool
) -> None:
    """Print what the plan will do and cost. `out` holds the store. `power`: which difference is detectable."""
    memory = print_memory(plan, workers)
    forecast = compute_forecast(plan, out, workers, account, power, probe)
    if as_json:
        print_json({**describe_plan_cost(plan, forecast), "memory": memory})
        return
    from rich.console import Console

    from openrft.bench.forecast.tables import build_forecast_table, describe_forecast
    from openrft.cli.run_output import print_grid

    for arm in plan.arms:
        print_text(f"{arm.name}: {', '.join(arm.plugins) or 'the policy as it is'}")
    print_grid(build_forecast_table(forecast), Console())
    for line in describe_forecast(forecast, account.prices):
        print_text(line)


def compute_forecast(
    plan: BenchPlan, out: Path, workers: int, account: AccountSettings, power: str, probe: bool
) -> Forecast:
    """What the plan's stages will cost. `probe`: those of unknown cost are tried on ten questions first."""
    from dataclasses import replace

    from openrft.bench.forecast.estimate import make_forecast
    from openrft.bench.forecast.history import count_worker_threads, find_rate, read_history
    from openrft.bench.forecast.pilot import measure
    from openrft.bench.forecast.walk import plan_stages
    from openrft.cli.progress import show_progress
    from openrft.runtime.paid.account import Account, use_account

    store, jobs = out / ".store", plan.jobs()
    if plan.needs_models:
        import torch  # noqa: F401 - what this machine is depends on its GPU
    account = replace(account, folder=store, run="probe")
    with use_account(Account(account)):
        planned = plan_stages(jobs, store)
        history, threads = read_history(store), count_worker_threads(workers)
        unlike = []
        for stage in planned:
            rate = find_rate(stage, history, threads)
            if stage.state == "to do" and (rate is None or not rate.is_like):
                unlike.append(stage)
        measured = None
        if probe and unlike:
            with show_progress("probe") as progress:
                measured = measure(jobs, planned, unlike, workers, progress)
    return replace(make_forecast(planned, history, workers, threads, account.prices, measured), detectable=power)


def describe_plan_cost(plan: BenchPlan, forecast: Forecast) -> dict[str, Any]:
    """The forecast as plain data: totals, and every stage of every job."""
    from dataclasses import asdict

    costs = {(stage.planned.stage, stage.planned.key): stage for stage in forecast.to_do}

    def list_stages(number: int) -> Iterator[dict[str, Any]]:
        for stage in forecast.planned:
            if stage.job == number:
                cost = costs.get((stage.stage, stage.key)) if stage.state == "to do" else None
                own = {"seconds": cost and cost.seconds, "tokens": cost and cost.tokens, "from": cost and cost.source}
                yield {"stage": stage.stage, "state": stage.state, "units": stage.units, "done": stage.done, **own}

    jobs = [
        {"arm": job.arm.name, "task": job.task, "seed": job.seed, "stages": list(list_stages(number))}
        for number, job in enumerate(plan.jobs())
    ]
    totals = {
        name: getattr(forecast, name)
        for name in ("seconds", "processor_seconds", "completions", "tokens", "money", "currency", "workers")
    }
    more = {"detectable": forecast.detectable, "unknown": forecast.unknown}
    return {**totals, "usage": [asdict(usage) for usage in forecast.usage], **more, "jobs": jobs}
