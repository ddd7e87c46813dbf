"""Print docs/settings.md: every setting of the core with its default and its help, from the code.

Run it from the repository's root: `python docs/make_settings.py > docs/settings.md`. A test wants the page
as it is printed.
"""

from __future__ import annotations

from collections.abc import Iterator

from openrft.config.options import describe_options, format_value
from openrft.config.presets import PRESETS
from openrft.config.settings import STAGE_SETTINGS
from openrft.tasks.task import DataRequest

HEAD = """# Settings

Every setting of the core. The options of plugins stand in the [README of each plugin](commands.md#plugins). Set one
with `--set OWNER.OPTION=VALUE`, or in a TOML file with `--config`:

    openrft settings explore --preset paper
    openrft bench --plugins prm --set explore.steps=60 --set rl.lr=1e-4 --dry-run

Values come from the default, the policy's recommendation, the preset, the config file and `--set`. Later ones override
earlier ones. On the command line the settings of `data` have options of their own (`--train`, `--test`). In a TOML file
they are the table `[data]`.

This page is made from the code by `python docs/make_settings.py`.
"""


def write_owner(owner: str, kind: type) -> Iterator[str]:
    """The table of one owner's settings."""
    yield f"\n## {owner}\n\n| setting | default | what it is |\n|---|---|---|"
    for info in describe_options(kind):
        default = "must be set" if info.must_be_set else f"`{format_value(info.default)}`"
        source = f" Source: {info.source}." if info.source else ""
        limits = f" ({info.type}{', ' + info.range if info.range else ''})"
        text = f"{info.help}{source}{limits}".replace("|", "\\|").replace("\n", " ")
        yield f"| `{owner}.{info.name}` | {default} | {text} |"


def write_presets() -> Iterator[str]:
    """The table of what each preset sets."""
    yield "\n## Presets\n\n`--preset NAME` sets all of these. `paper` has the paper's values, even where a policy"
    yield "recommends others. `quick` gives a first look in minutes, but no reliable result.\n"
    yield "| setting |" + "".join(f" `{name}` |" for name in PRESETS) + "\n|---|" + "---|" * len(PRESETS)
    owners = dict.fromkeys((owner, key) for preset in PRESETS.values() for owner in preset for key in preset[owner])
    for owner, key in owners:
        values = [preset.get(owner, {}).get(key) for preset in PRESETS.values()]
        yield f"| `{owner}.{key}` |" + "".join(f" {'' if value is None else value} |" for value in values)


def write_page() -> str:
    """The whole page."""
    owners = {**STAGE_SETTINGS, "data": DataRequest}
    tables = [line for owner, kind in owners.items() for line in write_owner(owner, kind)]
    return "\n".join([HEAD.rstrip(), *tables, *write_presets()]) + "\n"


if __name__ == "__main__":
    print(write_page(), end="")
