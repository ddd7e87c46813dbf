"""A summary as tables: for a terminal or a pipe (rich) and as Markdown. Draws what summary.py found and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.components import NAMES
from openrft.bench.grid import Grid, interval, percent, share
from openrft.bench.render_fitness import fitness_grids
from openrft.bench.render_groups import further, grouped
from openrft.bench.report import Report
from openrft.bench.scores import ArmScore, Component, Gain, Summary, Table

COST = ("tokens", "seconds", "reused")
FEW = 3  # rules without a model that are shown at the foot of a table on a terminal


def grids(report: Report, summary: Summary, per_task: bool = False) -> Iterator[Grid]:
    """The tables of a report, in order."""
    tasks = summary.overall.tasks
    scored = [task.name for task in report.tasks if task.items]
    some = f"{len(scored)} of " if len(scored) < len(tasks) else ""
    where = tasks[0] if len(tasks) == 1 else f"mean over {some}{len(tasks)} tasks"
    yield _arms(f"{report.name}: {where}, {_size(summary.overall)}", summary.overall, few=not per_task)
    if summary.metrics:
        yield further(summary)
    yield from grouped(summary, per_task)
    if summary.components:
        yield _components(summary.components)
    yield from fitness_grids(report, per_task)
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


def _size(table: Table) -> str:
    seeds = max((row.seeds for row in table.arms), default=0)
    more = f", {table.unscored} more not scored" if table.unscored else ""
    more += f", {table.flawed} with known defects" if table.flawed else ""
    return f"{table.items} test items{more}, {seeds} seed{'s' * (seeds != 1)}"


def _arms(title: str, table: Table, few: bool = False) -> Grid:
    """`few`: of the rules without a model only the best; the whole list is in report.md."""
    cleaned = bool(table.flawed)
    rows = [_arm(row, cleaned) for row in table.arms]
    best = sorted(table.baselines, key=lambda rule: -rule.accuracy)[: FEW if few else None]
    rest = [""] * (6 + cleaned)
    rules = [(f"no model: {rule.name}", percent(rule.accuracy), *rest) for rule in best]
    columns = ("<arm", "accuracy", *["cleaned"] * cleaned, "over vanilla", "p", "unparsed", *COST)
    return Grid(title, columns, (*rows, *rules), frozenset(range(len(rows), len(rows) + len(rules))))


def _arm(row: ArmScore, cleaned: bool) -> tuple[str, ...]:
    cost = (f"{row.tokens:,}", f"{row.seconds:,.0f}", f"{row.reused_seconds:,.0f}" if row.reused_seconds else "")
    if row.accuracy is None or row.unparsed is None:
        return (row.arm, _lack(row), *[""] * (3 + cleaned), *cost)
    shares = [share(row.accuracy), *[share(row.cleaned) if row.cleaned else ""] * cleaned]
    if row.delta is None:
        return (row.arm, *shares, "", "", f"{percent(row.unparsed)}%", *cost)
    d = row.delta
    return (row.arm, *shares, interval(d.value, d.low, d.high), _p(d.p), f"{percent(row.unparsed)}%", *cost)


def _lack(row: ArmScore) -> str:
    """Why there is no accuracy."""
    if not row.trouble:
        return "not scored"
    return "failed" if any("failed" in line for line in row.trouble) else "incomplete"


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
