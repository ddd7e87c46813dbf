"""`openrft bench`: plan, run, report."""

from __future__ import annotations

import functools
import json
import shlex
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.completions import complete_arm, complete_words
from openrft.cli.dry_run import forecast_options
from openrft.cli.options import (
    PathType,
    baselines_option,
    build_request,
    default_workers,
    plugins_option,
    shared_options,
    track_option,
    wide_option,
)
from openrft.cli.paid_options import NAMES, paid_options, parse_account
from openrft.cli.printing import print_text

if TYPE_CHECKING:
    from openrft.bench.plan import BenchPlan
    from openrft.bench.seed_rule import SeedRule

EPILOG = """\b
Examples:
  openrft bench
  openrft bench --task 'pocket/L3/*' --plugins prm --seeds 0,1,2
  openrft bench --plugins prm --seeds auto --until 3 --stop-arms
  openrft bench --task questions --data mine.csv --policy ./my-model --plugins sft,icl
  openrft bench --task sciknoweval/L3 --plugins prm,icl --data DIR
  openrft bench --task sciknoweval/openrft/T7 --policy ./my-model --set prm.model=./my-prm --preset quick
  openrft bench --plugins prm --arm noise=rl,placebo --set explore.steps=60
  openrft bench --arms paper --arm sft-other=sft,teacher.model=pocket/teacher
  openrft bench --task questions --data mine.csv --plugins graders --prices prices.toml --budget 5.00
  openrft bench --plan runs/pocket-L3-1a2b3c/plan.json
  openrft bench --task questions --data mine.csv --policy ./my-model --dry-run --probe

An arm is the policy with one set of plugins. --plugins prm,icl runs the arms vanilla (the untrained policy), rl (the
base: the plugins that prm and icl need), rl+prm, rl+icl and rl+prm+icl. Without --plugins: sft,prm,da,icl, and also the
arm vote. `openrft plugins show NAME` lists a plugin's options.
"""


@click.command("bench", epilog=EPILOG)
@shared_options
@plugins_option("Plugins to measure.", "sft,prm,da,icl")
@click.option(
    "--arms",
    default="ablation",
    metavar="ablation|add-one|lattice|paper|none",
    shell_complete=complete_words("ablation", "add-one", "lattice", "paper", "none"),
    show_default=True,
    help="Which arms to run. add-one: the base with each plugin; ablation: also all plugins but one; lattice: every"
    " subset; paper: the rows of the paper's Table 1; none: only vanilla and those of --arm.",
)
@baselines_option
@click.option(
    "--arm",
    "extra",
    multiple=True,
    metavar="NAME=P,P,OWNER.OPTION=VALUE",
    shell_complete=complete_arm,
    help="Another arm, optionally with its own settings. Repeatable.",
)
@click.option(
    "--seeds",
    default=None,
    metavar="0,1,2|auto",
    shell_complete=complete_words("auto"),
    help="Training seeds. Several seeds show how much training runs vary. auto: add seeds until --until is met."
    "  [default: 0]",
)
@click.option(
    "--until",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="POINTS",
    help="With --seeds auto: stop when the interval of every gain is at most +-POINTS.  [default: 3]",
)
@click.option(
    "--most-seeds", type=click.IntRange(min=3), default=None, help="With --seeds auto: at most N seeds.  [default: 10]"
)
@click.option(
    "--stop-arms",
    is_flag=True,
    help="With --seeds auto: stop arms that are shown to be worse than the best. They get no score, and neither do"
    " plugins whose gain is computed from them.",
)
@click.option("--plan", "plan_file", type=PathType(dir_okay=False), help="Run this plan.json again, unchanged.")
@click.option(
    "--out",
    default="runs",
    type=PathType(file_okay=False),
    show_default=True,
    help="Folder of the runs and of the store of finished stages.",
)
@click.option("--name", default=None, help="Name of the run's folder.  [default: from the plan]")
@click.option(
    "--workers",
    default=None,
    type=click.IntRange(min=1),
    help="Jobs in parallel.  [default: 2 on two or more cores, 1 on a GPU]",
)
@click.option(
    "--executor",
    default="local",
    show_default=True,
    metavar="local|ray[:HOST:PORT]|slurm[:NAME=VALUE,...]",
    shell_complete=complete_words("local", "ray", "slurm"),
    help="Where jobs run. For Ray and Slurm, give what a job needs: ray,cpus=4,gpus=0.5,memory=16 (GB) or"
    " slurm:partition=gpu,time=120 (minutes).",
)
@click.option(
    "--store",
    "mirror",
    default=None,
    metavar="URL",
    help="Also read and write finished stages at this URL (s3://BUCKET/NAME or any of fsspec), for machines that share"
    " no folder.",
)
@track_option
@paid_options
@forecast_options
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    arms: str,
    extra: tuple[str, ...],
    seeds: str | None,
    until: float | None,
    most_seeds: int | None,
    stop_arms: bool,
    plan_file: str | None,
    out: str,
    name: str | None,
    workers: int | None,
    executor: str,
    mirror: str | None,
    tracker: str | None,
    dry_run: bool,
    probe: bool,
    wide: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Run arms on tasks and report how much each plugin helped.

    Writes to OUT/NAME/: report.html, report.md, report.json (with the outcome of every test question), rollouts/*.jsonl
    (the answers), metrics/*.jsonl (one row per RL step), steps/*.jsonl (completions of some RL steps), fitness/*.jsonl
    (completions on which process rewards were measured) and plan.json. Run the same command again to resume a stopped
    run.
    """
    from openrft.bench.executors.spec import parse_executor
    from openrft.bench.plan import make_plan
    from openrft.bench.plan_file import read_plan
    from openrft.bench.significance import describe_power
    from openrft.cli.dry_run import show_forecast
    from openrft.cli.ranks import check_options
    from openrft.plugins.task_registry import load_task
    from openrft.runtime.ranks import joined_ranks

    account = parse_account(given)
    runs_on = parse_executor(executor)
    rule = _read_seed_rule(seeds, until, most_seeds, stop_arms)
    if plan_file:
        refuse_ignored(ctx)
        plan = read_plan(Path(plan_file))
    else:
        asked = build_request(given, arms=arms, extra=extra, seeds=None if rule else seeds)
        plan = make_plan(asked)
    if rule:
        plan = replace(plan, seeds=tuple(range(rule.looks[-1])), seed_rule=rule)
    if seeds and seeds.isdecimal() and int(seeds) > 1:
        print_text(f"note: --seeds {seeds} is one seed, number {seeds}. Three are --seeds 0,1,2.", err=True)
    for line in plan.notices:
        print_text(f"note: {line}", err=True)
    items = [len(load_task(task, plan.data).test) for task in plan.tasks]  # there may be fewer than were asked for
    line = describe_power(round(fmean(items)), plan.settings.evaluate.completions, len(plan.seeds), len(plan.tasks))
    print_text(f"forecast: {line}", err=True)
    several = {"--executor": runs_on, "--workers": workers and workers > 1, "--seeds auto": rule}
    check_options({**several, "--dry-run": dry_run, "--probe": probe})
    ranks = joined_ranks()
    workers = 1 if ranks.size > 1 else workers or (default_workers() if plan.needs_models else 1)
    if dry_run or probe:
        show_forecast(plan, Path(out), workers, account, line, probe, as_json)
        return

    from openrft.bench.adaptive import run_until_known
    from openrft.bench.runner import help_run_bench, make_run_name, run_bench
    from openrft.cli.progress import open_display
    from openrft.cli.run_output import write_and_show

    named = name or make_run_name(plan)
    debug = bool(ctx.find_root().params.get("debug"))
    if not ranks.first:
        help_run_bench(plan, Path(out), named, account, debug)
        return
    _tell_replaced(Path(out) / named, plan)
    place = named if out == "runs" else str(Path(out) / named)
    print_text(f"live, from another terminal: openrft report {shlex.quote(place)} --watch", err=True)
    run = functools.partial(
        run_bench,
        out=Path(out),
        name=named,
        command=shlex.join(["openrft", *sys.argv[1:]]),
        workers=workers,
        open_display=open_display,
        debug=debug,
        tracker=tracker,
        account=account,
        executor=runs_on,
        mirror=mirror,
    )
    report = run_until_known(plan, rule, run, lambda line: print_text(line, err=True)) if rule else run(plan)
    write_and_show(report, Path(out) / report.name, as_json, wide=wide)
    if report.failures:
        raise click.exceptions.Exit(5)


def _tell_replaced(folder: Path, plan: BenchPlan) -> None:
    """Say that another bench had this name. What its stages made stays in the store."""
    from openrft.bench.plan_file import PLAN_FILE

    try:
        earlier = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
        tasks, policy, data = tuple(earlier["tasks"]), earlier["policy"], earlier.get("data", {}).get("data")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return
    if (tasks, policy, data) != (plan.tasks, plan.policy, plan.data.data):
        print_text(
            f"note: {folder} held a bench of {', '.join(map(str, tasks))} with {policy}. Its report is replaced; what"
            " was computed for it is kept. Another --name keeps both reports.",
            err=True,
        )


# Options that change how a plan is run and shown, not what it runs.
_BESIDE_PLAN = {
    *("plan_file", "out", "name", "workers", "executor", "mirror", "tracker", "dry_run", "probe", "wide", "as_json"),
    *NAMES,
}


def refuse_ignored(ctx: click.Context, beside: Collection[str] = ()) -> None:
    """Refuse --plan together with options that the plan decides. `beside`: further ones that it does not."""
    from openrft.errors import UsageError

    given = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if ctx.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        and parameter.name not in (*_BESIDE_PLAN, *beside)
    ]
    if given:
        raise UsageError(
            f"--plan decides what is run, so {', '.join(given)} would be ignored.",
            "Leave them out, or edit the plan.",
        )


def _read_seed_rule(seeds: str | None, until: float | None, most: int | None, stop_arms: bool) -> SeedRule | None:
    """The rule of --seeds auto; None without it. Raises UsageError for its options without it."""
    from openrft.bench.seed_rule import MOST_SEEDS, UNTIL, make_seed_rule
    from openrft.errors import UsageError

    if seeds == "auto":
        return make_seed_rule(UNTIL if until is None else until / 100, most or MOST_SEEDS, stop_arms)
    if until is not None or most is not None or stop_arms:
        raise UsageError("--until, --most-seeds and --stop-arms need --seeds auto.")
    return None
