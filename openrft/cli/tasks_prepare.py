"""`openrft tasks prepare`: convert a family's rows once, so that its tasks load fast."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from openrft.cli.completions import complete_paths, complete_plugin
from openrft.cli.options import PathType
from openrft.cli.printing import print_json, print_text

EVERY = 5.0  # seconds between lines without a terminal


@click.command("prepare")
@click.argument("family", shell_complete=complete_plugin)
@click.option(
    "--from",
    "source",
    default=None,
    metavar="SOURCE",
    shell_complete=complete_paths,
    help="As --data.  [default: the family's own source]",
)
@click.option(
    "--to", default=None, type=PathType(file_okay=False, path_type=Path), help="Folder.  [default: prepared/FAMILY]"
)
@click.option("--skip-bad-rows", is_flag=True, help="Leave out malformed rows and count them instead of refusing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(family: str, source: str | None, to: Path | None, skip_bad_rows: bool, as_json: bool) -> None:
    """Convert the rows of a task family once, into a folder for --data. A failed conversion leaves nothing behind.

    \b
    Examples:
      openrft tasks prepare sciknoweval --from DIR --to prepared/sciknoweval
      openrft bench --task sciknoweval/L3 --data prepared/sciknoweval
    """
    from openrft.cli.progress import show_progress
    from openrft.errors import UsageError
    from openrft.plugins.errors import name_plugin_in_errors
    from openrft.plugins.task_registry import find_family as find
    from openrft.tasks.task import PreparesStore

    found = find(family)
    if not isinstance(found, PreparesStore):
        raise UsageError(f"the tasks of {family} need no preparation.")
    to = to or Path("prepared") / family
    began = time.monotonic()
    with show_progress(f"{family} to {to}") as progress, name_plugin_in_errors(family, "failed to prepare its rows"):
        made = found.prepare(source, to, skip_bad_rows, progress)
    if as_json:
        print_json(made)
        return
    print_text(f"{to}: {made['rows']} rows in {time.monotonic() - began:.1f} s")
    for key, value in made.items():
        if key != "rows" and value:
            print_text(f"  {key}: {value if isinstance(value, (str, int)) else json.dumps(value)}")
    print_text(f"Use it with --data {to}")
