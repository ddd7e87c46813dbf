"""What plugins are installed, by their metadata: nothing is imported until a plugin is asked for by name.

Their code, and the libraries under it, are known by digests and versions: stored results depend on them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

from openrft import hookspecs
from openrft.errors import PluginError, UnknownName, UsageError

LIBRARIES = ("torch", "transformers", "peft", "vllm")  # what the core computes with, as far as it is installed
NAME = re.compile(r"[\w.-]+")  # of the distribution, at the head of a requirement


@dataclass(frozen=True, slots=True)
class Installed:
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
def installed() -> dict[str, Installed]:
    """Every installed plugin by name. Two distributions with one name are refused when that name is used."""
    found: dict[str, Installed] = {}
    for entry in entry_points(group=hookspecs.GROUP):
        dist = entry.dist
        about = Installed(
            entry.name,
            dist.name if dist else "unknown",
            dist.version if dist else "0",
            (dist.metadata["Summary"] or "") if dist else "",
            entry,
        )
        other = found.get(entry.name)
        if other and other.distribution != about.distribution:
            about = replace(about, rival=other.distribution)
        found[entry.name] = about
    return dict(sorted(found.items()))


def about(name: str) -> Installed:
    """The installed plugin of this name. Raises UnknownName with the nearest names, UsageError if two have it."""
    known = installed()
    if name not in known:
        raise UnknownName("plugin", name, known, "`openrft plugins list` shows what is installed.")
    found = known[name]
    if found.rival:
        both = f"{found.rival} and {found.distribution}"
        raise UsageError(f"two installed distributions call a plugin {name!r}: {both}.", "Uninstall one.")
    return found


@functools.cache
def plugin_class(name: str) -> Any:
    """Import one plugin's class. Raises PluginError naming it if the import fails."""
    plugin = about(name)
    try:
        return plugin.entry.load()
    except Exception as fault:
        raise PluginError(
            f"{plugin} cannot be imported: {type(fault).__name__}: {fault}", "Reinstall or uninstall it."
        ) from fault


@functools.cache
def source_digest(name: str) -> str:
    """Digest of the plugin's Python files, so that edited code never meets results of the old code."""
    parts = plugin_class(name).__module__.split(".")
    packages = [".".join(parts[: n + 1]) for n in range(len(parts))]
    # A namespace package has no file of its own: the code begins in the first of its parts that has one.
    return package_digest(next((p for p in packages if _file(p)), packages[0]))


@functools.cache
def package_digest(package: str) -> str:
    """Digest of a package's Python files."""
    file = _file(package)
    digest = hashlib.sha256()
    if file:
        single = Path(file).name != "__init__.py"
        for path in [Path(file)] if single else sorted(Path(file).parent.rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def libraries(name: str) -> dict[str, str]:
    """Versions of what the plugin's distribution requires, extras included, as far as it is installed."""
    dist = getattr(about(name).entry, "dist", None)
    asked = [match.group() for line in (dist.requires if dist else None) or () if (match := NAME.match(line))]
    return versions(library for library in asked if not library.startswith("openrft"))


def versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of those distributions that are installed, by name."""
    found = {}
    for name in sorted(set(names)):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _file(package: str) -> str | None:
    return getattr(import_module(package), "__file__", None)
