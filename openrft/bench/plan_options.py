"""The options of a plan's plugins: which plugin they belong to, their types, and the layers that they come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from openrft.config.options import find_named_paths
from openrft.config.parse import dump_options, parse_options
from openrft.config.presets import PRESETS
from openrft.config.settings import STAGE_SETTINGS, Settings
from openrft.errors import UnknownName
from openrft.job import Arm
from openrft.plugins import registry
from openrft.plugins.manager import create_plugin, read_options
from openrft.plugins.policy_registry import recommend_settings
from openrft.plugins.registry import load_declaration

Values = dict[str, dict[str, Any]]


def list_used_plugins(tasks: Sequence[str], arms: Sequence[Arm], options: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The plugins that take part: those of the tasks and of the arms, and those whose rewards these name."""
    named = [name for arm in arms for name in (*arm.plugins, *list_scorers(arm.plugins, options, arm.overrides))]
    return list(dict.fromkeys([*map(get_family, tasks), *named]))


def list_scorers(names: Sequence[str], *layers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The plugins whose rewards the options of `names` name (`openrft.RewardName`). An unknown one is left out here and
    refused where plugins are built."""
    found: list[str] = []
    for name in names if any(layers) else ():
        options_class = load_declaration(name).Options if name in registry.list_plugins() else None
        merged = {option: value for layer in layers for option, value in layer.get(name, {}).items()}
        for _, marker, other in find_named_paths(options_class, merged) if options_class and merged else ():
            if marker.names == "reward" and other in registry.list_plugins():
                found.append(other)
    return found


def coerce_options(
    options: Mapping[str, Mapping[str, Any]], used: Sequence[str]
) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """The plugins' options with their declared types, and all faults. Plugins without a value are checked too."""
    coerced: dict[str, Mapping[str, Any]] = {}
    faults: list[str] = []
    for name in used:
        values = options.get(name, {})
        found = create_plugin(name, values)[1]
        faults += found
        if values and not found:
            coerced[name] = dump_options(read_options(name, values)[0], values)
    return coerced, faults


def coerce_arms(
    arms: Sequence[Arm], settings: Settings, options: Mapping[str, Mapping[str, Any]], place: str
) -> tuple[tuple[Arm, ...], list[str]]:
    """The arms with their own values in the declared types, and all faults. `place` is a format with `arm` and
    `number`."""
    coerced, faults = [], []
    for number, arm in enumerate(arms):
        overrides: Values = {}
        for owner, values in arm.overrides.items():
            parsed: Any = None
            if owner in STAGE_SETTINGS:
                merged = {**asdict(getattr(settings, owner)), **values}
                parsed, found = parse_options(STAGE_SETTINGS[owner], owner, merged)
            elif owner in (*arm.plugins, *list_scorers(arm.plugins, options, arm.overrides)):
                merged = {**options.get(owner, {}), **values}
                found = create_plugin(owner, merged)[1]
                parsed = read_options(owner, merged)[0]
            else:
                found = [f"sets options of {owner}, which is neither a stage nor a plugin of this arm."]
            faults += [f"{place.format(arm=arm, number=number)}: {fault}" for fault in found]
            if parsed is not None:
                overrides[owner] = dump_options(parsed, values)
        coerced.append(replace(arm, overrides=overrides))
    return tuple(coerced), faults


def collect_layers(
    policy: str, preset: str | None, given: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    """The layers of settings by name, the weakest first: the policy's recommendation, the preset, then `given`."""
    layers: dict[str, Mapping[str, Mapping[str, Any]]] = {}
    recommended = recommend_settings(policy)
    if recommended:
        layers[f"policy {policy}"] = recommended
    if preset is not None:
        if preset not in PRESETS:
            raise UnknownName("preset", preset, PRESETS)
        layers[f"preset {preset}"] = PRESETS[preset]
    return {**layers, **given}


def merge_layers(layers: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Values:
    """The values of all layers together. A later layer overrides an earlier one."""
    merged: Values = {}
    for layer in layers.values():
        for owner, options in layer.items():
            merged.setdefault(owner, {}).update(options)
    return merged


def get_family(task: str) -> str:
    """The plugin that a task comes from. It takes part in every arm, because it may grade and measure."""
    return task.split("/")[0]


def find_unknown_owners(values: Mapping[str, Any], used: Collection[str]) -> list[str]:
    """Faults for options of owners that do not exist or do not take part."""
    faults = []
    for owner in values:
        if owner in STAGE_SETTINGS or owner in used or owner == "data":
            continue
        if owner in registry.list_plugins():
            faults.append(f"options are set for {owner}, which is in no arm; add it to --plugins.")
        else:
            faults.append(
                str(UnknownName("stage or plugin", owner, [*STAGE_SETTINGS, "data", *registry.list_plugins()]))
            )
    return faults
