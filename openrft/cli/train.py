"""`openrft train`: one arm on one task; the trained policy is written as a checkpoint of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from openrft.cli.shared import asked_for, shared_options

EPILOG = """\b
Examples:
  openrft train --out my-policy
  openrft train --task sciknoweval/openrft/T7 --data DIR --plugins sft,rl --policy ./my-model --out my-policy
"""


@click.command("train", epilog=EPILOG)
@shared_options
@click.option("--seed", type=int, default=0, show_default=True, help="Training seed.")
@click.option("--out", required=True, type=click.Path(file_okay=False), help="Folder for the trained checkpoint.")
@click.option(
    "--store",
    default="runs/.store",
    type=click.Path(file_okay=False),
    show_default=True,
    help="Finished stages; a stopped training goes on from here.",
)
def command(seed: int, out: str, store: str, **given: Any) -> None:
    """Train one arm (all of --plugins and what they need) on one task and write the policy.

    The checkpoint in --out loads with transformers and as --policy. Without --plugins: sft,prm,da,icl.
    """
    from rich.console import Console

    from openrft.bench.display import Bars, Lines
    from openrft.bench.plan import make_plan
    from openrft.errors import UsageError
    from openrft.pipeline import run
    from openrft.policies.export import export
    from openrft.store import Store

    plan = make_plan(
        asked_for(given, arms="none", extra=(f"trained={given['plugins'] or 'sft,prm,da,icl'}",), seeds=str(seed))
    )
    if len(plan.tasks) != 1:
        raise UsageError(f"train takes one task, and the selectors stand for {len(plan.tasks)}.", "Name one.")
    if (Path(out) / "config.json").exists():
        raise UsageError(f"--out {out}: there is a checkpoint already.", "Give a new folder.")
    job = next(j for j in plan.jobs() if j.arm.name == "trained")
    console = Console(stderr=True)
    with Bars([job], console) if console.is_terminal else Lines([job]) as watcher:
        watcher.started(0)
        outcome = run(job, Store(Path(store)), _Telling(watcher))
        watcher.finished(0, True)
    export(outcome.student.policy(), Path(out))
    correct = sum(bool(r.correct) for r in outcome.rollouts) / len(outcome.rollouts)
    click.echo(f"wrote {out}: test accuracy {correct:.3f} on {job.task} ({len(job.arm.plugins)} plugins, seed {seed}).")
    click.echo("What each plugin was worth is not known from one arm: run `openrft bench`.")


class _Telling:
    def __init__(self, watcher: Any) -> None:
        self._watcher = watcher

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self._watcher.update(0, stage, done, total, note)
