"""From a task's name to the task: ask the plugin whose name the task's first part is."""

from __future__ import annotations

import contextlib
import functools

from openrft.errors import OpenRFTError, PluginError, UnknownName
from openrft.plugins import about, installed, providers_of
from openrft.task import DataRequest, Task, TaskFamily, Whole, checked, expand


def family(name: str) -> TaskFamily:
    """The task family of an installed plugin. Raises UnknownName for a plugin that is absent or has no tasks."""
    if name not in installed():
        raise UnknownName("task family", name, _families(), "A task is named FAMILY/LEVEL/NAME.")
    found: TaskFamily | None = providers_of(name).tasks()
    if found is None:
        raise UnknownName("task family", name, (), f"{about(name)} provides no tasks.")
    if found.family != name:
        raise PluginError(f"{about(name)} provides tasks of the family {found.family!r}; it must be {name!r}.")
    return found


def _families() -> list[str]:
    """Plugins that provide tasks; one that is broken is none, and says so where it is asked for."""
    found = []
    for name in installed():
        with contextlib.suppress(OpenRFTError):
            if providers_of(name).tasks() is not None:
                found.append(name)
    return found


def select(selector: str, data: str | None = None) -> list[str]:
    """Whole task names that a selector or glob stands for, in the source `data` or the family's default."""
    name = selector.split("/")[0].lower()
    return expand(f"{name}/{selector.partition('/')[2]}".rstrip("/"), {name: family(name)}, data)


@functools.lru_cache(maxsize=8)
def load_task(name: str, request: DataRequest) -> Task:
    """One task with its leaks counted, and dropped if the request says so."""
    return checked(family(name.split("/")[0]).load(name, request), request)


def whole_task(name: str, request: DataRequest) -> Task | None:
    """The task with all its rows, where the family can show them; None where it has no such thing."""
    found = family(name.split("/")[0])
    return found.whole(name, request) if isinstance(found, Whole) else None
