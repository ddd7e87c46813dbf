"""The files of a finished run: report.json with its summary, report.md and report.html."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from openrft.bench.live import LIVE_FILE
from openrft.bench.markdown import format_markdown
from openrft.bench.page.document import write_page
from openrft.bench.report import REPORT_FILE, Report, write_report
from openrft.bench.score_table import Summary
from openrft.bench.summary import summarise
from openrft.bench.summary_document import dump_numbers
from openrft.runtime.files import write_atomic


def write_run_files(report: Report, folder: Path) -> tuple[Report, Summary, str]:
    """Write the files to `folder`. Returns the report with its summary, the summary, and in a sentence which answers
    report.html has only in part (empty: none)."""
    summary = summarise(report)
    report = replace(report, summary=dump_numbers(summary))
    write_report(report, folder / REPORT_FILE)
    write_atomic(folder / "report.md", format_markdown(report, summary))
    shortened = write_page(report, summary, folder)
    (folder / LIVE_FILE).unlink(missing_ok=True)  # only now: who watches the bench then finds the report
    return report, summary, shortened
