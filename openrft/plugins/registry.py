"""The installed plugins, read from their metadata. A plugin is imported only when it is asked for by name.

A plugin's class is checked when it is loaded (base.py). Stored results depend on the digest of its code and on the
versions of the libraries it uses.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any

from openrft.errors import OpenRFTError, PluginError, UnknownName, UsageError
from openrft.plugins.base import Declaration, DeclarationFault, read_declaration
from openrft.plugins.hookspecs import GROUP
from openrft.runtime.code_digest import LIBRARIES, digest_package, find_package_file, installed_versions
from openrft.runtime.logging import follow_verbosity
from openrft.version import __version__

SLOW_IMPORT = 1.0  # seconds of processor time
HEAVY = ("torch", "transformers", "trl", "peft", "datasets", "vllm", "sentence_transformers", "tensorflow", "jax")
NAME = re.compile(r"[\w.-]+")  # of the distribution, at the head of a requirement


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """A plugin as its distribution's metadata describes it."""

    name: str  # the entry point's name, what users type
    distribution: str
    version: str
    summary: str
    entry: EntryPoint
    rivals: tuple[str, ...] = ()  # other distributions with a plugin of this name; then it cannot be used

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.distribution} {self.version})"


class LoadedEntryPoint(EntryPoint):
    """An entry point for a class that is already in memory, such as one defined in a test."""

    def __init__(self, name: str, plugin: type) -> None:
        super().__init__(name, f"{plugin.__module__}:{plugin.__qualname__}", GROUP)
        vars(self)["plugin"] = plugin

    def load(self) -> Any:
        return vars(self)["plugin"]

    @property
    def module(self) -> str:
        """Also of a class that was made inside a function."""
        return str(vars(self)["plugin"].__module__)


def _read_summary(dist: Distribution | None) -> str:
    """Asked with `in` first: importlib_metadata, by which some libraries replace importlib.metadata, raises."""
    return (dist.metadata["Summary"] or "") if dist and "Summary" in dist.metadata else ""


@functools.cache
def list_plugins() -> dict[str, InstalledPlugin]:
    """Every installed plugin by name. Two distributions with one name are refused when that name is used."""
    found: dict[str, InstalledPlugin] = {}
    for entry in entry_points(group=GROUP):
        dist = entry.dist
        plugin = InstalledPlugin(
            entry.name,
            dist.name if dist else "unknown",
            dist.version if dist else "0",
            _read_summary(dist),
            entry,
        )
        other = found.get(entry.name)
        if other:
            rivals = {*other.rivals, other.distribution} - {plugin.distribution}
            plugin = replace(plugin, rivals=tuple(sorted(rivals)))
        found[entry.name] = plugin
    return dict(sorted(found.items()))


def find_plugin(name: str) -> InstalledPlugin:
    """The installed plugin of this name. Raises UnknownName with the nearest names, UsageError if two have it."""
    known = list_plugins()
    if name not in known:
        raise UnknownName("plugin", name, known, "`openrft plugins list` shows what is installed.")
    found = known[name]
    if found.rivals:
        both = " and ".join((*found.rivals, found.distribution))
        raise UsageError(
            f"{len(found.rivals) + 1} installed distributions call a plugin {name!r}: {both}.", "Keep one."
        )
    return found


@functools.cache
def load_plugin_class(name: str) -> type[Any]:
    """Import one plugin's class. Raises PluginError, which names the plugin, if the import fails."""
    plugin = find_plugin(name)
    try:
        loaded = plugin.entry.load()
    except Exception as fault:
        raise PluginError(
            f"{plugin} cannot be imported: {type(fault).__name__}: {fault}", "Reinstall or uninstall it."
        ) from fault
    follow_verbosity(getattr(loaded, "__module__", "").split(".")[0] or name)
    if not isinstance(loaded, type):
        raise PluginError(f"{plugin}: its entry point leads to a {type(loaded).__name__}.", "Name the plugin's class.")
    return loaded


def load_declaration(name: str) -> Declaration:
    """The declaration of a plugin, which is imported if necessary. Raises PluginError for a class that is not valid."""
    cls = load_plugin_class(name)
    try:
        return read_declaration(cls)  # type: ignore[arg-type]  # classes are hashable
    except DeclarationFault as fault:
        raise PluginError(f"{find_plugin(name)}: {fault.message}", fault.advice) from fault


def check_requirements(name: str) -> None:
    """Raises PluginError if the plugin requires one that is not installed, and no installed one takes its place."""
    missing = [other for other in load_declaration(name).requires if other not in list_plugins()]
    if not missing:
        return
    replaced: set[str] = set()
    for other in list_plugins():
        with contextlib.suppress(OpenRFTError):
            replaced |= {*load_declaration(other).replaces}
    if absent := [other for other in missing if other not in replaced]:
        near = difflib.get_close_matches(absent[0], list_plugins(), n=1, cutoff=0.6)
        raise PluginError(
            f"{find_plugin(name)}: requires names {absent[0]!r}, which is not installed.",
            f"Did you mean {near[0]}?" if near else "Install the plugin of that name.",
        )


@dataclass(frozen=True, slots=True)
class ImportCost:
    """The cost of importing a plugin's module in a process that has already imported `openrft`."""

    seconds: float  # of processor time
    heavy: tuple[str, ...]  # those of HEAVY that it imports


def measure_import(name: str) -> ImportCost | None:
    """The cost of importing a plugin, measured in a separate process; None for one that cannot be imported."""
    code = (
        "import importlib, sys, time, openrft; began = time.process_time(); importlib.import_module(sys.argv[1]);"
        " print(time.process_time() - began, *{m.split('.')[0] for m in sys.modules})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code, find_plugin(name).entry.module]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode or not done.stdout.split():
        return None  # what cannot be imported is reported when it is loaded
    seconds, *modules = done.stdout.splitlines()[-1].split()
    return ImportCost(float(seconds), tuple(module for module in HEAVY if module in modules))


def describe_slow_import(name: str) -> str:
    """A sentence about a plugin with a slow import, for which every command that uses the plugin waits; else ""."""
    cost = measure_import(name)
    if cost is None or cost.seconds < SLOW_IMPORT:
        return ""
    what = f" ({', '.join(cost.heavy)})" if cost.heavy else ""
    return f"its import takes {cost.seconds:.1f} s{what}: import heavy modules inside the hooks that need them."


@functools.cache
def digest_plugin_source(name: str) -> str:
    """Digest of the plugin's Python files and of those of the classes that it inherits from, such as another plugin's.

    So results of old code are never reused after an edit.
    """
    own, *bases = [kind.__module__ for kind in load_plugin_class(name).__mro__]
    others = [module for module in bases if module.split(".")[0] not in ("openrft", "builtins")]
    return "".join(map(digest_package, dict.fromkeys(map(_find_package, (own, *others)))))


def _find_package(module: str) -> str:
    """The package that holds a module's code. A namespace package has no file: then the first of its parts with one."""
    parts = module.split(".")
    packages = [".".join(parts[: n + 1]) for n in range(len(parts))]
    return next((p for p in packages if find_package_file(p)), packages[0])


def collect_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of OpenRFT, Python, these plugins and the libraries under all of them."""
    found = {"openrft": __version__, "python": platform.python_version()}
    found.update(installed_versions((*LIBRARIES, "pluggy")))
    for name in names:
        found[find_plugin(name).distribution] = find_plugin(name).version
        found.update(library_versions(name))
    return found


@functools.cache
def library_versions(name: str) -> dict[str, str]:
    """Versions of the installed requirements of the plugin's distribution, including extras."""
    dist = find_plugin(name).entry.dist
    asked = [match.group() for line in (dist.requires if dist else None) or () if (match := NAME.match(line))]
    return installed_versions(library for library in asked if not library.startswith("openrft"))
