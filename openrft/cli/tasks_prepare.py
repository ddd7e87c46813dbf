"""`openrft tasks prepare`: convert a family's rows once, so that its tasks load fast."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

EVERY = 5.0  # seconds between lines without a terminal


@click.command("prepare")
@click.argument("family")
@click.option("--from", "source", default=None, metavar="SOURCE", help="As --data.  [default: the family's own source]")
@click.option(
    "--to", default=None, type=click.Path(file_okay=False, path_type=Path), help="Folder.  [default: prepared/FAMILY]"
)
@click.option("--skip-bad-rows", is_flag=True, help="Leave out malformed rows and count them instead of refusing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(family: str, source: str | None, to: Path | None, skip_bad_rows: bool, as_json: bool) -> None:
    """Convert the rows of FAMILY into a store that is then given as --data. A failed conversion leaves nothing behind.

    \b
    Examples:
      openrft tasks prepare sciknoweval --from DIR --to prepared/sciknoweval
      openrft bench --task sciknoweval/L3 --data prepared/sciknoweval
    """
    from openrft.errors import UsageError
    from openrft.plugins.errors import name_plugin_in_errors
    from openrft.plugins.task_registry import find_family as find
    from openrft.tasks.task import PreparesStore

    found = find(family)
    if not isinstance(found, PreparesStore):
        raise UsageError(f"the tasks of {family} need no preparation.")
    to = to or Path("prepared") / family
    meter, began = _Meter(), time.monotonic()
    try:
        with name_plugin_in_errors(family, "failed to prepare its rows"):
            made = found.prepare(source, to, skip_bad_rows, meter)
    finally:
        meter.end()
    if as_json:
        click.echo(json.dumps(made, indent=1, ensure_ascii=False))
        return
    click.echo(f"{to}: {made['rows']} rows in {time.monotonic() - began:.1f} s")
    for key, value in made.items():
        if key != "rows" and value:
            click.echo(f"  {key}: {value if isinstance(value, (str, int)) else json.dumps(value)}")
    click.echo(f"Use it with --data {to}")


class _Meter:
    """Shows progress: one changing line on a terminal, a line at intervals elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = time.monotonic()
        self._shown = False

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """See `openrft.Progress`."""
        text = f"{stage}: {done} of {total}, {note}"
        if self._terminal:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
            self._shown = True
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            click.echo(text, err=True)

    def end(self) -> None:
        """End the changing line."""
        if self._shown:
            click.echo("", err=True)
