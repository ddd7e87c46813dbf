"""`openrft plugins`: what is installed, and what each plugin can be told."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click


@click.group("plugins")
def command() -> None:
    """List installed plugins and their options."""


@command.command("list")
@click.option("--check", is_flag=True, help="Also import each plugin, and say which are broken.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(check: bool, as_json: bool) -> None:
    """Installed plugins, read from their metadata; none is imported unless --check is given.

    \b
    Example:
      openrft plugins list --check
    """
    from openrft.cli.plugin_commands import commands_of_distribution
    from openrft.errors import OpenRFTError
    from openrft.plugins.manager import PluginSet
    from openrft.plugins.registry import list_plugins

    rows = []
    for name, plugin in list_plugins().items():
        row: dict[str, Any] = {
            "name": name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "summary": plugin.summary,
            "commands": commands_of_distribution(plugin.distribution),
        }
        if check:
            try:
                PluginSet([name], {})
                row["state"] = "ok"
            except OpenRFTError as fault:
                row["state"] = str(fault)
        rows.append(row)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        state = f"  [{row['state']}]" if check else ""
        commands = "".join(f" (openrft {name})" for name in row["commands"])
        click.echo(f"{row['name']:<14} {row['distribution']} {row['version']}: {row['summary']}{commands}{state}")


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> None:
    """A plugin's hooks, needs and options with their defaults.

    \b
    Example:
      openrft plugins show prm
    """
    from openrft.plugins import hookspecs
    from openrft.plugins.manager import get_options_class
    from openrft.plugins.registry import find_plugin, load_plugin_class

    plugin, cls = find_plugin(name), load_plugin_class(name)
    hooks = [h for h in vars(hookspecs.Hooks) if not h.startswith("_") and hasattr(cls, h)]
    kind = get_options_class(name)
    fields = dataclasses.fields(kind) if kind else ()
    options = {
        f.name: {"type": _named(f.type), "default": None if f.default is dataclasses.MISSING else f.default}
        for f in fields
    }
    if as_json:
        row = {"name": name, "distribution": plugin.distribution, "version": plugin.version, "summary": plugin.summary}
        click.echo(
            json.dumps(
                {**row, "hooks": hooks, "needs": list(getattr(cls, "requires", ())), "options": options},
                indent=1,
                default=str,
            )
        )
        return
    click.echo(f"{name}: {plugin.summary} ({plugin.distribution} {plugin.version})")
    click.echo(f"hooks: {', '.join(hooks)}")
    click.echo(f"needs: {', '.join(getattr(cls, 'needs', ())) or 'nothing'}")
    for option, about_it in options.items():
        click.echo(f"  --set {name}.{option}=...  {about_it['type']}, default {about_it['default']!r}")


def _named(kind: object) -> str:
    """An annotation as people write it, whether it was kept as text or as a type."""
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
