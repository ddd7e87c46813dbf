"""The plugins that one job names, built from their options, their hooks called in the arm's order.

One pluggy manager a job, no global one. A plugin's failure carries its name and version and stops its own job only.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pluggy

from openrft.config.parse import dump_options, parse_options, raise_faults
from openrft.errors import OpenRFTError, PluginError, UsageError
from openrft.plugins import hookspecs
from openrft.plugins.errors import name_plugin_in_errors
from openrft.plugins.registry import digest_plugin_source, find_plugin, library_versions, load_plugin_class


def resolve_requirements(names: Iterable[str], among: Iterable[str] = ()) -> list[str]:
    """`names` and all that they need, needed ones first, in a stable order.

    A plugin of `names` or `among` that `provides` another's part takes its place. Raises UsageError for a circle, and
    for two plugins in one part.
    """
    names = list(names)
    replacements = {
        part: name for name in (*among, *names) for part in getattr(load_plugin_class(name), "replaces", ())
    }
    order: list[str] = []

    def add(name: str, chain: tuple[str, ...]) -> None:
        if name in chain:
            raise UsageError(f"plugins need each other in a circle: {' -> '.join((*chain, name))}.")
        for other in getattr(load_plugin_class(name), "requires", ()):
            add(replacements.get(other, other), (*chain, name))
        if name not in order:
            order.append(name)

    for name in names:
        add(name, ())
    for part, name in replacements.items():
        if part in order and name in order:
            raise UsageError(f"{name} takes the place of {part}: no arm can have both.", f"Leave {part} or {name} out.")
    return order


def create_plugin(name: str, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """An instance with these options, or None and all faults of the options."""
    cls = load_plugin_class(name)
    options, faults = read_options(name, values)
    if faults:
        return None, faults
    try:
        with name_plugin_in_errors(name, "failed to start"):
            return cls() if options is None else cls(options), []
    except UsageError as fault:
        return None, [str(fault)]


def read_options(name: str, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The plugin's options object, or None and all faults; None too for a plugin without options."""
    options_class = get_options_class(name)
    if options_class is None:
        return None, [f"{name} takes no options (given: {', '.join(values)})."] if values else []
    with name_plugin_in_errors(name, "failed to read its options"):
        return parse_options(options_class, name, values)


def get_options_class(name: str) -> Any:
    """The plugin's nested dataclass `Options`; None where it has none. Raises PluginError if it is something else."""
    options_class = getattr(load_plugin_class(name), "Options", None)
    if options_class is not None and not dataclasses.is_dataclass(options_class):
        raise PluginError(
            f"{find_plugin(name)}: its Options is not a dataclass.",
            "Write @dataclass(frozen=True) above class Options.",
        )
    return options_class


class PluginSet:
    """The plugins of one job, in the arm's order, with their hooks."""

    def __init__(self, names: Iterable[str], options: Mapping[str, Mapping[str, Any]]) -> None:
        self.names = tuple(names)
        self.instances: dict[str, Any] = {}
        self.options = {name: dict(options.get(name, {})) for name in self.names}
        self.seconds: dict[str, float] = dict.fromkeys(self.names, 0.0)
        self._manager = pluggy.PluginManager(hookspecs.GROUP)
        self._manager.add_hookspecs(hookspecs.Hooks)
        faults: list[str] = []
        for name in self.names:
            self.instances[name], found = create_plugin(name, self.options[name])
            faults += found
            if options := read_options(name, self.options[name])[0]:
                self.options[name] = dump_options(options, self.options[name])  # 1e-4 is 0.0001, however it was typed
        raise_faults(faults)
        # pluggy calls last-registered first; registering in reverse makes the listed order the call order.
        for name in reversed(self.names):
            self._register(name)

    def _register(self, name: str) -> None:
        instance = self.instances[name]
        try:
            self._manager.register(instance, name=name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as fault:
            hooks = [h for h in vars(hookspecs.Hooks) if not h.startswith("_")]
            reason = str(fault).strip().splitlines()[-1].strip()
            unknown = re.match(r"unknown hook '(\w+)'", reason)
            if unknown:
                near = difflib.get_close_matches(unknown.group(1), hooks, n=1)
                reason = f"there is no hook {unknown.group(1)!r}" + (f"; did it mean {near[0]}?" if near else "")
            raise PluginError(
                f"{find_plugin(name)} does not fit the hooks: {reason}", f"The hooks are {', '.join(hooks)}."
            ) from fault
        for caller in self._manager.get_hookcallers(instance) or ():
            for impl in caller.get_hookimpls():
                if impl.plugin is instance:
                    impl.function = self._guarded(name, caller.name, impl.function)  # type: ignore[misc]

    def _guarded(self, name: str, hook: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The hook's implementation with its result labelled and its failure attributed."""

        def call(*args: Any) -> tuple[str, Any] | None:
            began = time.perf_counter()
            try:
                result = function(*args)
            except OpenRFTError as fault:
                fault.message = f"{find_plugin(name)} in {hook}: {fault.message}"
                raise
            except Exception as fault:
                raise PluginError(
                    f"{find_plugin(name)} raised {type(fault).__name__} in {hook}: {fault}",
                    "Rerun with --debug for the traceback; leave the plugin out to go on without it.",
                ) from fault
            finally:
                self.seconds[name] += time.perf_counter() - began
            return None if result is None else (name, result)

        return call

    def implementing(self, hook: str) -> list[str]:
        """Names of the plugins that implement the hook, in call order."""
        impls = getattr(self._manager.hook, hook).get_hookimpls()
        return [impl.plugin_name for impl in reversed(impls)]

    def trainers_for(self, objective: str) -> list[str]:
        """Plugins that train for this objective (attribute `objectives`; one without it: "imitate" and "explore")."""
        every = ("imitate", "explore")
        trainers = self.implementing("train_step")
        return [name for name in trainers if objective in getattr(self.instances[name], "trains", every)]

    def call_all(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """(plugin name, result) of every plugin that returned one, in the arm's order."""
        return list(getattr(self._manager.hook, hook)(**arguments))

    def call_first(self, hook: str, **arguments: Any) -> tuple[str, Any] | None:
        """(plugin name, result) of the first plugin that returned one."""
        result: tuple[str, Any] | None = getattr(self._manager.hook, hook)(**arguments)
        return result

    def counts(self, name: str) -> dict[str, int]:
        """What a plugin counted in its last hook (its attribute `counts`), such as fallbacks or refusals."""
        with name_plugin_in_errors(name, "has no whole numbers in counts"):
            return {key: int(n) for key, n in (getattr(self.instances[name], "counts", None) or {}).items()}

    def states(self, names: Iterable[str]) -> dict[str, Any]:
        """What plugins must remember from one step of training to the next (attribute `state`, plain JSON)."""
        return {name: state for name in names if (state := getattr(self.instances[name], "state", None)) is not None}

    def restore_states(self, states: Mapping[str, Any]) -> None:
        """Give back what `states` took."""
        for name, state in states.items():
            self.instances[name].state = state

    def get_option(self, name: str, option: str) -> Any:
        """What a plugin's option is, given or by default; None if it has no such option."""
        kind = get_options_class(name)
        defaults = {f.name: f.default for f in dataclasses.fields(kind)} if kind else {}
        return self.options[name].get(option, defaults.get(option))

    def identity(self, names: Iterable[str]) -> list[list[Any]]:
        """Code and options of each: what a stored result depends on."""
        return [[*self.code(n), self.options[n]] for n in names]

    def code(self, name: str) -> list[Any]:
        """Name, version, code digest and the versions of the libraries under it."""
        return [name, find_plugin(name).version, digest_plugin_source(name), library_versions(name)]


@functools.cache
def load_plugin_providers(name: str) -> Any:
    """The plugin's task and checkpoint providers, called through the same guards as any hook."""
    return _Providers(name)


class _Providers:
    """Providers need no options, so a plugin that has none of these hooks is not even built."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._plugins: PluginSet | None = None

    def _only(self, hook: str) -> Any | None:
        if not hasattr(load_plugin_class(self._name), hook):
            return None
        self._plugins = self._plugins or PluginSet([self._name], {})
        found = self._plugins.call_all(hook)
        return found[0][1] if found else None

    def policies(self) -> Mapping[str, hookspecs.PolicyInfo]:
        return self._only("policies") or {}

    def tasks(self) -> Any | None:
        return self._only("tasks")
