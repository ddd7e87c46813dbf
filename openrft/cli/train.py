"""`openrft train`: train one arm on one task and write the policy as a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from openrft.cli.options import INTEGER, PathType, build_request, plugins_option, shared_options, track_option
from openrft.cli.printing import print_json, print_text

EPILOG = """\b
Examples:
  openrft train --out my-policy
  openrft train --task sciknoweval/openrft/T7 --data DIR --plugins sft,rl --policy ./my-model --out my-policy
"""


@click.command("train", epilog=EPILOG)
@shared_options
@plugins_option("Plugins of the arm; what they need is added.", "sft,prm,da,icl")
@click.option("--seed", type=INTEGER, default=0, show_default=True, help="Training seed.")
@click.option("--out", required=True, type=PathType(file_okay=False), help="Folder for the trained checkpoint.")
@click.option(
    "--store",
    default="runs/.store",
    type=PathType(file_okay=False),
    show_default=True,
    help="Finished stages; a stopped run resumes from here.",
)
@track_option
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(seed: int, out: str, store: str, tracker: str | None, as_json: bool, **given: Any) -> None:
    """Train one arm (all of --plugins and what they need) on one task and write the policy.

    The checkpoint in --out can be loaded with transformers and as --policy. Its metrics.jsonl has one row per step of
    RL. Without --plugins: sft,prm,da,icl. To resume a stopped run, give the same command again.
    """
    from openrft.bench.notes import build_training_notes
    from openrft.bench.plan import make_plan
    from openrft.bench.render import format_fitness_advice
    from openrft.bench.report import mean_accuracy
    from openrft.bench.single_job import FAILURES_FOLDER, keep_details, summarise_job
    from openrft.cli.progress import show_progress
    from openrft.errors import UsageError
    from openrft.pipeline import check_jobs, run_job
    from openrft.plugins.task_registry import load_task
    from openrft.policies.export import export_checkpoint
    from openrft.runtime.store import Store
    from openrft.runtime.tracking import TrackerConfig

    plan = make_plan(
        build_request(given, arms="none", extra=(f"trained={given['plugins'] or 'sft,prm,da,icl'}",), seeds=str(seed))
    )
    if len(plan.tasks) != 1:
        raise UsageError(f"train takes one task, and the selectors match {len(plan.tasks)}.", "Name one.")
    track = TrackerConfig(tracker, Path(store).parent / tracker) if tracker else None
    job = next(j for j in plan.jobs() if j.arm.name == "trained")
    check_jobs([job], {job.task: load_task(job.task, job.data)})
    _reserve(Path(out))
    with keep_details(job, Path(store) / FAILURES_FOLDER), show_progress(job) as progress:
        outcome = run_job(job, Store(Path(store)), progress, track)
    export_checkpoint(outcome.policy.load(), Path(out), [outcome.metrics_file] if outcome.metrics_file else [])
    result = summarise_job(outcome)
    correct = mean_accuracy(result)
    notes = list(build_training_notes([job.task], [result]))
    if unscored := len(outcome.task.test) - len(result.items):
        notes.append(f"{unscored} of {len(outcome.task.test)} test items not scored: they are in no number.")
    if as_json:
        row = {"out": out, "task": job.task, "plugins": job.arm.plugins, "seed": seed, "accuracy": correct}
        metrics = str(Path(out) / outcome.metrics_file.name) if outcome.metrics_file else None
        more = {
            "answers": len(outcome.rollouts),
            "metrics": metrics,
            "fitness": [asdict(f) for f in outcome.fitness],
            "notes": notes,
        }
        print_json({**row, **more})
        return
    for fit in outcome.fitness:
        print_text(f"{fit.source} before RL: {format_fitness_advice(fit)}")
    for note in notes:
        print_text(note)
    found = "not known" if correct is None else f"{correct:.3f}"
    print_text(f"wrote {out}: test accuracy {found} on {job.task} ({len(job.arm.plugins)} plugins, seed {seed}).")
    print_text("What each plugin was worth is not known from one arm: run `openrft bench`.")


def _reserve(out: Path) -> None:
    """Make the folder, which must be new or empty: better to fail now than when a trained policy cannot be written."""
    from openrft.errors import UsageError
    from openrft.runtime.files import report_disk_errors

    with report_disk_errors(out.parent):
        out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise UsageError(f"--out {out}: the folder is not empty.", "Give a new folder.")
