"""The code of the core and of all installed plugins in one folder, for machines that do not have it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from openrft.errors import UsageError
from openrft.plugins.registry import GROUP

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", "*.egg-info", "tests")


def copy_code(folder: Path) -> None:
    """Copy the packages of the core and the plugins into `folder`, with what says which plugins they offer.

    A process that has `folder` on its path finds the same plugins as this one. Raises UsageError for a plugin that is
    not a package in a folder.
    """
    for distribution in find_distributions():
        name = distribution.metadata["Name"]
        info = folder / f"{name.replace('-', '_')}-{distribution.version}.dist-info"
        info.mkdir(parents=True)
        for file in ("METADATA", "PKG-INFO", "entry_points.txt"):
            if text := distribution.read_text(file):
                (info / ("METADATA" if file == "PKG-INFO" else file)).write_text(text, encoding="utf-8")
        for package in _list_packages(distribution):
            spec = importlib.util.find_spec(package)
            places = list(spec.submodule_search_locations or ()) if spec else []
            if len(places) == 1:
                shutil.copytree(places[0], folder / package, ignore=_LEFT_OUT, dirs_exist_ok=True)
            elif spec and spec.origin and Path(spec.origin).is_file():
                shutil.copy(spec.origin, folder)
            else:
                raise UsageError(
                    f"the plugin package {name} cannot be sent to other machines: {package} is not in one folder.",
                    "Install it on every machine, and run where all share one folder: --executor slurm.",
                )


def find_distributions() -> list[Distribution]:
    """The installed packages of the core and of the plugins, each once."""
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        offers = any(entry.group == GROUP for entry in distribution.entry_points)
        if name == "openrft" or offers:
            found.setdefault(name, distribution)
    return list(found.values())


def _list_packages(distribution: Distribution) -> Iterator[str]:
    """The top-level packages and modules of a distribution: of the core openrft, of a plugin those it is loaded from
    and those beside them that it lists."""
    named = {entry.module.split(".")[0] for entry in distribution.entry_points if entry.group == GROUP}
    listed = (distribution.read_text("top_level.txt") or "").split()
    yield from dict.fromkeys(["openrft"] if distribution.metadata["Name"] == "openrft" else [*sorted(named), *listed])
