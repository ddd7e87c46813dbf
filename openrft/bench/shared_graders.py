"""Plugins that grade answers take part in every arm of a bench, so that all arms are measured alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from openrft.job import Arm
from openrft.plugins import registry
from openrft.plugins.manager import PluginSet, create_plugin
from openrft.plugins.registry import load_declaration

# None of these hooks changes a policy.
GRADER_HOOKS = frozenset(("check_job", "diagnose", "check_reward", "grade", "evaluate", "tasks", "policies"))


def find_graders(names: Iterable[str], values: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Those of `names` that grade answers with these options and do nothing else to an arm.

    Names that are not installed, and options with faults, are left to the checks that report them.
    """
    found = []
    for name in dict.fromkeys(names):
        if name not in registry.list_plugins() or "grade" not in load_declaration(name).hooks:
            continue
        options = values.get(name, {})
        acting = frozenset() if create_plugin(name, options)[1] else find_grading_hooks(name, options)
        if acting and acting <= GRADER_HOOKS:
            found.append(name)
    return tuple(found)


def find_grading_hooks(name: str, options: Mapping[str, Any]) -> frozenset[str]:
    """The hooks of a plugin that are called with these options; empty for one that does not grade."""
    plugins = PluginSet([name], {name: options})
    acting = frozenset(hook for hook in plugins.declarations[name].hooks if plugins.implementing(hook))
    return acting if "grade" in acting else frozenset()


def find_grader_of_all(names: Sequence[str], options: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The plugin among `names` that grades every answer in place of the tasks' own rules; None without one."""
    graders = [name for name in names if "grade" in load_declaration(name).hooks]
    return next(iter(PluginSet(graders, options).grading("all")), None)


def share_graders(arms: Sequence[Arm], graders: Sequence[str], notices: list[str]) -> tuple[Arm, ...]:
    """The arms, each with all of the graders. Appends a line to `notices` for each that some arm lacked."""
    for name in graders:
        if any(name not in arm.plugins for arm in arms):
            notices.append(f"{name} grades the answers of every arm, so that all are measured alike.")
    return tuple(replace(arm, plugins=tuple(dict.fromkeys((*arm.plugins, *graders)))) for arm in arms)


def check_graders(arms: Sequence[Arm], graders: Sequence[str]) -> list[str]:
    """Faults: an arm must not have a grader of its own making."""
    return [
        f"the arm {arm.name} sets options of {owner}, which grades every arm; set them with --set, for all of them."
        for arm in arms
        for owner in arm.overrides
        if owner in graders
    ]


def find_partial_graders(arms: Sequence[Arm], options: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Notices for plugins that grade in some arms only, because they do more than grading."""
    names = dict.fromkeys(name for arm in arms for name in arm.plugins)
    return [
        f"{name} grades the answers of some arms only: they are not measured like the others."
        for name in names
        if any(name not in arm.plugins for arm in arms)
        and "grade" in load_declaration(name).hooks
        and find_grading_hooks(name, options.get(name, {})) - GRADER_HOOKS
    ]
