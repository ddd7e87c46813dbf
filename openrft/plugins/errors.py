"""Errors of plugins. A failure, or a return value of the wrong shape, is reported with the plugin's name."""

from __future__ import annotations

import contextlib
import json
import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from openrft.errors import OpenRFTError, PluginError
from openrft.plugins.hookspecs import HookResult
from openrft.plugins.registry import find_plugin

T = TypeVar("T")


@contextlib.contextmanager
def name_plugin_in_errors(name: str, what: str) -> Iterator[None]:
    """A context for code of a plugin, or code that reads what it returned. Any error becomes a PluginError with its
    name.

    `what` continues the sentence that begins with the plugin: "failed in names".
    """
    try:
        yield
    except OpenRFTError:
        raise
    except Exception as fault:  # a plugin may raise anything; the error names the plugin
        raise PluginError(
            f"{find_plugin(name)} {what}: {type(fault).__name__}: {fault}.", "Rerun with --debug for the traceback."
        ) from fault


def check_list(name: str, hook: str, kind: type[T], given: Iterable[object]) -> list[T]:
    """What a plugin returned from `hook`, as a list of `kind`. Raises PluginError if it is not one."""
    with name_plugin_in_errors(name, f"gave no list in {hook}"):
        found = list(given)
    for one in found:
        if not isinstance(one, kind):
            raise PluginError(
                f"{find_plugin(name)} gave a {type(one).__name__} in {hook}, in place of a {kind.__name__}."
            )
    return cast("list[T]", found)


def check_metrics(name: str, hook: str, metrics: Mapping[str, Any]) -> dict[str, float]:
    """A plugin's metrics as plain numbers. Those of numpy and torch are accepted. Raises PluginError for text."""
    with name_plugin_in_errors(name, f"gave metrics that are no numbers in {hook}"):
        return {str(k): v if type(v) in (int, float) else float(v) for k, v in dict(metrics).items()}


def check_result(name: str, hook: str, given: object) -> HookResult[Any]:
    """What a hook returned, as a HookResult with plain numbers and a state that has passed through JSON.

    Raises PluginError with the plugin's name.
    """
    if not isinstance(given, HookResult):
        return HookResult(given)
    with name_plugin_in_errors(name, f"gave counts that are no whole numbers in {hook}"):
        counts = {str(key): operator.index(n) for key, n in given.counts.items()}
    with name_plugin_in_errors(name, f"gave a state that is no plain JSON in {hook}"):
        state = None if given.state is None else json.loads(json.dumps(given.state, allow_nan=False))
    metrics = check_metrics(name, hook, given.metrics)
    if broken := [f"{key} is {value}" for key, value in metrics.items() if not math.isfinite(value)]:
        raise PluginError(f"{find_plugin(name)} measured in {hook}: {', '.join(broken)}.", "Leave out what is unknown.")
    return HookResult(given.value, counts, metrics, state)
