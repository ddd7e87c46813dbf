"""`openrft gate`: compare two reports. The exit code is the verdict."""

from __future__ import annotations

import math
import sys

import click

from openrft.cli.options import PathType, wide_option
from openrft.cli.printing import print_json, print_text
from openrft.cli.run_completions import complete_arms, complete_runs

EPILOG = """Exit codes: 0 pass, 1 regression, 2 wrong usage or a malformed report, 3 not comparable, 4 inconclusive,
5 a failure of the machine.

\b
Examples:
  openrft gate baseline/report.json runs/new
  openrft gate baseline/report.json runs/new --margin 0.05 --arm rl+prm
  openrft gate baseline/report.json runs/new --md gate.md --junit gate.xml     for a pull request
  openrft gate baseline/report.json runs/new --update-baseline     the candidate becomes the baseline
"""


def _fraction(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not (math.isfinite(value) and 0 <= value < 1):
        raise click.BadParameter(f"{value} is not a fraction from 0 up to 1; 0.02 is two percentage points.")
    return value


def _points(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= 100):
        raise click.BadParameter(f"{value} is not a number of percentage points from 0 to 100.")
    return value / 100


def _refuse_old_name(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    if given:
        raise click.UsageError("--bless is now called --update-baseline.")


@click.command("gate", epilog=EPILOG)
@click.argument("baseline", shell_complete=complete_runs)
@click.argument("candidate", shell_complete=complete_runs)
@click.option(
    "--margin",
    type=float,
    default=0.02,
    show_default=True,
    callback=_fraction,
    help="The tolerated loss of accuracy, as a fraction: 0.02 is two percentage points.",
)
@click.option(
    "--training-noise",
    "noise",
    type=float,
    default=2,
    show_default=True,
    callback=_points,
    metavar="POINTS",
    help="Assumed standard deviation of an arm's accuracy over training seeds, used if a run has one seed.",
)
@click.option(
    "--arm",
    "arms",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_arms,
    help="Compare only this arm, and no gains of plugins. Repeatable.  [default: all]",
)
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.option(
    "--md", "markdown", type=PathType(dir_okay=False), help="Also write the verdict as Markdown, for a pull request."
)
@click.option(
    "--junit",
    type=PathType(dir_okay=False),
    help="Also write it as JUnit XML, with one case for each comparison. Only a pass succeeds.",
)
@click.option(
    "--update-baseline",
    "replaces",
    is_flag=True,
    help="After the comparison, make CANDIDATE the new BASELINE, whatever the verdict.",
)
@click.option(
    "--bless",
    is_flag=True,
    hidden=True,
    expose_value=False,
    callback=_refuse_old_name,
    help="Now called --update-baseline.",
)
def command(
    baseline: str,
    candidate: str,
    margin: float,
    noise: float,
    arms: tuple[str, ...],
    wide: bool,
    as_json: bool,
    markdown: str | None,
    junit: str | None,
    replaces: bool,
) -> None:
    """Compare CANDIDATE with BASELINE, question by question. Each is a run's name, its folder, or a report.json.

    Passes if every arm and every plugin's gain is, with 95% confidence, worse by no more than the margin. Only
    --update-baseline changes BASELINE, a file that need not exist yet.
    """

    from rich.console import Console

    from openrft.bench.gate import baseline_exists, compare_reports, update_baseline
    from openrft.bench.gate_result import format_gate_markdown
    from openrft.bench.junit import format_gate_junit
    from openrft.bench.locate import locate_report
    from openrft.bench.report import read_report
    from openrft.cli.run_output import show_gate_result, write_output
    from openrft.config.documents import dump_document

    new = read_report(locate_report(candidate))
    if replaces and not baseline_exists(baseline):
        print_text(f"baseline updated: {update_baseline(new, baseline)}", err=as_json)
        return
    verdict = compare_reports(read_report(locate_report(baseline)), new, margin, arms, noise)
    if markdown:
        write_output(markdown, format_gate_markdown(verdict))
    if junit:
        write_output(junit, format_gate_junit(verdict))
    if as_json:
        print_json({**dump_document(verdict), "exit_code": verdict.exit_code})
    else:
        show_gate_result(verdict, Console(), wide)
    if replaces:
        print_text(f"baseline updated: {update_baseline(new, baseline)}", err=as_json)
        return
    # Not ctx.exit(): outside click's standalone mode that would return the code instead of leaving with it.
    sys.exit(verdict.exit_code)
