"""Use classes as plugins without installing them, and build options from typed text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

from openrft.config.parse import parse_options, raise_faults
from openrft.plugins import registry
from openrft.plugins.manager import load_plugin_providers
from openrft.plugins.registry import InstalledPlugin, LoadedEntryPoint
from openrft.plugins.task_registry import forget_tasks

T = TypeVar("T")


@contextmanager
def use_plugins(plugins: Mapping[str, type]) -> Iterator[None]:
    """A context in which these classes count as installed plugins, beside the installed ones: {"my-plugin": MyPlugin}.

    Only in this process: the workers of a bench do not know them.
    """
    given = {n: InstalledPlugin(n, f"openrft-{n}", "1.0", "", LoadedEntryPoint(n, p)) for n, p in plugins.items()}
    known = {**registry.list_plugins(), **given}
    with patch.object(registry, "list_plugins", lambda: known):
        _forget()
        try:
            yield
        finally:
            _forget()


# Named here, because a test may have put something else in a function's place when this is left.
_CACHED = (
    registry.load_plugin_class,
    registry.digest_plugin_source,
    registry.library_versions,
    load_plugin_providers,
)


def _forget() -> None:
    """Load every class and task anew: a plugin of the same name may have been used before."""
    for cached in _CACHED:
        cached.cache_clear()
    forget_tasks()


def build_options(options_class: type[T], values: Mapping[str, Any]) -> T:
    """An options object from values as a user types them: `build_options(Mine.Options, {"k": "3"})`.

    Raises UsageError that lists every fault.
    """
    found, faults = parse_options(options_class, "options", values)
    raise_faults(faults)
    assert found is not None
    return found
