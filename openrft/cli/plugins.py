"""`openrft plugins`: list installed plugins, show a plugin's hooks and options, write a new one, and check one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openrft.cli import plugins_check
from openrft.cli.completions import complete_plugin
from openrft.cli.options import PathType
from openrft.cli.printing import print_command, print_json, print_text

if TYPE_CHECKING:
    from openrft.plugins.base import Declaration
    from openrft.plugins.registry import InstalledPlugin


EPILOG = """\b
Examples:
  openrft plugins list
  openrft plugins show rl
  openrft plugins new my-reward --kind reward
"""


@click.group("plugins", epilog=EPILOG)
def command() -> None:
    """List installed plugins and their options, write new ones, and check them."""


command.add_command(plugins_check.command)


@command.command("list")
@click.option("--check", is_flag=True, help="Also import each plugin, and say which ones are broken or slow to import.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(check: bool, as_json: bool) -> None:
    """Installed plugins, read from their metadata; none is imported unless --check is given.

    \b
    Example:
      openrft plugins list --check
    """
    from openrft.plugins.registry import list_plugins

    installed = list_plugins()
    rows = [_describe(name, plugin) for name, plugin in installed.items()]
    if check:
        _add_states(rows)
    if as_json:
        print_json(rows)
        return
    for line in _align([_list_row(row) for row in rows]):
        print_text(line)
    for row in rows:
        if row.get("slow"):
            print_text(f"{row['name']}: {row['slow']}", err=True)


@command.command("new")
@click.argument("name")
@click.option("--kind", required=True, metavar="KIND", help="task, reward, trainer, augment, teacher, retrieve, ...")
@click.option(
    "--out", default=None, type=PathType(file_okay=False), help="A new folder.  [default: openrft-NAME, here]"
)
def new(name: str, kind: str, out: str | None) -> None:
    """Write the package of a new plugin, which works and passes its own tests and type checks.

    KIND: task, reward, trainer (an RL algorithm), augment, teacher, retrieve, evaluate or policy (a named checkpoint).

    \b
    Examples:
      openrft plugins new short-steps --kind reward
      openrft plugins new my-lab --kind task --out ./openrft-my-lab
    """
    from openrft.scaffold.write import write_plugin

    folder = Path(out or f"openrft-{name}")
    for file in write_plugin(name, kind, folder):
        print_text(str(file))
    click.echo(err=True)
    print_command(f"pip install -e '{folder}[dev]' && cd '{folder}' && pytest && mypy", err=True)


def _describe(name: str, plugin: InstalledPlugin) -> dict[str, Any]:
    from openrft.cli.plugin_commands import commands_of_distribution

    return {
        "name": name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "summary": plugin.summary,
        "commands": commands_of_distribution(plugin.distribution),
        "rivals": list(plugin.rivals),
    }


def _add_states(rows: Sequence[dict[str, Any]]) -> None:
    """Load each plugin: `state` is ok or what is wrong, `slow` a sentence on an import that takes long."""
    from concurrent.futures import ThreadPoolExecutor

    from openrft.errors import OpenRFTError
    from openrft.plugins.manager import PluginSet
    from openrft.plugins.registry import describe_slow_import

    for row in rows:
        try:
            PluginSet([row["name"]], {})
            row["state"] = "ok"
        except OpenRFTError as fault:
            row["state"] = str(fault)
    sound = [row for row in rows if not row["rivals"]]
    with ThreadPoolExecutor(2) as pool:
        for row, slow in zip(sound, pool.map(describe_slow_import, [row["name"] for row in sound]), strict=True):
            row["slow"] = slow


def _list_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    distributions = f"{row['distribution']} {row['version']}"
    if row["rivals"]:
        distributions = " and ".join((*row["rivals"], row["distribution"])) + " both have it: uninstall one"
    commands = "".join(f" (openrft {name})" for name in row["commands"])
    state = f"  [{row['state']}]" if "state" in row else ""
    return row["name"], distributions, f"{row['summary']}{commands}{state}"


def _align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows in aligned columns; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return [
        "  ".join((*(f"{cell:<{width}}" for cell, width in zip(row[:-1], widths, strict=True)), row[-1])).rstrip()
        for row in rows
    ]


@command.command("show")
@click.argument("name", shell_complete=complete_plugin)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> None:
    """A plugin's hooks, what it declares, and its options with types, defaults and help.

    \b
    Example:
      openrft plugins show prm
    """
    from openrft.plugins.registry import check_requirements, find_plugin, load_declaration

    plugin, declaration = find_plugin(name), load_declaration(name)
    check_requirements(name)
    declared = {field.name: getattr(declaration, field.name) for field in dataclasses.fields(declaration)}
    del declared["Options"]
    options = _describe_options(declaration)
    if as_json:
        row = {"name": name, "distribution": plugin.distribution, "version": plugin.version, "summary": plugin.summary}
        print_json({**row, **declared, "options": options})
        return
    print_text(f"{name}: {plugin.summary} ({plugin.distribution} {plugin.version})")
    for key, value in _list_declared(declaration):
        print_text(f"{key}: {value}")
    print_text("options: " + ("none" if not options else f"--set {name}.OPTION=VALUE"))
    for line in _align([_option_row(option, about) for option, about in options.items()]) if options else ():
        print_text(f"  {line}")


def _list_declared(declaration: Declaration) -> list[tuple[str, str]]:
    """The lines to show: attributes of hooks that the plugin has, and those that differ from the defaults."""
    lines = [("hooks", ", ".join(declaration.hooks)), ("requires", ", ".join(declaration.requires) or "nothing")]
    if declaration.replaces:
        lines.append(("replaces", ", ".join(declaration.replaces)))
    if "train_step" in declaration.hooks:
        lines.append(("trains for", ", ".join(declaration.trains)))
    if "reward" in declaration.hooks:
        lines.append(("rewards", ", ".join(declaration.rewards)))
    if "grade" in declaration.hooks:
        lines.append(("grades", f"{declaration.grades} answers"))
    if declaration.changes_nothing_alone:
        lines.append(("changes nothing alone", "yes: it only helps other plugins, or measures"))
    return lines


def _describe_options(declaration: Declaration) -> dict[str, dict[str, Any]]:
    from openrft.config.options import describe_options

    rows = [dataclasses.asdict(info) for info in describe_options(declaration.Options)] if declaration.Options else []
    return {row.pop("name"): row for row in rows}


def _option_row(option: str, about: Mapping[str, Any]) -> tuple[str, ...]:
    from openrft.config.options import format_value

    default = "must be set" if about["must_be_set"] else format_value(about["default"])
    kind = ", ".join(filter(None, (about["type"], about["range"])))
    source = f" Source: {about['source']}." if about["source"] else ""
    return option, default, f"{about['help']}{source} ({kind})".strip()
