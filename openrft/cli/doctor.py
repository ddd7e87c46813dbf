"""`openrft doctor`: every check that can save a run, before money is spent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.options import INTEGER, PathType, build_request, plugins_option, shared_options
from openrft.cli.paid_options import NAMES, command_account, paid_options
from openrft.cli.printing import print_json

if TYPE_CHECKING:
    from openrft.bench.plan import BenchPlan
    from openrft.plugins.hookspecs import Diagnosis

EPILOG = """\b
Examples:
  openrft doctor
  openrft doctor --task questions --data mine.csv --policy ./my-model --plugins sft,rl
  openrft doctor --plugins sft --set teacher.model=pocket/teacher-prose --set teacher.max_tokens=200
  openrft doctor --plan runs/pocket-L3-1a2b3c/plan.json --json
  openrft doctor --task questions --data mine.csv --plugins rl,graders --prices prices.toml --budget 1.00
"""

STYLES = {"ok": "green", "warn": "yellow", "stop": "bold red", "skipped": "dim", "failed": "bold red"}


@click.command("doctor", epilog=EPILOG)
@shared_options
@plugins_option("Plugins of the run; plugins that they need are added.", "sft,prm,da,icl")
@click.option("--plan", "plan_file", type=PathType(dir_okay=False), help="Examine the runs of this plan.json.")
@click.option(
    "--seed", type=INTEGER, default=0, show_default=True, help="Seed of the choice of questions and of the sampling."
)
@click.option(
    "--questions",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Training questions that the policy answers, 4 to 8 times each.",
)
@click.option(
    "--out",
    default="runs",
    type=PathType(file_okay=False),
    show_default=True,
    help="Folder that the run would write to; replies of servers are stored there.",
)
@paid_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    plan_file: str | None,
    seed: int,
    questions: int,
    out: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Check before a run whether it can work: the data, the policy, the rewards, the teacher, the machine.

    The policy answers a few training questions. No test question is answered, and nothing is trained. Each finding has
    a verdict and what to do. The exit code is 1 if the run should not be started. docs/doctor.md explains the checks.
    """
    from dataclasses import asdict

    from openrft.cli.progress import show_progress
    from openrft.doctor.examine import examine, should_stop
    from openrft.doctor.subject import Subject
    from openrft.pipeline import build_context
    from openrft.runtime.store import Store

    paid = {name: given.pop(name) for name in NAMES}
    plan = _make_plan(ctx, plan_file, seed, given)
    reports: list[dict[str, Any]] = []
    stop = False
    for number in choose_jobs(plan):
        job = plan.jobs()[number]
        with command_account(dict(paid), Path(out) / ".store", f"doctor-{job.task}"), show_progress(job) as progress:
            context = build_context(job, Store(Path(out) / ".store"), progress)
            found = list(examine(Subject(context, plan, Path(out), questions)))
        stop = stop or should_stop(found)
        if as_json:
            rows = [asdict(one) for one in found]
            about = {"task": job.task, "plugins": job.arm.plugins, "policy": job.policy}
            reports.append({**about, "stop": should_stop(found), "checks": rows})
        else:
            _show(f"{', '.join(job.arm.plugins) or 'the policy as it is'} on {job.task}, {job.policy}", found)
    if as_json:
        print_json({"stop": stop, "runs": reports})
    if stop:
        raise click.exceptions.Exit(1)


def _make_plan(ctx: click.Context, plan_file: str | None, seed: int, given: dict[str, Any]) -> BenchPlan:
    from openrft.bench.plan import make_plan
    from openrft.bench.plan_file import read_plan
    from openrft.cli.bench import refuse_ignored
    from openrft.cli.printing import print_text

    if plan_file:
        refuse_ignored(ctx, ("questions",))
        return read_plan(Path(plan_file))
    plugins = "sft,prm,da,icl" if given["plugins"] is None else given["plugins"]
    plan = make_plan(build_request(given, arms="none", extra=(f"examined={plugins}",) * bool(plugins), seeds=str(seed)))
    for line in plan.notices:
        print_text(f"note: {line}", err=True)
    return plan


def choose_jobs(plan: BenchPlan) -> Iterator[int]:
    """For each task the job of the first seed whose arm has most plugins: its checks are those of all the others."""
    most = max(plan.arms, key=lambda arm: len(arm.plugins))
    seen = set()
    for number, job in enumerate(plan.jobs()):
        if job.arm.name == most.name and job.task not in seen:
            seen.add(job.task)
            yield number


def _show(title: str, found: Iterable[Diagnosis]) -> None:
    """One line for each finding, and what to do below those that are not ok."""
    from rich.console import Console
    from rich.text import Text

    from openrft.runtime.text import escape_terminal

    console, rows = Console(), list(found)
    console.print(Text(escape_terminal(title), style="bold"), soft_wrap=True)
    width = max(len(row.check) for row in rows)
    for row in rows:
        line = Text(f"  {row.verdict:<8}", style=STYLES[row.verdict])
        limit = "" if row.value is None or row.threshold is None else f" [{row.value:g}, limit {row.threshold:g}]"
        line.append(f"{escape_terminal(row.check):<{width}}  {escape_terminal(row.finding)}{limit}", style="default")
        console.print(line, soft_wrap=True)
        if row.advice:
            console.print(Text(f"  {'':<8}{'':<{width}}  -> {escape_terminal(row.advice)}"), soft_wrap=True)
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("stop", "failed", "warn")}
    words = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n) or "no problems found"
    console.print(Text(f"doctor: {words}", style="bold"), soft_wrap=True)
