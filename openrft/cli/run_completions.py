"""Shell completions of runs: their names, arms and tasks, read from the reports and plans on the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from openrft.cli.completions import list_paths, offer


@offer
def complete_runs(_: click.Context, typed: str) -> Iterator[str]:
    """The runs under `runs`, or the folders and JSON files where the typed path leads."""
    return _list_runs(typed)


@offer
def complete_run_arms(_: click.Context, typed: str) -> Iterator[str]:
    """RUN, and behind `RUN:` its arms."""
    run, colon, _arm = typed.rpartition(":")
    if colon and (plan := _read_plan(run)):
        yield from (f"{run}:{arm}" for arm in _list_arms(plan))
    else:
        yield from _list_runs(typed)


@offer
def complete_arms(ctx: click.Context, _: str) -> Iterator[str]:
    """The arms of the run before it."""
    yield from _list_arms(_read_plan(_find_run(ctx)))


@offer
def complete_other_arms(ctx: click.Context, typed: str) -> Iterator[str]:
    """The arms of the run before it, and other runs; after `RUN:` the arms of that run."""
    run, colon, _arm = typed.rpartition(":")
    if colon and (plan := _read_plan(run)):
        yield from (f"{run}:{arm}" for arm in _list_arms(plan))
        return
    yield from _list_arms(_read_plan(_find_run(ctx)))
    yield from (f"{found}:" for found in _list_runs(typed) if not found.endswith("/"))


@offer
def complete_run_tasks(ctx: click.Context, _: str) -> Iterator[str]:
    """The tasks of the run before it."""
    yield from map(str, _read_plan(_find_run(ctx)).get("tasks", ()))


def _list_runs(typed: str) -> Iterator[str]:
    if "/" not in typed:
        yield from (found.parent.name for found in sorted(Path("runs").glob("*/report.json")))
    for path in list_paths(typed):
        is_folder = path.endswith("/")
        if is_folder and (Path(path).expanduser() / "report.json").is_file():
            yield path[:-1]
        elif is_folder or path.endswith(".json"):
            yield path


def _find_run(ctx: click.Context) -> str:
    """The run among the arguments. While an option is still without its value, these are not assigned yet."""
    named = (ctx.params.get(name) for name in ("run", "candidate", "baseline", "first"))
    return next(filter(None, named), None) or next(iter(ctx.args), "")


def _read_plan(run: str) -> dict[str, Any]:
    """The plan beside the report of a run; empty if there is none. Raises ValueError if it cannot be read."""
    path = Path(run).expanduser()
    for folder in (path, path.parent, Path("runs") / run):
        if run and (plan := folder / "plan.json").is_file():
            content = json.loads(plan.read_text("utf-8"))
            if not isinstance(content, dict):
                raise ValueError("not a plan")
            return content
    return {}


def _list_arms(plan: dict[str, Any]) -> Iterator[str]:
    yield from (str(arm["name"]) for arm in plan.get("arms", ()) if isinstance(arm, dict) and "name" in arm)
