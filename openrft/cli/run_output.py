"""Write a bench's report into its run's folder and show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from openrft.bench.render import format_markdown
from openrft.bench.report import Report
from openrft.bench.report_file import REPORT_FILE, write_report
from openrft.bench.summary import summarise
from openrft.cli.printing import print_json, print_text
from openrft.cli.tables import show_summary
from openrft.config.documents import dump_document
from openrft.runtime.files import write_atomic


def publish(report: Report, folder: Path, as_json: bool) -> None:
    """Write report.json with its summary and report.md, and print the tables (or the summary as JSON)."""
    summary = summarise(report)
    report = replace(report, summary=dump_document(summary))
    write_report(report, folder / REPORT_FILE)
    write_atomic(folder / "report.md", format_markdown(report, summary))
    if as_json:
        print_json({"name": report.name, "folder": str(folder), **dump_document(summary)})
        return
    show_summary(report, summary, Console(), said=report.notices)  # the notices were printed before the first job
    click.echo()
    print_text(f"Wrote {folder}/ (report.json, report.md, rollouts/, metrics/, plan.json).")
