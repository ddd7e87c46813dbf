"""Commands of plugins: `openrft NAME ...`, where a distribution has an entry point NAME in `openrft.commands`.

An entry point names a click command or group. Its module must import nothing heavy at module level, because it is
imported to show its help. With `@click.pass_obj` it gets a `CommandContext` (command_context.py).
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

from openrft.errors import PluginError

GROUP = "openrft.commands"


def list_commands() -> dict[str, EntryPoint]:
    """Every installed plugin's commands by name, read from metadata; none is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def commands_of_distribution(distribution: str) -> list[str]:
    """The commands of one distribution."""
    return [name for name, entry in list_commands().items() if entry.dist and entry.dist.name == distribution]


def load_command(name: str) -> click.Command | None:
    """The plugin's command of this name; None if no plugin has one. Raises PluginError if it cannot be loaded."""
    entry = list_commands().get(name)
    if entry is None:
        return None
    whose = f"command {name!r} ({entry.dist.name} {entry.dist.version})" if entry.dist else f"command {name!r}"
    try:
        found = entry.load()
    except Exception as fault:  # a plugin's module may raise anything; the error names the plugin
        raise PluginError(
            f"{whose} cannot be imported: {type(fault).__name__}: {fault}", "Reinstall or uninstall it."
        ) from fault
    if not isinstance(found, click.Command):
        raise PluginError(
            f"{whose} is not a click command but {type(found).__name__!r}.",
            "Uninstall it, or report this to its author.",
        )
    return found
