"""A summary as tables: for a terminal or a pipe (rich) and as Markdown. Draws what summary.py found and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openrft.bench.components import NAMES
from openrft.bench.report import Report
from openrft.bench.scores import ArmScore, Component, Gain, Summary, Table


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of finished text. A column whose title starts with `<` is set left."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    faint: frozenset[int] = frozenset()  # rows that are not arms: the baselines


def grids(report: Report, summary: Summary, per_task: bool = False) -> Iterator[Grid]:
    """The tables of a report, in order."""
    tasks = summary.overall.tasks
    where = tasks[0] if len(tasks) == 1 else f"mean over {len(tasks)} tasks"
    yield _arms(f"{report.name}: {where}, {_size(summary.overall)}", summary.overall)
    if summary.components:
        yield _components(summary.components)
    for table in summary.tables if per_task else ():
        if table is not summary.overall:
            yield _arms(f"{table.leaf or table.tasks[0]}, {_size(table)}", table)


def legend(summary: Summary) -> str:
    """How to read the numbers."""
    return (
        f"Accuracy in %, gains in points, each with its 95% interval over {summary.noise}; p of components after Holm."
        " Seconds: what the arm costs alone; reused: the part that was already computed."
    )


def markdown(report: Report, summary: Summary) -> str:
    """report.md: every table, the caveats, and how to run it again."""
    parts = [f"# {report.name}", f"`{report.command}`, {report.created}"]
    parts += [_as_markdown(grid) for grid in grids(report, summary, per_task=True)]
    parts += [legend(summary), "\n".join(f"- {note}" for note in summary.notes)]
    parts.append("Versions: " + ", ".join(f"{name} {version}" for name, version in report.versions.items()) + ".")
    return "\n\n".join(part for part in parts if part) + "\n"


def percent(value: float) -> str:
    """0.437 -> "43.7"."""
    return f"{100 * value:.1f}"


def points(value: float) -> str:
    """0.034 -> "+3.4"; what rounds to nothing has no sign."""
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def interval(value: float, low: float, high: float) -> str:
    """A gain with its interval: "+3.4 [-0.2, +7.0]"."""
    return f"{points(value)} [{points(low)}, {points(high)}]"


def _size(table: Table) -> str:
    seeds = max((row.seeds for row in table.arms), default=0)
    return f"{table.items} test items, {seeds} seed{'s' * (seeds != 1)}"


def _arms(title: str, table: Table) -> Grid:
    rows = [_arm(row) for row in table.arms]
    rules = [(f"no model: {rule.name}", percent(rule.accuracy), *[""] * 6) for rule in table.baselines]
    columns = ("<arm", "accuracy", "over vanilla", "p", "unparsed", "tokens", "seconds", "reused")
    return Grid(title, columns, (*rows, *rules), frozenset(range(len(rows), len(rows) + len(rules))))


def _arm(row: ArmScore) -> tuple[str, ...]:
    cost = (f"{row.tokens:,}", f"{row.seconds:,.0f}", f"{row.reused_seconds:,.0f}" if row.reused_seconds else "")
    if row.accuracy is None or row.unparsed is None:
        return (row.arm, "failed" if any("failed" in t for t in row.trouble) else "incomplete", "", "", "", *cost)
    a = row.accuracy
    share = f"{percent(a.value)} [{percent(a.low)}, {percent(a.high)}]"
    if row.delta is None:
        return (row.arm, share, "", "", f"{percent(row.unparsed)}%", *cost)
    d = row.delta
    return (row.arm, share, interval(d.value, d.low, d.high), _p(d.p), f"{percent(row.unparsed)}%", *cost)


def _components(components: Sequence[Component]) -> Grid:
    shown = [name for name in NAMES if any(name in c.gains for c in components)] or list(NAMES)[:2]
    columns = ["<plugin"]
    for estimand in shown:
        columns += [NAMES[estimand], "p"]
    rows = []
    for component in components:
        row = [component.plugin]
        for estimand in shown:
            row += _gain(component.gains.get(estimand))
        rows.append(tuple(row))
    return Grid("What each plugin was worth", tuple(columns), tuple(rows))


def _gain(gain: Gain | None) -> tuple[str, str]:
    if gain is None:
        return ("not measured", "")
    return (interval(gain.value, gain.low, gain.high), _p(gain.p if gain.adjusted is None else gain.adjusted))


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _as_markdown(grid: Grid) -> str:
    names = [column.removeprefix("<") for column in grid.columns]
    rule = [":--" if column.startswith("<") else "--:" for column in grid.columns]
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (names, rule, *grid.rows)]
    return f"## {grid.title}\n\n" + "\n".join(f"| {line} |" for line in lines)
