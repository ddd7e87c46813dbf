"""What a run leaves: report files, and tables and notes on a terminal or in a pipe, with nothing cut."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from openrft.bench.gate_result import PASS, REGRESSION, GateResult, build_gate_table, list_gate_notes
from openrft.bench.render import build_legend, build_tables
from openrft.bench.report import Report
from openrft.bench.run_files import write_run_files
from openrft.bench.score_table import Summary
from openrft.bench.summary_document import dump_summary
from openrft.cli.printing import print_json, print_text
from openrft.cli.tables import print_grid, print_left_out, print_line
from openrft.runtime.files import report_disk_errors, write_atomic


def show_summary(
    report: Report,
    summary: Summary,
    console: Console,
    per_task: bool = False,
    said: Collection[str] = (),
    wide: bool = False,
) -> None:
    """Print a report's conclusion, tables and caveats, without those that were `said` before. `wide`: with all columns,
    however narrow the terminal is."""
    conclusion = summary.conclusion
    _lines(filter(None, (*conclusion.findings, conclusion.open)), console)
    if conclusion.command:
        print_line(f"Next: {conclusion.command}", console, wide=True)  # whole, so that it can be copied
    left_out: list[str] = []
    for grid in build_tables(report, summary, per_task):
        left_out += print_grid(grid, console, wide)
    print_left_out(left_out, console)
    _lines([build_legend(summary, per_task), *(note for note in summary.notes if note not in said)], console)


def show_gate_result(verdict: GateResult, console: Console, wide: bool = False) -> None:
    """Print what the gate compared, and its verdict."""
    if verdict.rows:
        print_left_out(print_grid(build_gate_table(verdict), console, wide), console)
    _lines(list_gate_notes(verdict), console)
    style = {PASS: "bold green", REGRESSION: "bold red"}.get(verdict.verdict, "bold yellow")
    console.print(Text(f"gate: {verdict.verdict}", style=style), soft_wrap=True)


def _lines(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        print_line(line, console)


def write_output(path: str, text: str) -> None:
    """Write a file that the user named. Its folder is made."""
    target = Path(path)
    with report_disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, text)


def write_and_show(
    report: Report, folder: Path, as_json: bool, more: Mapping[str, Any] | None = None, wide: bool = False
) -> None:
    """Write report.json with its summary, report.md and report.html, and print the tables (or the summary as JSON, with
    `more`)."""
    report, summary, shortened = write_run_files(report, folder)
    if as_json:
        print_json({**dump_summary(report, summary), "folder": str(folder), **(more or {})})
        return
    # The notices were printed before the first job.
    show_summary(report, summary, Console(), said=report.notices, wide=wide)
    click.echo()
    parts = [f"{name}/" for name in ("rollouts", "metrics", "steps") if (folder / name).is_dir()]  # of RL: the last two
    print_text(f"Wrote {folder}/ ({', '.join(['report.html', 'report.md', 'report.json', *parts, 'plan.json'])}).")
    if shortened:
        print_text(f"report.html: {shortened}")
