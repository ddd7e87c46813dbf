"""`openrft plugins check`: whether plugins keep what every run relies on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.completions import complete_plugin, complete_tasks
from openrft.cli.options import data_options, parse_data_options, set_option
from openrft.cli.printing import print_json

if TYPE_CHECKING:
    from openrft.testing.conformance.result import CheckResult

STYLES = {"ok": "green", "not run": "dim", "warning": "yellow", "fault": "bold red"}


@click.command("check")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_plugin)
@set_option
@click.option(
    "--task", default=None, metavar="TASK", shell_complete=complete_tasks, help="Which of the plugin's tasks to check."
)
@click.option("--policy", default=None, help="The policy that a trainer trains.  [default: a tiny random checkpoint]")
@data_options
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=120, show_default=True, help="Time limit of each check."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    names: tuple[str, ...],
    settings: Sequence[str],
    task: str | None,
    policy: str | None,
    seconds: float,
    as_json: bool,
    **given: Any,
) -> None:
    """Check that plugins are ready for others: order, determinism, odd batches, import time, probes, and more.

    Each check prints a line, with what to do if it fails. The exit code is 1 if there is a fault. The plugin runs in a
    separate process, on toy questions. `openrft.testing` runs the same checks in pytest.

    \b
    Examples:
      openrft plugins check short-steps --set short-steps.words=20
      openrft plugins check my-lab --data rows.csv --task my-lab/all
      openrft plugins check opd --set opd.teacher=pocket/teacher --policy pocket
    """
    from openrft.config.parse import parse_assignments
    from openrft.errors import UnknownName
    from openrft.plugins.registry import find_plugin
    from openrft.tasks.task import DataRequest
    from openrft.testing.conformance.supervise import check_plugins

    names = tuple(dict.fromkeys(names))
    titles = {name: str(find_plugin(name)) for name in names}  # refuses unknown names before anything is imported
    options = parse_assignments(settings)
    for owner in options:
        if owner not in names:
            raise UnknownName("plugin in --set", owner, names)
    found: dict[str, list[CheckResult]] = {}
    request = DataRequest(**parse_data_options(given))
    results = check_plugins(names, options, seconds, task, request, policy)
    for name, own in groupby(results, key=itemgetter(0)):
        found[name] = [result for _, result in own]
        if not as_json:
            _show(titles[name], found[name])
    if as_json:
        print_json([{"name": name, "checks": [asdict(result) for result in own]} for name, own in found.items()])
    if any(result.verdict == "fault" for own in found.values() for result in own):
        raise click.exceptions.Exit(1)


def _show(title: str, results: Iterable[CheckResult]) -> None:
    """A line for each check, and what to do below those that are not ok."""
    from rich.console import Console
    from rich.text import Text

    from openrft.runtime.text import escape_terminal

    console, rows = Console(), list(results)
    console.print(Text(escape_terminal(title), style="bold"), soft_wrap=True)
    width = max(len(row.check) for row in rows)
    for row in rows:
        line = Text(f"  {row.verdict:<8}", style=STYLES[row.verdict])
        line.append(f"{row.check:<{width}}  {escape_terminal(row.finding)}", style="default")
        console.print(line, soft_wrap=True)
        if row.advice:
            console.print(Text(f"  {'':<8}{'':<{width}}  -> {escape_terminal(row.advice)}"), soft_wrap=True)
    words = {"fault": "faults", "warning": "warnings", "not run": "not run"}
    counts = {word: sum(row.verdict in (verdict, word) for row in rows) for verdict, word in words.items()}
    said = ", ".join(f"{n} {word.removesuffix('s') if n == 1 else word}" for word, n in counts.items() if n)
    console.print(Text(f"check: {said or 'no problems found'}", style="bold"), soft_wrap=True)
