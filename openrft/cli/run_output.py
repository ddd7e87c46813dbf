"""What a run leaves: report files, and tables and notes on a terminal or in a pipe, with nothing cut."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console, JustifyMethod
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from openrft.bench.gate import PASS, REGRESSION, GateResult
from openrft.bench.outcomes import Summary
from openrft.bench.render import build_legend, build_tables
from openrft.bench.report import Report
from openrft.bench.run_files import write_run_files
from openrft.bench.text_table import TextTable, format_gain, format_percent, format_points
from openrft.cli.printing import print_json, print_text
from openrft.config.documents import dump_document
from openrft.runtime.text import escape_terminal

_WIDEST = 10_000  # wider than any table, so that a table can be measured


def show_summary(
    report: Report, summary: Summary, console: Console, per_task: bool = False, said: Collection[str] = ()
) -> None:
    """Print a report's conclusion, tables and caveats, without those that were `said` before."""
    _lines(summary.conclusion.lines, console)
    for grid in build_tables(report, summary, per_task):
        print_grid(grid, console)
    _lines([build_legend(summary, per_task), *(note for note in summary.notes if note not in said)], console)


def show_gate_result(verdict: GateResult, console: Console) -> None:
    """Print what the gate compared, and its verdict."""
    if verdict.rows:
        columns = ("<compared", "baseline", "candidate", "difference", "<verdict")
        rows = tuple(
            (r.what, *_levels(r.what, r.baseline, r.candidate), format_gain(r.difference, r.low, r.high), r.verdict)
            for r in verdict.rows
        )
        faint = frozenset(i for i, r in enumerate(verdict.rows) if r.verdict == PASS)
        title = f"Candidate against baseline, margin {100 * verdict.margin:g} points"
        print_grid(TextTable(title, columns, rows, faint), console)
    _lines([f"{r.what}: {r.settle}." for r in verdict.rows if r.settle], console)
    _lines([*verdict.notes, *(f"Not comparable: {why}." for why in verdict.why)], console)
    style = {PASS: "bold green", REGRESSION: "bold red"}.get(verdict.verdict, "bold yellow")
    console.print(Text(f"gate: {verdict.verdict}", style=style), soft_wrap=True)


def _levels(what: str, before: float, after: float) -> tuple[str, str]:
    """An arm's accuracies, or a component's gains, which have a sign."""
    shape = format_points if " of " in what else format_percent
    return shape(before), shape(after)


def print_grid(grid: TextTable, console: Console) -> None:
    """Print one table."""
    title = Text(escape_terminal(grid.title))
    table = RichTable(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in grid.columns:
        side: JustifyMethod = "left" if column.startswith("<") else "right"
        table.add_column(Text(escape_terminal(column.removeprefix("<"))), justify=side, overflow="fold")
    for number, row in enumerate(grid.rows):
        table.add_row(*(Text(escape_terminal(cell)) for cell in row), style="dim" if number in grid.faint else None)
    if not console.is_terminal:  # a pipe has no edge to fold cells at
        needed = Measurement.get(console, console.options.update(width=_WIDEST), table).maximum
        console.width = max(100, console.width, needed)
    console.print(table)


def _lines(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(Text(escape_terminal(line)), soft_wrap=not console.is_terminal)


def write_and_show(report: Report, folder: Path, as_json: bool, more: Mapping[str, Any] | None = None) -> None:
    """Write report.json with its summary, report.md and report.html, and print the tables (or the summary as JSON, with
    `more`)."""
    report, summary = write_run_files(report, folder)
    if as_json:
        print_json({"name": report.name, "folder": str(folder), **dump_document(summary), **(more or {})})
        return
    show_summary(report, summary, Console(), said=report.notices)  # the notices were printed before the first job
    click.echo()
    print_text(f"Wrote {folder}/ (report.html, report.md, report.json, rollouts/, metrics/, plan.json).")
