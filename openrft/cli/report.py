"""`openrft report`: show a finished bench again."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from openrft.cli.options import PathType, wide_option
from openrft.cli.printing import print_command, print_json, print_text
from openrft.cli.run_completions import complete_runs
from openrft.errors import UsageError

EPILOG = """\b
Examples:
  openrft report pocket-L3-1a2b3c              a run by its name under runs/
  openrft report results/report.json --per-task
  openrft report pocket-L3-1a2b3c --open       the page, in the browser
  openrft report pocket-L3-1a2b3c --watch      live, while the bench runs; then the report
  openrft report pocket-L3-1a2b3c --md         report.md, for a pull request
  openrft report pocket-L3-1a2b3c --csv        one row for each arm, for a spreadsheet
  openrft report pocket-L3-1a2b3c --json       the numbers, for another program
  openrft report pocket-L3-1a2b3c --inspect    logs for `inspect view --log-dir runs/pocket-L3-1a2b3c/inspect`
  openrft report pocket-L3-1a2b3c --runframe frames/    the outcomes for evalsig, one file a job
  openrft report pocket-L3-1a2b3c --junit      JUnit XML, with a case for each job, for a CI service
"""


@click.command("report", epilog=EPILOG)
@click.argument("run", shell_complete=complete_runs)
@click.option("--per-task", is_flag=True, help="Show everything in report.md, with one table per task.")
@wide_option
@click.option("--watch", "watched", is_flag=True, help="Show a running bench live, until its report is written.")
@click.option("--open", "show_page", is_flag=True, help="Write report.html again and open it in the browser.")
@click.option("--html", "as_page", is_flag=True, help="Write report.html again beside the report.")
@click.option(
    "--whole", is_flag=True, help="With --html or --open: every answer in full, even if the page exceeds 2 MB."
)
@click.option("--md", "as_markdown", is_flag=True, help="Print the report as Markdown.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the table of arms as CSV.")
@click.option("--junit", "as_junit", is_flag=True, help="Print the jobs as JUnit XML. A failed job is an error.")
@click.option("--inspect", "as_logs", is_flag=True, help="Write the answers as logs that `inspect view` opens.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@click.option(
    "--runframe",
    "frames",
    default=None,
    metavar="FOLDER",
    type=PathType(file_okay=False, path_type=Path),
    help="Write every job's scores as RunFrame JSON, which the package evalsig reads.",
)
def command(
    run: str,
    per_task: bool,
    wide: bool,
    watched: bool,
    show_page: bool,
    as_page: bool,
    whole: bool,
    as_markdown: bool,
    as_csv: bool,
    as_junit: bool,
    as_logs: bool,
    as_json: bool,
    frames: Path | None,
) -> None:
    """Show the report of a finished bench again. RUN is a run's name, its folder, or a report.json.

    All numbers are recomputed from the outcomes of the test questions.
    """

    from openrft.bench.locate import locate_report
    from openrft.bench.report import read_report
    from openrft.bench.summary import summarise
    from openrft.bench.summary_document import dump_summary

    forms = {
        "--html or --open": show_page or as_page,
        "--md": as_markdown,
        "--csv": as_csv,
        "--junit": as_junit,
        "--inspect": as_logs,
        "--json": as_json,
        "--runframe": frames is not None,
    }
    chosen = [form for form, given in forms.items() if given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} ask for different forms.", "Give one of them.")
    if whole and not (show_page or as_page):
        raise UsageError("--whole is about the page.", "Give it with --html or --open.")
    if watched:
        from openrft.cli.watch import watch

        watch(run)
    path = locate_report(run)
    report = read_report(path)
    if as_logs:
        from openrft.bench.inspect_log import write_inspect_logs

        print_text(f"Wrote {(logs := write_inspect_logs(report, path.parent))}.")
        print_command(f"inspect view --log-dir {shlex.quote(str(logs))}   # after pip install inspect-ai")
        return
    if frames is not None:
        from openrft.bench.runframe import write_runframes

        print_text(f"Wrote {len(write_runframes(report, frames))} files to {frames}/.")
        return
    summary = summarise(report)
    if as_json:
        print_json(dump_summary(report, summary))
    elif as_csv:
        from openrft.bench.csv_table import format_csv

        click.echo(format_csv(summary), nl=False)
    elif as_markdown:
        from openrft.bench.markdown import format_markdown

        click.echo(format_markdown(report, summary), nl=False)
    elif as_junit:
        from openrft.bench.junit import format_report_junit

        click.echo(format_report_junit(report, summary), nl=False)
    elif show_page or as_page:
        from openrft.bench.page.document import PAGE_FILE, write_page

        shortened = write_page(report, summary, path.parent, whole)
        page = path.parent / PAGE_FILE
        print_text(f"Wrote {page}.")
        if shortened:
            print_text(shortened)
        if show_page and click.launch(str(page)):
            print_text("No browser could be opened: open the file by hand.", err=True)
    else:
        from rich.console import Console

        from openrft.cli.run_output import show_summary

        show_summary(report, summary, Console(), per_task, wide=wide)
