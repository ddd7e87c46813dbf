"""`openrft fitness`: measure whether process rewards tell right from wrong, as every run does before RL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from openrft.cli.options import INTEGER, PathType, build_request, plugins_option, shared_options
from openrft.cli.paid_options import NAMES, command_account, paid_options
from openrft.cli.printing import print_json, print_text

EPILOG = """\b
Examples:
  openrft fitness --plugins prm
  openrft fitness --plugins prm --set prm.model=./my-prm --task sciknoweval/L3 --data DIR --policy ./my-policy
  openrft fitness --plugins prm --set fitness.questions=100 --set fitness.completions=8 --json
  openrft fitness --plugins rl,graders --set graders.rubric=rubric.txt --set graders.judge=openai:URL#MODEL
  openrft fitness --plugins prm --set prm.model=openai:URL#MODEL --prices prices.toml --budget 1.00
"""


@click.command("fitness", epilog=EPILOG)
@shared_options
@plugins_option("Plugins that give process rewards.", "prm")
@click.option(
    "--seed", type=INTEGER, default=0, show_default=True, help="Seed of the choice of questions and of the sampling."
)
@click.option(
    "--store",
    default="runs/.store",
    type=PathType(file_okay=False),
    show_default=True,
    help="Folder of finished stages; a bench with the same settings reuses this measurement.",
)
@paid_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(seed: int, store: str, as_json: bool, **given: Any) -> None:
    """Measure whether process rewards score right answers above wrong ones, and check the judge of a rubric.

    A bench does the same before RL. The policy answers fitness.questions training questions, fitness.completions times
    each; change both with --set.
    """
    from dataclasses import asdict

    from rich.console import Console

    from openrft.bench.fitness_tables import Measurement, build_fitness_table, format_fitness_advice
    from openrft.bench.plan import make_plan
    from openrft.bench.single_job import FAILURES_FOLDER, keep_details
    from openrft.cli.progress import show_progress
    from openrft.cli.tables import print_grid
    from openrft.errors import UsageError
    from openrft.pipeline import build_context
    from openrft.runtime.store import Store
    from openrft.stages.check_reward import check_rewards
    from openrft.stages.fitness import measure_reward_fitness

    paid = {name: given.pop(name) for name in NAMES}
    arm = f"measured={given['plugins'] or 'prm'}"
    plan = make_plan(build_request(given, arms="none", extra=(arm,), seeds=str(seed)))
    found, checks = [], []
    for job in (j for j in plan.jobs() if j.arm.name == "measured"):
        with (
            keep_details(job, Path(store) / FAILURES_FOLDER),
            show_progress(job) as progress,
            command_account(dict(paid), Path(store), f"fitness-{job.task}"),
        ):
            context = build_context(job, Store(Path(store)), progress)
            fits, checked = measure_reward_fitness(context).found, check_rewards(context)
        found += [Measurement(job.task, job.seed, fit, (job.policy,)) for fit in fits]
        checks += [Measurement(job.task, job.seed, check, (job.policy,)) for check in checked]
    if not found and not checks:
        raise UsageError(
            f"nothing in {arm.partition('=')[2]} gives process rewards or checks its own.",
            "Name a plugin such as prm, or rl,graders for a rubric.",
        )
    if as_json:
        rows = [(m.task, m.seed, asdict(m.found)) for m in found] + [(m.task, m.seed, asdict(m.found)) for m in checks]
        print_json([{"task": task, "seed": seed, **row} for task, seed, row in rows])
        return
    for m in found:
        print_grid(build_fitness_table(m), Console())
        print_text(format_fitness_advice(m.found))
    for check in checks:
        print_text(f"{check}: {check.found}")
