"""What a shell offers after TAB: names of tasks, plugins, presets, settings, runs and arms. Nothing heavy is imported.

A fault of a plugin or a file offers nothing here; the command itself explains it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _offer(find: Callable[[click.Context, str], Iterable[str]]) -> Complete:
    """A callback for click that keeps what begins with the typed text."""

    @functools.wraps(find)
    def complete(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
        from openrft.errors import OpenRFTError

        with contextlib.suppress(OpenRFTError, OSError, ValueError):
            return [name for name in find(ctx, typed) if name.startswith(typed)]
        return []

    return complete


@_offer
def complete_tasks(ctx: click.Context, typed: str) -> Iterator[str]:
    """`FAMILY/` for each plugin with tasks; once a family is typed, its tasks."""
    from openrft.errors import OpenRFTError
    from openrft.plugins.registry import list_plugins
    from openrft.plugins.task_registry import find_family, list_tasks

    family, slash, _ = typed.partition("/")
    if slash:
        yield from (info.name for info in list_tasks(family, ctx.params.get("data")))
        return
    for name in list_plugins():
        if name.startswith(typed):
            with contextlib.suppress(OpenRFTError):
                yield f"{find_family(name).family}/"


@_offer
def complete_plugin(_: click.Context, typed: str) -> Iterable[str]:
    """The installed plugins, by their metadata."""
    from openrft.plugins.registry import list_plugins

    return list_plugins()


@_offer
def complete_plugins(_: click.Context, typed: str) -> Iterator[str]:
    """The next of several plugins: `sft,` goes on with every plugin but sft."""
    from openrft.plugins.registry import list_plugins

    before, comma, _last = typed.rpartition(",")
    return (before + comma + name for name in list_plugins() if name not in before.split(","))


@_offer
def complete_presets(_: click.Context, typed: str) -> Iterable[str]:
    """The named settings."""
    from openrft.config.presets import PRESETS

    return PRESETS


@_offer
def complete_owners(_: click.Context, typed: str) -> Iterable[str]:
    """Who has settings: the stages, the data and the installed plugins."""
    return _list_owners()


@_offer
def complete_settings(_: click.Context, typed: str) -> Iterator[str]:
    """`OWNER.` first, then `OWNER.OPTION=`."""
    from openrft.config.settings import STAGE_SETTINGS
    from openrft.plugins.registry import load_declaration

    owner, dot, _option = typed.partition(".")
    if not dot:
        yield from (f"{name}." for name in _list_owners())
        return
    kind: Any = STAGE_SETTINGS[owner] if owner in STAGE_SETTINGS else load_declaration(owner).Options
    if kind is not None:
        yield from (f"{owner}.{field.name}=" for field in dataclasses.fields(kind))


@_offer
def complete_runs(_: click.Context, typed: str) -> Iterator[str]:
    """The runs under `runs`, or under the folder that is typed."""
    folder = typed.rpartition("/")[0]
    for found in sorted(Path(folder or "runs").glob("*/report.json")):
        yield f"{folder}/{found.parent.name}" if folder else found.parent.name


@_offer
def complete_arms(ctx: click.Context, typed: str) -> Iterator[str]:
    """The arms of the run that stands before."""
    run = Path(ctx.params.get("run") or next(iter(ctx.args), ""))  # in args while --arm is still without its value
    for folder in (run, "runs" / run):
        if (plan := folder / "plan.json").is_file():
            content = json.loads(plan.read_text("utf-8"))
            yield from (arm["name"] for arm in content["arms"])
            return


def _list_owners() -> list[str]:
    from openrft.config.settings import STAGE_SETTINGS
    from openrft.plugins.registry import list_plugins

    return ["policy", *(name for name in STAGE_SETTINGS if name != "policy"), *list_plugins()]
