"""A report as a Markdown page: report.md."""

from __future__ import annotations

from openrft.bench.render import build_legend, build_tables
from openrft.bench.report import Report
from openrft.bench.score_table import Summary
from openrft.bench.text_table import TextTable
from openrft.runtime.text import escape_markdown, format_code


def format_markdown(report: Report, summary: Summary) -> str:
    """report.md: every table, the caveats, and how to run it again."""
    parts = [f"# {escape_markdown(report.name)}", f"{format_code(report.command)}, {escape_markdown(report.created)}"]
    parts += ["\n".join(f"- {line}" for line in summary.conclusion.format_lines(escape_markdown, format_code))]
    parts += [format_table(grid) for grid in build_tables(report, summary, per_task=True)]
    parts += [build_legend(summary, per_task=True), "\n".join(f"- {escape_markdown(note)}" for note in summary.notes)]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    parts.append(f"Versions: {escape_markdown(versions)}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def format_table(grid: TextTable) -> str:
    """A table under a heading with its title."""
    names = [column.removeprefix("<") for column in grid.columns]
    rule = [":--" if column.startswith("<") else "--:" for column in grid.columns]
    lines = [" | ".join(map(escape_markdown, row)) for row in (names, rule, *grid.rows)]
    return f"## {escape_markdown(grid.title)}\n\n" + "\n".join(f"| {line} |" for line in lines)
