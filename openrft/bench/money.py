"""What a run paid to servers: its table, and what to say of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openrft.bench.report import Report
from openrft.bench.text_table import TextTable
from openrft.runtime.paid.prices import EXAMPLE, Money
from openrft.runtime.paid.usage import Usage, add_by_model


@dataclass(frozen=True, slots=True)
class ArmCost:
    """What an arm took of one model of a server. Money is None without a price."""

    arm: str
    model: str  # URL#MODEL
    replies: int
    input: int  # tokens
    output: int
    already_paid_for: int  # replies that an earlier start, or another arm, had paid for
    paid: float | None  # in this run
    alone: float | None  # what the arm would cost by itself


def list_arm_costs(report: Report) -> Iterator[ArmCost]:
    """One for each arm and model; none if no server was asked."""
    money = report.money
    if money is None:
        return
    for arm in report.arms:
        used = _by_model(u for r in report.results if r.arm == arm.name for u in r.usage)
        paid = _by_model(p.paid for p in money.payments if p.arm == arm.name)
        failed = any(failure.arm == arm.name for failure in report.failures)
        for model in dict.fromkeys((*used, *paid)):
            own = paid.get(model, Usage(model))
            # What a failed job used is not known as a whole: at least what was paid for it.
            whole = own if model not in used or (failed and own.replies > used[model].replies) else used[model]
            kept = max(whole.replies - own.replies, 0)
            prices = [money.prices.cost([usage]) if money.prices else None for usage in (own, whole)]
            yield ArmCost(arm.name, model, whole.replies, whole.input, whole.output, kept, *prices)


def build_money_tables(report: Report) -> Iterator[TextTable]:
    """One table, with a row for each arm and model; none if no server was asked."""
    if report.money is None:
        return
    costs = list(list_arm_costs(report))
    every = {cost.model for cost in costs}
    short = len({_name(model) for model in every}) == len(every)
    prices = report.money.prices

    def show(amount: float | None) -> str:
        return "" if amount is None or prices is None else prices.format(amount)

    rows = [
        (
            *(cost.arm, _name(cost.model) if short else cost.model),
            *(f"{n:,}" for n in (cost.replies, cost.input, cost.output, cost.already_paid_for)),
            *(show(cost.paid), show(cost.alone)),
        )
        for cost in costs
    ]
    columns = ("<arm", "<model", "replies", "tokens in", "tokens out", "already paid for", "paid", "alone")
    yield TextTable("Replies of servers", columns, tuple(rows), keys=2).without_empty_columns()


def describe_payments(money: Money) -> Iterator[str]:
    """What was paid over all starts, what a server may have charged besides, and what has no price."""
    paid, lost = (
        add_by_model(getattr(p, kind) for p in money.payments if getattr(p, kind).replies) for kind in ("paid", "lost")
    )
    if not paid and not lost:
        yield "Nothing was paid to servers: every reply was kept from before."
    if paid:
        total = money.cost(paid)
        each = "; ".join(map(_describe, paid))
        limit = (
            f" of a budget of {money.prices.format(money.budget)}" if money.prices and money.budget is not None else ""
        )
        yield f"Paid to servers in this run, over all its starts: {f'{total}{limit} for ' if total else ''}{each}."
    if lost:
        most = money.cost(lost)
        several = sum(usage.replies for usage in lost)
        cost = f", at most {most}, which the budget counts" if most else ""
        requests = "request" if several == 1 else "requests"
        yield f"{several:,} {requests} without a whole reply, for which a server may have charged{cost}."
    if uncounted := sum(usage.uncounted for usage in paid):
        yield f"Replies that came without a count of tokens, and count as long as they can be: {uncounted:,}."
    models = dict.fromkeys(usage.model for usage in (*paid, *lost))
    unpriced = [_name(model) for model in models if money.prices is None or money.prices.find(model) is None]
    if unpriced:
        yield f"No price for {', '.join(unpriced)}: tokens only. Give --prices a file with {EXAMPLE}."


def build_money_notes(report: Report) -> Iterator[str]:
    """Notes on what was paid. If the budget was spent: also what is missing and how to continue."""
    if report.money is None:
        return
    stopped = [failure for failure in report.failures if failure.budget_spent]
    if stopped and report.money.prices and report.money.budget is not None:
        missing = ", ".join(f"{f.arm} on {f.task}, seed {f.seed}" for f in stopped)
        yield (
            f"Stopped by the budget of {report.money.prices.format(report.money.budget)}: {missing}. The same command"
            " with a higher --budget continues from the stored replies."
        )
    yield from describe_payments(report.money)


def _by_model(usages: Iterable[Usage]) -> dict[str, Usage]:
    return {usage.model: usage for usage in add_by_model(usages)}


def _name(model: str) -> str:
    return model.partition("#")[2]


def _describe(usage: Usage) -> str:
    cached = f", {usage.cached_input:,} of them cached by the server" if usage.cached_input else ""
    plural = "y" if usage.replies == 1 else "ies"
    return (
        f"{_name(usage.model)} {usage.replies:,} repl{plural} ({usage.input:,} tokens in{cached}, {usage.output:,} out)"
    )
