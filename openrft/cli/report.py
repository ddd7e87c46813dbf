"""`openrft report`: show a finished bench again."""

from __future__ import annotations

import click

from openrft.cli.printing import print_json

EPILOG = """\b
Examples:
  openrft report pocket-L3-1a2b3c              a run by its name under runs/
  openrft report results/report.json --per-task
  openrft report pocket-L3-1a2b3c --json       the numbers, for another program
"""


@click.command("report", epilog=EPILOG)
@click.argument("run")
@click.option("--per-task", is_flag=True, help="A table for each task, and for each leaf of a pooled task.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def command(run: str, per_task: bool, as_json: bool) -> None:
    """Show a finished bench again. RUN is a run's name, its folder, or a report.json.

    All numbers are computed again from the report's per-item outcomes.
    """

    from rich.console import Console

    from openrft.bench.report import locate_report, read_report
    from openrft.bench.summary import summarise
    from openrft.cli.run_output import show_summary
    from openrft.config.documents import dump_document

    report = read_report(locate_report(run))
    summary = summarise(report)
    if as_json:
        print_json({"name": report.name, **dump_document(summary)})
    else:
        show_summary(report, summary, Console(), per_task)
