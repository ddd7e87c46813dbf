"""One call of each hook on toy data, with what it returns checked as in a run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import describe_slow_import, find_plugin
from openrft.tasks.task import DataRequest
from openrft.testing.batches import make_batch
from openrft.testing.families import check_family, find_first_task
from openrft.testing.hook_calls import call_hook
from openrft.testing.toys import toy_task


def check_plugin(
    name: str,
    options: Mapping[str, Any] | None = None,
    task: str | None = None,
    request: DataRequest | None = None,
) -> list[str]:
    """Load an installed plugin like a job, call its hooks on toy data, and check what they return.

    If the plugin provides tasks, `check_family` runs too, with `task` (by default the first one that it lists) and
    `request`. Returns the names of the hooks that were called; `train_step` is not, because it needs a policy, nor what
    these options switch off. Raises PluginError (or AssertionError) that says what is wrong. Warns of a slow import.
    """
    plugins, batch, called = PluginSet([name], {name: dict(options or {})}), make_batch(toy_task()), []
    if slow := describe_slow_import(name):
        warnings.warn(f"{find_plugin(name)}: {slow}", stacklevel=2)
    for hook in plugins.declarations[name].hooks:
        if hook == "train_step" or name not in plugins.implementing(hook):
            continue
        called.append(hook)
        if hook == "tasks":
            request = request or DataRequest()
            check_family(name, task or find_first_task(name, request), request)
        else:
            call_hook(plugins, hook, batch)
    return called
