"""The plugin that is checked, with its options and what its hooks returned at their first call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from openrft.errors import DataError, OpenRFTError
from openrft.plugins.base import Declaration
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import LoadedEntryPoint, find_plugin
from openrft.plugins.task_registry import list_tasks, load_task
from openrft.tasks.task import DataRequest
from openrft.testing.batches import Batch, make_batch
from openrft.testing.conformance.other_process import OtherProcess
from openrft.testing.conformance.result import Problem
from openrft.testing.families import digest_task
from openrft.testing.hook_calls import CALLS, call_hook
from openrft.testing.plain import to_plain
from openrft.testing.toys import toy_task

HUGE = 1000  # answers in the huge batch


class Subject:
    """The plugin under test, shared by all checks. It is loaded when the first check needs it.

    `options`: plain values by option. `task` and `request`: the task of its family to check, and the data it needs.
    `policy`: what its trainer trains; by default a tiny checkpoint of random weights.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        task: str | None = None,
        request: DataRequest | None = None,
        policy: str | None = None,
        other_process: OtherProcess | None = None,
    ) -> None:
        self.name, self.options = name, dict(options or {})
        self.task, self.request, self.policy = task, request or DataRequest(), policy
        self.other_process = other_process or OtherProcess()
        find_plugin(name)  # raises for a name that no plugin has

    def open(self) -> PluginSet:
        """A new instance of the plugin. Raises PluginError for its own fault, UsageError for that of the options."""
        return PluginSet([self.name], {self.name: self.options})

    @cached_property
    def plugins(self) -> PluginSet:
        """The plugin as it was first built."""
        return self.open()

    @property
    def declaration(self) -> Declaration:
        """What the plugin declares, with these options."""
        return self.plugins.declarations[self.name]

    @cached_property
    def acting(self) -> tuple[str, ...]:
        """The names of the hooks that these options do not switch off."""
        return tuple(hook for hook in self.declaration.hooks if self.name in self.plugins.implementing(hook))

    @cached_property
    def _first(self) -> tuple[dict[str, Any], dict[str, Problem]]:
        results, faults = dict[str, Any](), dict[str, Problem]()
        for hook in self.acting:
            if hook in CALLS:
                try:
                    results[hook] = self.call(self.plugins, hook, make_batch(toy_task()))
                except OpenRFTError as fault:
                    faults[hook] = self.describe(fault)
        return results, faults

    @property
    def results(self) -> dict[str, Any]:
        """By hook, what its first call on toy data returned, as plain data; only hooks whose result was sound."""
        return self._first[0]

    @property
    def faults(self) -> dict[str, Problem]:
        """By hook, what was wrong with its first call."""
        return self._first[1]

    def call(self, plugins: PluginSet, hook: str, batch: Batch, seed: int = 0) -> Any:
        """What the hook returns, as plain data. Raises OpenRFTError for what is not sound."""
        return to_plain(call_hook(plugins, hook, batch, seed))

    def describe(self, fault: OpenRFTError, where: str = "") -> Problem:
        """An error of the plugin as a problem. `where`: words in front of it."""
        said = fault.message.replace(str(find_plugin(self.name)), "it").rstrip(".")
        said = said.removeprefix("it ") if said.startswith("it in ") else said.removeprefix("it: ")
        return Problem(f"{where}{said}", "" if fault.advice.startswith("Leave the plugin out") else fault.advice)

    @cached_property
    def task_name(self) -> str | None:
        """The task of its family that is checked; None if the family lists none without data."""
        present = [info.name for info in list_tasks(self.name, self.request.data) if not info.absent]
        return self.task or next(iter(present), None)

    @cached_property
    def task_rows(self) -> str | Problem:
        """The digest of that task; a problem if its rows are elsewhere and were not given. Raises OpenRFTError."""
        if self.task_name is None:
            return Problem("its family lists no task without data", "Give rows with --data.", "not run")
        try:
            return digest_task(load_task(self.task_name, self.request))
        except DataError as fault:
            if self.request.data is not None:
                raise
            return replace(self.describe(fault), verdict="not run")

    @property
    def asks_server(self) -> bool:
        """Whether its options name a model behind a server, so that every call may cost money."""
        return any(path.startswith("openai:") for _, _, path in self.plugins.named_paths(self.name))

    @property
    def is_installed(self) -> bool:
        """Whether another process finds it: a class that only this process knows is not found."""
        return not isinstance(find_plugin(self.name).entry, LoadedEntryPoint)
