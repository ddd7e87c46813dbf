"""`openrft evaluate`: answer tasks' test questions with a policy as it is, and compare it with the baselines."""

from __future__ import annotations

from typing import Any

import click

from openrft.cli.options import PathType, baselines_option, shared_options
from openrft.cli.paid_options import paid_options

EPILOG = """\b
Examples:
  openrft evaluate --task 'pocket/L3/*'
  openrft evaluate --task sciknoweval/L3 --data DIR --policy ./my-policy
  openrft evaluate --task pocket/L3 --policy openai:http://127.0.0.1:8000/v1#my-model
  openrft evaluate --task pocket/L3 --policy openai:https://host/v1#model --prices prices.toml --budget 5.00
  openrft evaluate --task pocket/L3 --policy baseline:longest-option --baselines
"""


@click.command("evaluate", epilog=EPILOG)
@shared_options
@baselines_option
@paid_options
@click.option(
    "--out",
    default="runs",
    type=PathType(file_okay=False),
    show_default=True,
    help="Folder in which the run's folder is made.",
)
@click.option("--name", default=None, help="Name of the run's folder.  [default: from the plan]")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def command(ctx: click.Context, out: str, name: str | None, as_json: bool, **given: Any) -> None:
    """Evaluate a policy on the test questions of tasks, without training. Writes the same files as `bench`."""
    from openrft.cli.bench import command as bench

    ctx.invoke(
        bench,
        arms="none",
        extra=(),
        seeds="0",
        plan_file=None,
        out=out,
        name=name,
        workers=1,
        tracker=None,
        dry_run=False,
        probe=False,
        as_json=as_json,
        plugins="",
        **given,
    )
