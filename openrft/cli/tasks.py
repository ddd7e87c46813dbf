"""`openrft tasks`: the tasks to run on. `list` is here; the other commands have their own files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from openrft.cli import tasks_overlap, tasks_prepare, tasks_show
from openrft.cli.completions import complete_paths, complete_tasks
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.tasks.task import TaskInfo


EPILOG = """\b
Examples:
  openrft tasks list pocket
  openrft tasks show questions --data mine.csv
"""


@click.group("tasks", epilog=EPILOG)
def command() -> None:
    """List tasks, show one, find what two share, or prepare a family's rows."""


command.add_command(tasks_show.command)
command.add_command(tasks_overlap.command)
command.add_command(tasks_prepare.command)


@command.command("list", short_help="List the tasks of every installed family.")
@click.argument("selector", default="*", shell_complete=complete_tasks)
@click.option(
    "--data",
    default=None,
    metavar="SOURCE",
    shell_complete=complete_paths,
    help="List what this folder, file or store has.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(selector: str, data: str | None, as_json: bool) -> None:
    """Tasks of every installed family, or those that SELECTOR (a glob, or the first parts of names) matches.

    Reads no rows.

    \b
    Examples:
      openrft tasks list
      openrft tasks list 'sciknoweval/L3/*' --data prepared/sciknoweval --json
    """
    import fnmatch

    from openrft.errors import OpenRFTError, PluginError, UnknownName
    from openrft.plugins.manager import load_plugin_providers
    from openrft.plugins.registry import list_plugins
    from openrft.plugins.task_registry import list_tasks
    from openrft.runtime.fingerprint import expand_path

    if data is not None:
        expand_path(data, "--data ")
    infos: list[TaskInfo] = []
    faults: dict[str, OpenRFTError] = {}
    for name in list_plugins():
        try:
            if load_plugin_providers(name).tasks() is not None:
                infos += list_tasks(name, data)
        except OpenRFTError as fault:
            faults[name] = fault
    pattern = selector.lower().rstrip("/")
    patterns = [pattern] if any(mark in pattern for mark in "*?[") else [pattern, f"{pattern}/*"]
    found = [i for i in infos if any(fnmatch.fnmatchcase(i.name.lower(), p) for p in patterns)]
    asked = faults.pop(pattern.split("/")[0], None)  # if a broken plugin is asked for, its fault is the answer
    for one in faults.values():
        # A source that another family reads need not suit every family.
        if not found or data is None or isinstance(one, PluginError):
            print_text(f"openrft: {one}", err=True)
    if not found:
        raise asked or UnknownName("task", selector, [i.name for i in infos])
    if as_json:
        print_json([asdict(i) for i in found])
        return
    width = max(len(i.name) for i in found)
    for info in found:
        rows = "-" if info.absent else "" if info.rows is None else str(info.rows)
        print_text(f"{info.name:<{width}}  {rows:>6}  {info.summary}{'; not in this source' if info.absent else ''}")
