"""The numbers of a report as one JSON document: the summary, what rewards pay for, checks of judges, gaps, money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from openrft.bench.fitness_tables import collect_checks
from openrft.bench.hacking import collect_probes
from openrft.bench.money import list_arm_costs
from openrft.bench.report import Report
from openrft.bench.score_table import Summary
from openrft.config.documents import dump_document


def dump_summary(report: Report, summary: Summary) -> dict[str, Any]:
    """The document that `--json` prints. `money` is null if no server was asked."""
    return {
        "name": report.name,
        **dump_numbers(summary),
        "probes": list(_dump_probes(report)),
        "checks": [
            {"task": check.task, "seed": check.seed, "arms": check.arms, **asdict(check.found)}
            for check in collect_checks(report)
        ],
        "gaps": [
            {"arm": result.arm, "task": result.task, "seed": result.seed, **asdict(gap), "grows": gap.grows}
            for result in report.results
            for gap in result.gaps
        ],
        "money": _dump_money(report),
    }


def dump_numbers(summary: Summary) -> dict[str, Any]:
    """What report.json holds of the summary. `conclusion.lines`: the lines that stand above the tables."""
    document = dump_document(summary)
    return {**document, "conclusion": {"lines": list(summary.conclusion.lines), **document["conclusion"]}}


def _dump_probes(report: Report) -> Iterator[dict[str, Any]]:
    for probed in collect_probes(report.results):
        for source in probed.sources:
            pays = [pay for pay in (source.right, source.wrong, *source.probes) if pay]
            yield {
                "task": probed.task,
                "seed": probed.seed,
                "arms": probed.arms,
                "source": source.source,
                "separates": source.separates,
                "answers": [{"label": pay.label, **asdict(pay)} for pay in {pay.answers: pay for pay in pays}.values()],
            }


def _dump_money(report: Report) -> dict[str, Any] | None:
    money = report.money
    if money is None:
        return None
    currency = money.prices.currency if money.prices else None
    return {"currency": currency, "budget": money.budget, "arms": [asdict(cost) for cost in list_arm_costs(report)]}
