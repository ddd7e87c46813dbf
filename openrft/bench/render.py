"""A report as tables of text, which a terminal, report.md and report.html show.

All numbers come from summary.py, and from the measurements that were made before RL relied on process rewards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.ablation import ESTIMANDS
from openrft.bench.curve_tables import build_curve_table
from openrft.bench.fitness_tables import build_fitness_tables
from openrft.bench.group_tables import build_group_tables, build_metric_table
from openrft.bench.hacking import build_probe_tables
from openrft.bench.money import build_money_tables
from openrft.bench.report import Report
from openrft.bench.score_table import ArmScore, Component, Gain, ScoreTable, Summary
from openrft.bench.text_table import TextTable, format_accuracy, format_gain, format_percent

COST = ("tokens", "seconds", "reused")  # a terminal shows the seconds only, so that a row fits into 100 columns
# What a narrow terminal leaves out of the table of arms, in this order.
DROPPED_FIRST = ("reused", "tokens", "seconds", "unparsed", "cleaned", "p")
FEW = 3  # rules without a model shown below a table on a terminal


def build_tables(report: Report, summary: Summary, per_task: bool = False) -> Iterator[TextTable]:
    """The tables of a report, in order."""
    tasks = summary.overall.tasks
    scored = [task.name for task in report.tasks if task.items]
    some = f"{len(scored)} of " if len(scored) < len(tasks) else ""
    where = tasks[0] if len(tasks) == 1 else f"mean over {some}{len(tasks)} tasks"
    yield _arms(f"{report.name}: {where}, {_size(summary.overall)}", summary.overall, few=not per_task)
    yield from _readings(summary.overall, summary.components if per_task else (), in_full=per_task)
    if summary.metrics:
        yield build_metric_table(summary)
    yield from build_group_tables(summary, per_task)
    if summary.components:
        yield _components(summary.components)
    yield from build_curve_table(summary, per_task)
    yield from build_fitness_tables(report, per_task)
    yield from build_money_tables(report)
    if per_task:
        yield from build_probe_tables(report)
    for table in summary.tables if per_task else ():
        if table is not summary.overall:
            yield _arms(f"{table.leaf or table.tasks[0]}, {_size(table)}", table)
            yield from _readings(table)


def build_legend(summary: Summary, per_task: bool = False) -> str:
    """How to read the numbers."""
    reused = "; reused: the part that was already computed" if per_task else ""
    both = (
        " Lenient: accuracy if what a careful person would take for the answer counts, too; unread: by neither reading."
        " Form and ability add up to the gain over vanilla: more answers in the asked form, and more right among those"
        " that either reading can read (right of read)."
    )
    shown = any(True for _ in _readings(summary.overall, in_full=per_task))
    return (
        f"Accuracy in %, gains in points, each with its 95% interval over {summary.noise}; p after Holm."
        f" Seconds: what the arm costs alone{reused}.{both if shown else ''}"
    )


def _size(table: ScoreTable) -> str:
    seeds = max((row.seeds for row in table.arms), default=0)
    more = f", {table.unscored} more not scored" if table.unscored else ""
    more += f", {table.with_defects} with known defects" if table.with_defects else ""
    return f"{table.items} test items{more}, {seeds} seed{'s' * (seeds != 1)}"


def _arms(title: str, table: ScoreTable, few: bool = False) -> TextTable:
    """`few`: show only the best rules without a model, and seconds as the only cost; report.md has all."""
    cleaned = bool(table.with_defects)
    cost = slice(1, 2) if few else slice(None)
    rows = [_arm(row, cleaned, cost) for row in table.arms]
    best = sorted(table.baselines, key=lambda rule: -rule.accuracy)[: FEW if few else None]
    rest = [""] * (3 + cleaned + len(COST[cost]))
    rules = [(f"no model: {rule.name}", format_percent(rule.accuracy), *rest) for rule in best]
    if table.chance is not None:
        rules.append(("no model: chance", format_percent(table.chance), *rest))
    columns = ("<arm", "accuracy", *["cleaned"] * cleaned, "over vanilla", "p", "unparsed", *COST[cost])
    faint = frozenset(range(len(rows), len(rows) + len(rules)))
    return TextTable(title, columns, (*rows, *rules), faint, DROPPED_FIRST).without_empty_columns()


def _arm(row: ArmScore, cleaned: bool, shown: slice) -> tuple[str, ...]:
    cost = (f"{row.tokens:,}", f"{row.seconds:,.0f}", f"{row.reused_seconds:,.0f}" if row.reused_seconds else "")[shown]
    if row.accuracy is None or row.unparsed is None:
        return (row.arm, _lack(row), *[""] * (3 + cleaned), *cost)
    shares = [format_accuracy(row.accuracy), *[format_accuracy(row.cleaned) if row.cleaned else ""] * cleaned]
    gain = _gain(row.delta) if row.delta else ("", "")
    return (row.arm, *shares, *gain, f"{format_percent(row.unparsed)}%", *cost)


READ = ("lenient", "unparsed", "unread", "right of read")  # a narrow terminal leaves them out in this order
VISIBLE = 0.005  # the smallest share of answers that the strict reading misses for which a terminal shows the table


def _readings(table: ScoreTable, components: Sequence[Component] = (), in_full: bool = False) -> Iterator[TextTable]:
    """What the lenient reading adds, and each gain in its two parts. Not `in_full`: only if it can add something."""
    arms = [row for row in table.arms if row.lenient is not None]
    if not any(in_full or (row.unparsed or 0.0) >= VISIBLE for row in arms):
        return
    shown = slice(None) if in_full else slice(0, 3, 2)
    rows = [(row.arm, *_both_readings(row)[shown], *_parts(row.delta)) for row in arms]
    for component in components:
        for estimand, gain in component.gains.items():
            if gain.form:
                rows.append((f"{ESTIMANDS[estimand]} of {component.plugin}", *[""] * len(READ[shown]), *_parts(gain)))
    name = f"{table.leaf or table.tasks[0]}: " if table.leaf or len(table.tasks) == 1 else ""
    columns = ("<arm", *READ[shown], "form", "ability")
    yield TextTable(
        f"{name}both readings, and the gain over vanilla in two parts", columns, tuple(rows), dropped_first=READ
    )


def _both_readings(row: ArmScore) -> tuple[str, ...]:
    right = format_percent(row.right_of_readable.value) if row.right_of_readable else "none read"
    lenient = format_percent(row.lenient.value) if row.lenient else ""
    shares = [f"{format_percent(share)}%" for share in (row.unparsed, row.unparsed_in_both) if share is not None]
    return (lenient, *shares, right)


def _parts(gain: Gain | None) -> tuple[str, str]:
    if gain is None or gain.form is None or gain.ability is None:
        return ("", "")
    form, ability = (format_gain(part.value, part.low, part.high) for part in (gain.form, gain.ability))
    return form, ability


def _lack(row: ArmScore) -> str:
    """Why there is no accuracy that can be compared with the others'."""
    if not row.trouble:
        return "not scored"
    if any(" was stopped after " in line for line in row.trouble):
        return f"stopped at {format_accuracy(row.at_stop)}" if row.at_stop else "stopped"
    return "failed" if any("failed" in line for line in row.trouble) else "incomplete"


def _components(components: Sequence[Component]) -> TextTable:
    shown = [name for name in ESTIMANDS if any(name in c.gains for c in components)] or list(ESTIMANDS)[:2]
    columns = ["<plugin"]
    for estimand in shown:
        columns += [ESTIMANDS[estimand], "p"]
    rows = []
    for component in components:
        row = [component.plugin]
        for estimand in shown:
            row += _gain(component.gains.get(estimand))
        rows.append(tuple(row))
    return TextTable("What each plugin was worth", tuple(columns), tuple(rows)).without_empty_columns()


def _gain(gain: Gain | None) -> tuple[str, str]:
    if gain is None:
        return ("not measured", "")
    return (format_gain(gain.value, gain.low, gain.high), format_p(gain))


def format_p(gain: Gain) -> str:
    """p after Holm's correction; empty if there is none."""
    value = gain.p if gain.adjusted is None else gain.adjusted
    if value is None:
        return ""
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
