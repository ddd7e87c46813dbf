"""`openrft train`: train one arm on one task, compare it with the policy it started from, and write it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from openrft.cli.dry_run import forecast_options
from openrft.cli.options import INTEGER, PathType, build_request, plugins_option, shared_options, track_option
from openrft.cli.paid_options import paid_options, parse_account
from openrft.cli.printing import print_command, print_text, suggest_evaluation

EPILOG = """\b
Examples:
  openrft train --out my-policy
  openrft train --task sciknoweval/openrft/T7 --data DIR --plugins sft,rl --policy ./my-model --out my-policy
  openrft train --task questions --data mine.csv --policy ./my-model --out my-policy --dry-run --probe
"""


@click.command("train", epilog=EPILOG)
@shared_options
@plugins_option("Plugins to train with; plugins that they need are added.", "sft,prm,da,icl")
@click.option("--seed", type=INTEGER, default=0, show_default=True, help="Training seed.")
@click.option("--out", required=True, type=PathType(file_okay=False), help="A new folder for the trained policy.")
@click.option(
    "--runs",
    default="runs",
    type=PathType(file_okay=False),
    show_default=True,
    help="Folder of the run's report and of the store of finished stages.",
)
@track_option
@paid_options
@forecast_options
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    seed: int,
    out: str,
    runs: str,
    tracker: str | None,
    dry_run: bool,
    probe: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Train one arm (all of --plugins and what they need) on one task and write the policy.

    The policy in --out can be loaded with transformers and vLLM, and as --policy. It is compared with the policy that
    it started from, as `openrft bench` does, and RUNS/NAME/ holds the same files. Without --plugins: sft,prm,da,icl. To
    resume a stopped run, give the same command again.
    """
    from openrft.bench.outcomes import find_flips
    from openrft.bench.plan import make_plan
    from openrft.bench.runner import help_run_bench, make_run_name, run_bench
    from openrft.bench.significance import describe_power
    from openrft.bench.trained_policy import export_job
    from openrft.cli.dry_run import show_forecast
    from openrft.cli.progress import open_display, show_progress
    from openrft.cli.ranks import check_options
    from openrft.cli.run_output import write_and_show
    from openrft.config.documents import dump_document
    from openrft.errors import UsageError
    from openrft.pipeline import check_jobs
    from openrft.plugins.task_registry import load_task
    from openrft.policies.export import reserve_folder
    from openrft.runtime.ranks import joined_ranks

    account = parse_account(given)
    plan = make_plan(
        build_request(given, arms="none", extra=(f"trained={given['plugins'] or 'sft,prm,da,icl'}",), seeds=str(seed))
    )
    if len(plan.tasks) != 1:
        raise UsageError(f"train takes one task, and the selectors match {len(plan.tasks)}.", "Name one.")
    tasks = {task: load_task(task, plan.data) for task in plan.tasks}
    check_jobs(plan.jobs(), tasks)  # before a folder is made
    check_options({"--dry-run": dry_run, "--probe": probe})
    if dry_run or probe:
        (task,) = tasks.values()
        power = describe_power(len(task.test), plan.settings.evaluate.completions, 1)
        show_forecast(plan, Path(runs), 1, account, power, probe, as_json)
        return
    name, debug = make_run_name(plan), bool(ctx.find_root().params.get("debug"))
    if not joined_ranks().first:
        help_run_bench(plan, Path(runs), name, account, debug)
        return
    reserve_folder(Path(out))
    for line in plan.notices:
        print_text(f"note: {line}", err=True)
    report = run_bench(
        plan,
        Path(runs),
        name,
        shlex.join(["openrft", *sys.argv[1:]]),
        1,
        open_display,
        debug=debug,
        tracker=tracker,
        account=account,
    )
    results = {result.arm: result for result in report.results}
    start = plan.ablation.vanilla
    more: dict[str, Any] = {}
    if "trained" in results:
        job = next(job for job in plan.jobs() if job.arm.name == "trained")
        with show_progress(job) as progress:
            export_job(report, job, Path(runs) / ".store", Path(out), False, progress)
        more = {"out": out}
    flips = find_flips(results[start], results["trained"]) if {start, "trained"} <= results.keys() else None
    write_and_show(report, Path(runs) / name, as_json, {**more, "flips": dump_document(flips)} if flips else more)
    if report.failures:
        raise click.exceptions.Exit(5)
    if as_json:
        return
    if flips:
        print_text(
            f"{len(flips.gained)} questions went from wrong to right, {len(flips.lost)} from right to wrong, by"
            " most of their completions."
        )
    print_text(f"Wrote {out}/ (the trained policy, openrft.json, README.md).")
    print_command(suggest_evaluation(plan.tasks[0], plan.data, out))
    print_text("What each plugin was worth is not known from one arm: run `openrft bench`.")
