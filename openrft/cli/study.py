"""`openrft study`: what a setting of the method is worth."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.completions import complete_axes, complete_studies
from openrft.cli.options import PathType, build_request, default_workers, shared_options, wide_option
from openrft.cli.paid_options import paid_options, parse_account
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.runtime.paid.account import AccountSettings
    from openrft.studies.plan import StudyPlan

EPILOG = """\b
Examples:
  openrft study                                        the studies, one line each
  openrft study alpha-f --dry-run                      what it would run
  openrft study alpha-f --seeds 0,1,2
  openrft study alpha-f --values alpha=0.5,0.9 --set explore.steps=60
  openrft study data-size --task questions --data mine.csv --policy ./my-model --values questions=25,50
  openrft study teachers --policy ./my-model --values teacher=self,./my-teacher

A study varies one or two settings. Every combination is an arm, on the same test questions and with the same seeds, and
is compared with a reference. docs/studies.md says what each study found on the included models.
"""


@click.command("study", epilog=EPILOG)
@click.argument("name", required=False, shell_complete=complete_studies)
@shared_options
@click.option("--seeds", default="0,1,2", metavar="0,1,2", show_default=True, help="Training seeds.")
@click.option(
    "--values",
    multiple=True,
    metavar="AXIS=V,V",
    shell_complete=complete_axes,
    help="Other values of a setting that the study varies: alpha=0.5,0.9. Repeatable.",
)
@click.option(
    "--out",
    default="runs",
    type=PathType(file_okay=False),
    show_default=True,
    help="Folder of the runs and of the store of finished stages.",
)
@click.option("--name", "run", default=None, help="Name of the study's folder.  [default: from the plan]")
@click.option(
    "--workers",
    default=None,
    type=click.IntRange(min=1),
    help="Jobs in parallel.  [default: 2 on two or more cores, 1 on a GPU]",
)
@paid_options
@click.option("--dry-run", is_flag=True, help="Show the arms and their cost, then stop.")
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    name: str | None,
    seeds: str,
    values: tuple[str, ...],
    out: str,
    run: str | None,
    workers: int | None,
    dry_run: bool,
    wide: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Vary one or two settings and report the effect of each combination. Without NAME: list the studies.

    Writes OUT/NAME/study.html (plot and table), study.md and study.json, and a full report for each bench. Run the same
    command again to resume a stopped study.
    """
    from openrft.studies.catalog import STUDIES
    from openrft.studies.plan import find_study, make_study_plan, replace_values

    if name is None:
        if as_json:
            print_json([{"name": s.name, "question": s.question} for s in STUDIES.values()])
            return
        width = max(map(len, STUDIES))
        for study in STUDIES.values():
            print_text(f"{study.name:<{width}}  {study.question}")
        return
    account = parse_account(given)
    study = replace_values(find_study(name), values)
    plan = make_study_plan(study, build_request({**given, "plugins": None}, seeds=seeds))
    workers = workers or default_workers()
    if dry_run:
        _show_costs(plan, Path(out), workers, account, as_json)
        return
    for line in dict.fromkeys(line for bench in plan.benches for line in bench.notices):
        print_text(f"note: {line}", err=True)
    _run(ctx, plan, Path(out), run, workers, as_json, account, wide)


def _show_costs(plan: StudyPlan, out: Path, workers: int, account: AccountSettings, as_json: bool) -> None:
    """What the benches will do and cost, each as `openrft bench --dry-run` shows it."""
    from openrft.bench.forecast.tables import describe_forecast
    from openrft.cli.dry_run import compute_forecast, describe_plan_cost

    found = []
    for bench, suffix in zip(plan.benches, plan.suffixes, strict=True):
        forecast = compute_forecast(bench, out, workers, account, "", probe=False)
        found.append({"bench": suffix, "arms": [a.name for a in bench.arms], **describe_plan_cost(bench, forecast)})
        if not as_json:
            print_text(f"{suffix or 'one bench'}: {', '.join(arm.name for arm in bench.arms)}")
            for line in filter(None, describe_forecast(forecast, account.prices)):
                print_text(line)
    if as_json:
        print_json({"study": plan.study.name, "reference": plan.reference, "benches": found})
    else:
        print_text(f"Compared with: {plan.reference}")


def _run(
    ctx: click.Context,
    plan: StudyPlan,
    out: Path,
    run: str | None,
    workers: int,
    as_json: bool,
    account: AccountSettings,
    wide: bool,
) -> None:
    from rich.console import Console

    from openrft.cli.progress import open_display
    from openrft.cli.tables import print_grid, print_left_out
    from openrft.config.documents import dump_document
    from openrft.studies.result import LEGEND, build_table
    from openrft.studies.run import make_study_name, run_study

    folder = run or make_study_name(plan)
    result, finished = run_study(
        plan,
        out,
        folder,
        shlex.join(["openrft", *sys.argv[1:]]),
        workers,
        open_display,
        debug=bool(ctx.find_root().params.get("debug")),
        account=account,
    )
    if as_json:
        print_json({"folder": f"{out}/{folder}", **dump_document(result)})
    else:
        for line in result.answer:
            print_text(line)
        print_left_out(print_grid(build_table(result), Console(), wide), Console())
        print_text(LEGEND)
        print_text(f"Wrote {out}/{folder}/ (study.html, study.md, study.json).")
    if not finished:
        raise click.exceptions.Exit(5)
