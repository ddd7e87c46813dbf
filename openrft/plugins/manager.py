"""The plugins of one job: built from their options, with hooks called in the arm's order.

Each job has its own pluggy manager. An error of a plugin names it and its version, and stops only its own job.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

import pluggy

from openrft.config.options import PathMarker, find_named_paths, find_path_options
from openrft.config.parse import dump_options, parse_options, raise_faults
from openrft.errors import OpenRFTError, PluginError, UnknownName, UsageError
from openrft.plugins import hookspecs
from openrft.plugins.base import Declaration, DeclarationFault, read_instance
from openrft.plugins.errors import check_result, name_plugin_in_errors
from openrft.plugins.hookspecs import Graded, HookResult
from openrft.plugins.registry import (
    check_requirements,
    digest_plugin_source,
    find_plugin,
    library_versions,
    load_declaration,
    load_plugin_class,
)
from openrft.runtime.ranks import compute_once
from openrft.types import JSON, RewardKind

logger = logging.getLogger(__name__)

# Hooks that work with the policy. Where several ranks work on one job, these run on each of them, because the policy
# deals out its work. All others run on rank 0, so that what they call, keep or draw happens once.
ON_EVERY_RANK = {"instruct", "augment", "synthesize", "train_step"}


def resolve_requirements(names: Iterable[str], among: Iterable[str] = ()) -> list[str]:
    """`names` and all that they require, required ones first, in a stable order.

    A plugin of `names` or `among` that `replaces` another takes its place. Raises UsageError for a circle, and for an
    arm with a plugin and its replacement, PluginError for a required plugin that is not installed.
    """
    names = list(names)
    replacements = {part: name for name in (*among, *names) for part in load_declaration(name).replaces}
    order: list[str] = []

    def add(name: str, chain: tuple[str, ...]) -> None:
        if name in chain:
            raise UsageError(f"plugins require each other in a circle: {' -> '.join((*chain, name))}.")
        for other in load_declaration(name).requires:
            if other not in replacements:
                check_requirements(name)
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
    check_requirements(name)
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
    options_class = load_declaration(name).Options
    if options_class is None:
        return None, [f"{name} takes no options (given: {', '.join(values)})."] if values else []
    with name_plugin_in_errors(name, "failed to read its options"):
        return parse_options(options_class, name, values)


class PluginSet:
    """The plugins of one job, in the arm's order, with their hooks."""

    def __init__(self, names: Iterable[str], options: Mapping[str, Mapping[str, Any]]) -> None:
        self.names = tuple(names)
        self.instances: dict[str, Any] = {}
        self.declarations: dict[str, Declaration] = {}
        self.states: dict[str, JSON] = {}  # by plugin: what its train_step is given as `state`
        self.options = {name: dict(options.get(name, {})) for name in self.names}
        self.seconds: dict[str, float] = dict.fromkeys(self.names, 0.0)
        self._manager = pluggy.PluginManager(hookspecs.GROUP)
        self._manager.add_hookspecs(hookspecs.Hooks)
        faults: list[str] = []
        for name in self.names:
            self.instances[name], found = create_plugin(name, self.options[name])
            faults += found
            if read := read_options(name, self.options[name])[0]:
                self.options[name] = dump_options(read)  # 1e-4 is 0.0001, and a default is a value like any other
        raise_faults(faults)
        # pluggy calls last-registered first; registering in reverse makes the listed order the call order.
        for name in reversed(self.names):
            self._register(name)
        named = {name: self._open_scorer(name, options) for name in self.names}
        self.scorers = {name: own for name, own in named.items() if own is not None}
        # ^ by plugin: the one whose rewards its hook `weigh` is given
        if len(rivals := self.grading("all")) > 1:
            raise UsageError(f"{' and '.join(rivals)} both grade every answer.", "Use one of them.")

    def _open_scorer(self, name: str, options: Mapping[str, Mapping[str, Any]]) -> PluginSet | None:
        """The plugin that an option of this one names for its rewards, with its own options; None without one.

        Raises UsageError for a plugin whose rewards a question without a gold answer cannot have.
        """
        for option, marker, other in self.named_paths(name):
            if marker.names == "reward":
                try:
                    found = PluginSet([other], options)
                except UnknownName as fault:
                    fault.message = f"{name}.{option}: {fault.message}"
                    raise
                if not found.implementing("reward"):
                    raise UsageError(
                        f"{name}.{option}={other}: {other} gives no rewards with these options.",
                        "Name a plugin that has the hook reward.",
                    )
                if found.declarations[other].needs_gold:
                    raise UsageError(
                        f"{name}.{option}={other}: its rewards may depend on the gold answer, which a new question does"
                        " not have.",
                        "Name a plugin that declares needs_gold = False.",
                    )
                return found
        return None

    def _register(self, name: str) -> None:
        instance = self.instances[name]
        try:
            self.declarations[name] = read_instance(load_declaration(name), instance)
        except DeclarationFault as fault:
            raise PluginError(f"{find_plugin(name)}: {fault.message}", fault.advice) from fault
        self._manager.register(instance, name=name)
        for caller in self._manager.get_hookcallers(instance) or ():
            for impl in caller.get_hookimpls():
                if impl.plugin is instance:
                    impl.function = self._guard(name, caller.name, impl)  # type: ignore[misc]

    def _guard(self, name: str, hook: str, impl: pluggy.HookImpl) -> Callable[..., Any]:
        """The hook's implementation, with its result checked and its failure reported with the plugin's name."""
        function = impl.function
        own_state = impl.argnames.index("state") if hook == "train_step" and "state" in impl.argnames else None

        def call(*args: Any) -> tuple[str, HookResult[Any]] | None:
            if own_state is not None:  # pluggy passes every plugin the same arguments
                args = (*args[:own_state], self.states.get(name), *args[own_state + 1 :])
            began = time.perf_counter()
            try:
                result = function(*args)
            except OpenRFTError as fault:
                fault.message = f"{find_plugin(name)} in {hook}: {fault.message}"
                raise
            except Exception as fault:
                raise PluginError(
                    f"{find_plugin(name)} raised {type(fault).__name__} in {hook}: {str(fault).removesuffix('.')}.",
                    "Fix the plugin, or leave it out.",
                ) from fault
            finally:
                spent = time.perf_counter() - began
                self.seconds[name] += spent
                logger.debug("%s: %s took %.3f s", name, hook, spent)
            checked = check_result(name, hook, result)
            return None if checked.value is None else (name, checked)

        return call

    def implementing(self, hook: str) -> list[str]:
        """Names of the plugins that implement the hook, in call order."""
        impls = getattr(self._manager.hook, hook).get_hookimpls()
        return [impl.plugin_name for impl in reversed(impls) if self._acts(impl.plugin_name, hook)]

    def _acts(self, name: str, hook: str) -> bool:
        """Whether the plugin's hook is called with these options."""
        declared = self.declarations[name]
        return not ((hook == "reward" and not declared.rewards) or (hook == "grade" and declared.grades == "none"))

    def trainers_for(self, objective: str) -> list[str]:
        """Plugins that train for this objective."""
        return [name for name in self.implementing("train_step") if objective in self.declarations[name].trains]

    def rewarding(self, kind: RewardKind) -> list[str]:
        """Plugins that give rewards of this kind."""
        return [name for name in self.implementing("reward") if kind in self.declarations[name].rewards]

    def grading(self, answers: Graded) -> list[str]:
        """Plugins that grade these answers."""
        return [name for name in self.implementing("grade") if self.declarations[name].grades == answers]

    def call_all(
        self, hook: str, *, among: Collection[str] | None = None, **arguments: Any
    ) -> list[tuple[str, HookResult[Any]]]:
        """(plugin name, result) of every plugin that returned one, in the arm's order. `among`: only these plugins."""
        return list(self._call(hook, among, arguments))

    def call_first(
        self, hook: str, *, among: Collection[str] | None = None, **arguments: Any
    ) -> tuple[str, HookResult[Any]] | None:
        """(plugin name, result) of the first plugin that returned one. `among`: only these plugins."""
        result: tuple[str, HookResult[Any]] | None = self._call(hook, among, arguments)
        return result

    def _call(self, hook: str, among: Collection[str] | None, arguments: Mapping[str, Any]) -> Any:
        asked = self.implementing(hook) if among is None else among
        caller = self._manager.subset_hook_caller(hook, [self.instances[n] for n in self.names if n not in asked])
        return caller(**arguments) if hook in ON_EVERY_RANK else compute_once(partial(caller, **arguments))

    def identity(self, names: Iterable[str]) -> list[list[Any]]:
        """The code and options of each plugin, as JSON data; they are part of the key of stored results."""
        return [[*self.code(name), self._list_options(name)] for name in names]

    def _list_options(self, name: str) -> dict[str, Any]:
        """Every option and its value, except paths that the plugin writes to."""
        options_class = self.declarations[name].Options
        markers = find_path_options(options_class) if options_class else {}
        written = {option for option, marker in markers.items() if marker.names == "output"}
        return {option: value for option, value in self.options[name].items() if option not in written}

    def named_paths(self, name: str) -> list[tuple[str, PathMarker, str]]:
        """The weights and files that the plugin's options name, each with its option."""
        options_class = self.declarations[name].Options
        return find_named_paths(options_class, self.options[name]) if options_class else []

    def code(self, name: str) -> list[Any]:
        """Name, version, code digest, and the versions of the libraries it uses."""
        return [name, find_plugin(name).version, digest_plugin_source(name), library_versions(name)]


@functools.cache
def load_plugin_providers(name: str) -> Any:
    """The plugin's task and checkpoint providers, called through the same guards as any hook."""
    return _Providers(name)


class _Providers:
    """Calls the hooks `tasks` and `policies`. A plugin without them is not built, because providers need no options."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._plugins: PluginSet | None = None

    def _only(self, hook: str) -> Any | None:
        if hook not in load_declaration(self._name).hooks:
            return None
        self._plugins = self._plugins or PluginSet([self._name], {})
        found = self._plugins.call_all(hook)
        return found[0][1].value if found else None

    def policies(self) -> Mapping[str, hookspecs.PolicyInfo]:
        return self._only("policies") or {}

    def tasks(self) -> Any | None:
        return self._only("tasks")
