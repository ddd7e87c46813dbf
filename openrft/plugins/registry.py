"""What plugins are installed, by their metadata: nothing is imported until a plugin is asked for by name.

Their code, and the libraries under it, are known by digests and versions: stored results depend on them.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from openrft.errors import PluginError, UnknownName, UsageError
from openrft.plugins import hookspecs
from openrft.runtime.code_digest import digest_package, find_package_file, installed_versions

NAME = re.compile(r"[\w.-]+")  # of the distribution, at the head of a requirement


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """What a plugin's distribution says of it; nothing of it is imported."""

    name: str  # the entry point's name, what users type
    distribution: str
    version: str
    summary: str
    entry: EntryPoint
    rival: str = ""  # another distribution that calls a plugin so

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.distribution} {self.version})"


@functools.cache
def list_plugins() -> dict[str, InstalledPlugin]:
    """Every installed plugin by name. Two distributions with one name are refused when that name is used."""
    found: dict[str, InstalledPlugin] = {}
    for entry in entry_points(group=hookspecs.GROUP):
        dist = entry.dist
        find_plugin = InstalledPlugin(
            entry.name,
            dist.name if dist else "unknown",
            dist.version if dist else "0",
            (dist.metadata["Summary"] or "") if dist else "",
            entry,
        )
        other = found.get(entry.name)
        if other and other.distribution != find_plugin.distribution:
            find_plugin = replace(find_plugin, rival=other.distribution)
        found[entry.name] = find_plugin
    return dict(sorted(found.items()))


def find_plugin(name: str) -> InstalledPlugin:
    """The installed plugin of this name. Raises UnknownName with the nearest names, UsageError if two have it."""
    known = list_plugins()
    if name not in known:
        raise UnknownName("plugin", name, known, "`openrft plugins list` shows what is installed.")
    found = known[name]
    if found.rival:
        both = f"{found.rival} and {found.distribution}"
        raise UsageError(f"two installed distributions call a plugin {name!r}: {both}.", "Uninstall one.")
    return found


@functools.cache
def load_plugin_class(name: str) -> Any:
    """Import one plugin's class. Raises PluginError naming it if the import fails."""
    plugin = find_plugin(name)
    try:
        return plugin.entry.load()
    except Exception as fault:
        raise PluginError(
            f"{plugin} cannot be imported: {type(fault).__name__}: {fault}", "Reinstall or uninstall it."
        ) from fault


@functools.cache
def digest_plugin_source(name: str) -> str:
    """Digest of the plugin's Python files, so that edited code never meets results of the old code."""
    parts = load_plugin_class(name).__module__.split(".")
    packages = [".".join(parts[: n + 1]) for n in range(len(parts))]
    # A namespace package has no file of its own: the code begins in the first of its parts that has one.
    return digest_package(next((p for p in packages if find_package_file(p)), packages[0]))


def library_versions(name: str) -> dict[str, str]:
    """Versions of what the plugin's distribution requires, extras included, as far as it is installed."""
    dist = getattr(find_plugin(name).entry, "dist", None)
    asked = [match.group() for line in (dist.requires if dist else None) or () if (match := NAME.match(line))]
    return installed_versions(library for library in asked if not library.startswith("openrft"))
