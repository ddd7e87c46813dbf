"""A forecast as a table and as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from openrft.bench.forecast.estimate import Forecast
from openrft.bench.text_table import TextTable
from openrft.runtime.paid.prices import EXAMPLE, PriceTable
from openrft.stages.work import DRAWING


def build_forecast_table(forecast: Forecast) -> TextTable:
    """One row for each stage, in the order of the pipeline."""
    rows = []
    for name in dict.fromkeys(stage.stage for stage in sorted(forecast.planned, key=lambda s: ORDER.index(s.stage))):
        own = [stage for stage in forecast.planned if stage.stage == name]
        costs = [stage for stage in forecast.to_do if stage.planned.stage == name]
        states = [sum(stage.state == state for stage in own) for state in ("to do", "shared", "stored")]
        units = sum(stage.planned.units for stage in costs)
        known = [cost for cost in costs if cost.seconds is not None]
        rows.append(
            (
                name,
                *(str(n or "") for n in states),
                f"{units:,}" if units and name in DRAWING else "",
                f"{sum(cost.tokens or 0 for cost in known):,}" if known else "?" if costs else "",
                f"{sum(cost.seconds or 0.0 for cost in known):,.1f}" if known else "?" if costs else "",
                "; ".join(dict.fromkeys(cost.source or "not known" for cost in costs)),
            )
        )
    columns = ("<stage", "to do", "shared", "stored", "completions", "tokens", "seconds", "<as in")
    at_a_time = f", {forecast.workers} at a time" if forecast.workers > 1 else ""
    title = f"{forecast.jobs} job{'s' * (forecast.jobs != 1)}{at_a_time}"
    return TextTable(title, columns, tuple(rows)).without_empty_columns()


ORDER = (
    *("instruct", "augment", "synthesize", "imitate"),
    *("fitness", "check_reward", "probe", "explore", "evaluate"),
)


def describe_forecast(forecast: Forecast, prices: PriceTable | None) -> Iterator[str]:
    """What it takes, in sentences: time, tokens, money, and what is not known."""
    if not forecast.to_do:
        yield "Nothing is to do: every stage is stored. The run only reads them."
    elif len(forecast.unknown) < len({stage.planned.stage for stage in forecast.to_do}):
        several = f" with {forecast.workers} workers" if forecast.workers > 1 else ""
        yield (
            f"Time: about {format_duration(forecast.seconds)}{several}, of"
            f" {format_duration(forecast.processor_seconds)} of work; {forecast.tokens:,} generated tokens."
        )
    if forecast.unknown:
        yield (
            f"Not known, and not counted: {', '.join(forecast.unknown)}. No such stage ran on this machine with this"
            " policy. --probe runs them on ten questions."
        )
    yield from _describe_money(forecast, prices)


def _describe_money(forecast: Forecast, prices: PriceTable | None) -> Iterator[str]:
    if not forecast.usage:
        return
    words = "; ".join(
        f"{usage.model}: {usage.replies:,} replies, {usage.input:,} tokens in, {usage.output:,} out"
        for usage in forecast.usage
    )
    if prices is None or forecast.money is None:
        yield f"Servers: {words}. No price is known: give --prices a file with {EXAMPLE}."
    else:
        yield f"Money: about {prices.format(forecast.money)}, less what kept replies save. {words}."


def format_duration(seconds: float) -> str:
    """75.2 -> "1 min 15 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 1 else f"{seconds:.1f} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
