"""`openrft settings`: list settings and options, their values, and where the values come from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from openrft.cli.completions import complete_owners, complete_policies
from openrft.cli.options import config_option, preset_option, read_config, set_option
from openrft.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from openrft.config.options import OptionInfo

EPILOG = """\b
Examples:
  openrft settings                              every stage, and every installed plugin
  openrft settings explore
  openrft settings rl --preset paper            as the paper has them
  openrft settings sft --policy ./my-model --set sft.lr=1e-4 --json
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One option with its current value."""

    owner: str  # a stage or plugin
    info: OptionInfo
    value: Any
    origin: str  # who set the value: "default", "policy pocket", "preset quick", "--config FILE", "--set"


@click.command("settings", epilog=EPILOG)
@click.argument("owner", required=False, shell_complete=complete_owners)
@preset_option
@click.option(
    "--policy",
    default="pocket",
    show_default=True,
    metavar="SPEC",
    shell_complete=complete_policies,
    help="The policy of the run.",
)
@config_option
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    owner: str | None,
    preset: str | None,
    policy: str,
    config: str | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the settings of the core and the options of plugins, their values and where the values come from.

    OWNER is a stage (explore, evaluate, fitness), policy, data, or a plugin; without it all are listed. Of these
    sources, a later one overrides an earlier one: the default, the policy's recommendation, the preset, the config
    file, --set.
    """
    from openrft.config.parse import parse_assignments

    given = {f"--config {config}": read_config(config), "--set": parse_assignments(settings)}
    found = list(_collect(owner, preset, policy, given))
    if as_json:
        print_json([_to_row(setting) for setting in found])
        return
    last = None
    for setting in found:
        if setting.owner != last:
            if last is not None:
                click.echo()
            print_text(setting.owner)
            last = setting.owner
        for line in _format_lines(setting):
            print_text(line)


def _collect(
    owner: str | None, preset: str | None, policy: str, given: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> Iterator[Setting]:
    """The settings of one owner or of all. Raises UsageError that lists every wrong value, of any owner."""
    from openrft.bench.plan_options import collect_layers, merge_layers
    from openrft.config.options import describe_options
    from openrft.config.parse import parse_values, raise_faults
    from openrft.errors import UnknownName

    kinds = _list_owners(owner)
    layers = collect_layers(policy, preset, given)
    values = merge_layers(layers)
    known = [*kinds, *(_list_installed() if owner else ())]
    names = [name for name in (owner, *(name for layer in given.values() for name in layer)) if name is not None]
    faults = [str(UnknownName("stage or plugin", name, known)) for name in names if name not in known]
    typed = {}
    for name, kind in kinds.items():
        typed[name], found = parse_values(kind, name, values.get(name, {}))
        faults += found
    raise_faults(faults)
    for name, kind in kinds.items():
        for info in describe_options(kind) if owner in (None, name) else ():
            origins = [origin for origin, layer in layers.items() if info.name in layer.get(name, {})]
            value = typed[name].get(info.name, info.default)
            yield Setting(
                name, info, value, origins[-1] if origins else "must be set" if info.must_be_set else "default"
            )


def _list_owners(owner: str | None) -> dict[str, type]:
    """The options class of each stage and plugin that has one. A plugin that cannot be loaded is left out with a
    note."""
    from openrft.config.settings import STAGE_SETTINGS
    from openrft.errors import OpenRFTError
    from openrft.plugins.registry import load_declaration
    from openrft.tasks.task import DataRequest

    kinds: dict[str, type] = {"data": DataRequest, **STAGE_SETTINGS}
    for name in _list_installed():
        try:
            options_class = load_declaration(name).Options
        except OpenRFTError as fault:
            if owner == name:
                raise
            print_text(f"note: {name} is left out: {fault}", err=True)
            continue
        if options_class is not None:
            kinds[name] = options_class
    return kinds


def _list_installed() -> list[str]:
    from openrft.plugins.registry import list_plugins

    return list(list_plugins())


def _to_row(setting: Setting) -> dict[str, Any]:
    info = asdict(setting.info)
    return {"owner": setting.owner, "option": info.pop("name"), "value": setting.value, "from": setting.origin, **info}


def _format_lines(setting: Setting) -> list[str]:
    """Two or more lines: the value with its origin; then help, source, type and range."""
    from openrft.config.options import format_value

    info = setting.info
    if setting.origin == "must be set":
        line = f"  {info.name} must be set"
    else:
        line = f"  {info.name} = {format_value(setting.value)}  ({setting.origin})"
        if setting.origin != "default" and not info.must_be_set:
            line = f"{line[:-1]}; default {format_value(info.default)})"
    kind = ", ".join(filter(None, (info.type, info.range)))
    source = f" Source: {info.source}." if info.source else ""
    text = f"{info.help}{source} ({kind})".strip()
    return [line, *textwrap.wrap(text, 110, initial_indent="      ", subsequent_indent="      ")]
