"""What a shell offers after TAB: names of tasks, plugins, policies, presets, settings and studies, and paths. Nothing
heavy is imported. `run_completions.py` adds the runs.

A fault of a plugin or a file offers nothing here; the command itself explains it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def offer(find: Callable[[click.Context, str], Iterable[str]]) -> Complete:
    """A callback for click that keeps what begins with the typed text."""

    @functools.wraps(find)
    def complete(ctx: click.Context, _: click.Parameter, typed: str) -> list[str]:
        from openrft.errors import OpenRFTError

        with contextlib.suppress(OpenRFTError, OSError, ValueError):
            return [name for name in find(ctx, typed) if name.startswith(typed)]
        return []

    return complete


def complete_words(*words: str) -> Complete:
    """A callback that offers these words."""
    return offer(lambda _ctx, _typed: words)


@offer
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


@offer
def complete_policies(_: click.Context, typed: str) -> Iterator[str]:
    """Checkpoints of the installed plugins, `baseline:`, `openai:` and `vllm:`, and folders and GGUF files."""
    from openrft.errors import OpenRFTError
    from openrft.plugins.manager import load_plugin_providers
    from openrft.plugins.registry import list_plugins

    kind, colon, _name = typed.partition(":")
    if colon and kind == "baseline":
        from openrft.baselines.registry import BASELINE_NAMES

        yield from (f"baseline:{name}" for name in BASELINE_NAMES)
        return
    before = "vllm:" if typed.startswith("vllm:") else ""
    owner, slash, _checkpoint = typed.removeprefix(before).partition("/")
    for plugin in list_plugins():
        if plugin == owner or (not slash and plugin.startswith(owner)):
            with contextlib.suppress(OpenRFTError):
                yield from (before + name for name in load_plugin_providers(plugin).policies())
    if not before:
        yield from ("baseline:", "openai:", "vllm:")
    yield from (before + path for path in list_paths(typed.removeprefix(before)) if path.endswith(("/", ".gguf")))


@offer
def complete_plugin(_: click.Context, typed: str) -> Iterable[str]:
    """The installed plugins, by their metadata."""
    from openrft.plugins.registry import list_plugins

    return list_plugins()


@offer
def complete_plugins(_: click.Context, typed: str) -> Iterator[str]:
    """The next of several plugins: after `sft,` every plugin but sft."""
    return _continue_list(typed)


@offer
def complete_presets(_: click.Context, typed: str) -> Iterable[str]:
    """The named settings."""
    from openrft.config.presets import PRESETS

    return PRESETS


@offer
def complete_owners(_: click.Context, typed: str) -> Iterable[str]:
    """Who has settings: the stages, the data and the installed plugins."""
    return _list_owners()


@offer
def complete_settings(_: click.Context, typed: str) -> Iterator[str]:
    """`OWNER.` first, then `OWNER.OPTION=`, then the values of an option that has few."""
    return _continue_setting(typed)


@offer
def complete_arm(_: click.Context, typed: str) -> Iterator[str]:
    """Behind `NAME=`: the next plugin, or a setting once its `OWNER.` is typed."""
    name, equals, listed = typed.partition("=")
    before, comma, last = listed.rpartition(",")
    if equals and "." in last:
        yield from (f"{name}={before}{comma}{setting}" for setting in _continue_setting(last))
    elif equals:
        yield from (f"{name}={found}" for found in _continue_list(listed))


@offer
def complete_studies(_: click.Context, typed: str) -> Iterable[str]:
    """The names of the studies."""
    from openrft.studies.catalog import STUDIES

    return STUDIES


@offer
def complete_axes(ctx: click.Context, typed: str) -> Iterator[str]:
    """`AXIS=` for what the study varies that stands before, then the study's own values."""
    from openrft.studies.catalog import STUDIES

    study = STUDIES.get(ctx.params.get("name") or next(iter(ctx.args), ""))
    for axis in study.axes if study else ():
        if axis.option:
            values = ",".join(level.label for level in axis.levels)
            yield f"{axis.name}={values}" if typed.startswith(f"{axis.name}=") else f"{axis.name}="


@offer
def complete_paths(_: click.Context, typed: str) -> Iterator[str]:
    """Files and folders."""
    return list_paths(typed)


@offer
def complete_folders(_: click.Context, typed: str) -> Iterator[str]:
    """Folders."""
    return (path for path in list_paths(typed) if path.endswith("/"))


def list_paths(typed: str) -> Iterator[str]:
    """The paths that begin with the typed text, sorted; folders end in a slash. Hidden ones only behind a dot."""
    before, slash, last = typed.rpartition("/")
    folder = Path(before + slash).expanduser()
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith(last) and (last or not entry.name.startswith(".")):
                yield f"{before}{slash}{entry.name}{'/' if entry.is_dir() else ''}"


def _continue_list(typed: str) -> Iterator[str]:
    from openrft.plugins.registry import list_plugins

    before, comma, _last = typed.rpartition(",")
    return (before + comma + name for name in list_plugins() if name not in before.split(","))


def _continue_setting(typed: str) -> Iterator[str]:
    from openrft.config.options import get_types, list_fields

    owner, dot, rest = typed.partition(".")
    if not dot:
        yield from (f"{name}." for name in _list_owners())
        return
    if (kind := _find_options(owner)) is None:
        return
    option, equals, _value = rest.partition("=")
    if equals:
        yield from (f"{owner}.{option}={word}" for word in _list_values(get_types(kind).get(option)))
    else:
        yield from (f"{owner}.{name}=" for name in list_fields(kind))


def _list_values(kind: Any) -> Iterator[str]:
    """The words that a type allows: those of a Literal, true and false, none."""
    if typing.get_origin(kind) is typing.Literal:
        yield from map(str, typing.get_args(kind))
    elif kind is bool:
        yield from ("true", "false")
    elif kind is type(None):
        yield "none"
    else:
        for part in typing.get_args(kind):
            yield from _list_values(part)


def _find_options(owner: str) -> type | None:
    from openrft.config.settings import STAGE_SETTINGS
    from openrft.plugins.registry import load_declaration
    from openrft.tasks.task import DataRequest

    known: dict[str, type] = {"data": DataRequest, **STAGE_SETTINGS}
    return known[owner] if owner in known else load_declaration(owner).Options


def _list_owners() -> list[str]:
    from openrft.config.settings import STAGE_SETTINGS
    from openrft.plugins.registry import list_plugins

    return ["policy", "data", *(name for name in STAGE_SETTINGS if name != "policy"), *list_plugins()]
