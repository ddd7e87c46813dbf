"""`openrft study`: what a setting of the method is worth."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from openrft.cli.options import PathType, build_request, default_workers, shared_options
from openrft.cli.paid_options import paid_options, parse_account
from openrft.cli.printing import print_json, print_text

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
@click.argument("name", required=False)
@shared_options
@click.option("--seeds", default="0,1,2", metavar="0,1,2", show_default=True, help="Training seeds.")
@click.option(
    "--values",
    multiple=True,
    metavar="AXIS=V,V",
    help="Other values for what the study varies: alpha=0.5,0.9. Repeatable.",
)
@click.option(
    "--out",
    default="runs",
    type=PathType(file_okay=False),
    show_default=True,
    help="Where runs and the store of finished stages are kept.",
)
@click.option("--name", "run", default=None, help="Name of the study's folder.  [default: from the plan]")
@click.option(
    "--workers",
    default=None,
    type=click.IntRange(min=1),
    help="Jobs in parallel.  [default: 2 on two or more cores, 1 on a GPU]",
)
@paid_options
@click.option("--dry-run", is_flag=True, help="Show the arms and how much they ask for, then stop.")
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
    as_json: bool,
    **given: Any,
) -> None:
    """Vary one or two settings and report what each combination is worth. Without NAME: list the studies.

    Writes OUT/NAME/study.html (plot and table), study.md and study.json, and a full report for each bench. To resume a
    stopped study, give the same command again.
    """
    from openrft.studies.catalog import STUDIES
    from openrft.studies.plan import count_jobs, find_study, make_study_plan, replace_values

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
    if dry_run:
        counts = count_jobs(plan)
        if as_json:
            arms = [[arm.name for arm in bench.arms] for bench in plan.benches]
            print_json({"study": study.name, "arms": arms, **{k.replace(" ", "_"): v for k, v in counts.items()}})
            return
        print_text(study.question)
        for bench, suffix in zip(plan.benches, plan.suffixes, strict=True):
            print_text(f"{suffix or 'one bench'}: {', '.join(arm.name for arm in bench.arms)}")
        print_text(f"Compared with: {plan.reference}")
        print_text(
            "At most, before anything is shared or reused: " + ", ".join(f"{n:,} {k}" for k, n in counts.items())
        )
        return
    for line in dict.fromkeys(line for bench in plan.benches for line in bench.notices):
        print_text(f"note: {line}", err=True)
    _run(ctx, plan, out, run, workers, as_json, account)


def _run(
    ctx: click.Context, plan: Any, out: str, run: str | None, workers: int | None, as_json: bool, account: Any
) -> None:
    from rich.console import Console

    from openrft.cli.progress import open_display
    from openrft.cli.run_output import print_grid
    from openrft.config.documents import dump_document
    from openrft.studies.result import LEGEND, build_table
    from openrft.studies.run import make_study_name, run_study

    folder = run or make_study_name(plan)
    result, finished = run_study(
        plan,
        Path(out),
        folder,
        shlex.join(["openrft", *sys.argv[1:]]),
        workers or default_workers(),
        open_display,
        debug=bool(ctx.find_root().params.get("debug")),
        account=account,
    )
    if as_json:
        print_json({"folder": f"{out}/{folder}", **dump_document(result)})
    else:
        for line in result.answer:
            print_text(line)
        print_grid(build_table(result), Console())
        print_text(LEGEND)
        print_text(f"Wrote {out}/{folder}/ (study.html, study.md, study.json).")
    if not finished:
        raise click.exceptions.Exit(5)
