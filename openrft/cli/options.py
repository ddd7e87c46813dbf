"""Options that several commands share, and how they become a request."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from openrft.cli.completions import (
    complete_paths,
    complete_plugins,
    complete_policies,
    complete_presets,
    complete_settings,
    complete_tasks,
    complete_words,
)
from openrft.types import AnswerKind

if TYPE_CHECKING:
    from openrft.bench.plan import BenchRequest

# Test questions of the default task. They are generated and cheap to answer, and more of them narrow the intervals.
DEFAULT_TASK_TEST = 240


class Integer(click.types.IntParamType):
    """What seeds may be: 64 bits. As click.IntRange, but help does not show a range of 19 digits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number: int = super().convert(value, param, ctx)
        if abs(number) >= 2**63:
            self.fail(f"{number} is not in the range {1 - 2**63}<=x<={2**63 - 1}.", param, ctx)
        return number


INTEGER = Integer()

F = TypeVar("F", bound=Callable[..., Any])


class PathType(click.Path):
    """A file or folder, `~` included, that this machine could have: any other is refused before it costs time."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path as text, or as `path_type`."""
        from openrft.runtime.fingerprint import expand_path

        option = f"{param.opts[-1]} " if param else ""
        return super().convert(str(expand_path(str(value), option)), param, ctx)


preset_option = click.option(
    "--preset",
    default=None,
    metavar="NAME",
    shell_complete=complete_presets,
    help="A named group of settings: paper or quick.",
)

config_option = click.option(
    "--config", default=None, type=PathType(dir_okay=False), help="TOML file with the same settings as --set."
)

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="OWNER.OPTION=VALUE",
    shell_complete=complete_settings,
    help="A stage's setting or a plugin's option; `openrft settings` lists them. Repeatable.",
)

_READING = [  # how the rows of a source are understood
    click.option(
        "--map",
        "columns",
        multiple=True,
        metavar="MEANING=COLUMN",
        help="What a column means, if its name does not say so: question=prompt,answer=gold. Repeatable.",
    ),
    click.option(
        "--count-from",
        type=click.Choice(["0", "1"]),
        default=None,
        help="Whether numbered answers count the options from 0 or from 1.",
    ),
    click.option(
        "--kind",
        type=click.Choice(get_args(AnswerKind)),
        default=None,
        help="The kind of all answers.  [default: detected for each row]",
    ),
    click.option("--sheet", default=None, metavar="NAME", help="The sheet of an Excel file."),
    click.option(
        "--split",
        default=None,
        metavar="NAME",
        help="The split of a data set to draw from, or TRAIN:TEST.  [default: its train and test, or its only one]",
    ),
]

_GRADING = [  # when two numbers are equal
    click.option(
        "--tolerance",
        type=click.FloatRange(min=0),
        default=None,
        metavar="PART",
        help="Allowed relative error of a number: 0.01 is one percent of the gold answer."
        "  [default: half a unit of the gold answer's last digit]",
    ),
    click.option(
        "--convert-units",
        is_flag=True,
        help="Accept an equal answer in another unit: 5 cm for 0.05 m. Needs the package pint.",
    ),
]

_DATA = [
    click.option(
        "--data",
        default=None,
        metavar="SOURCE",
        shell_complete=complete_paths,
        help="The questions: a file, a folder, or another source that the task family can read.",
    ),
    click.option(
        "--train", type=click.IntRange(min=1), default=None, help="Training questions per task.  [default: 100]"
    ),
    click.option(
        "--test",
        type=click.IntRange(min=1),
        default=None,
        help="Test questions per task.  [default: 100; 240 without --task]",
    ),
    click.option(
        "--data-seed",
        type=INTEGER,
        default=None,
        help="Seed of the train and test split, if the data has no split of its own.  [default: 0]",
    ),
    click.option(
        "--skip-bad-rows", is_flag=True, help="Leave out malformed rows and count them instead of refusing the run."
    ),
    click.option("--drop-leaks", is_flag=True, help="Remove training questions that overlap with the test split."),
    click.option("--clean", is_flag=True, help="Leave out rows with known defects, in train and test."),
    *_GRADING,
    *_READING,
]

_OPTIONS = [
    click.option(
        "--task",
        "tasks",
        multiple=True,
        metavar="SELECTOR",
        shell_complete=complete_tasks,
        help="A task: FAMILY/LEVEL/NAME. `bench` takes several, also by a glob.  [default: pocket/L3]",
    ),
    click.option(
        "--policy",
        default=None,
        metavar="SPEC",
        shell_complete=complete_policies,
        help="The model: a checkpoint or adapter folder, a GGUF file, a hub id or an included model, each also with"
        " vllm: before it; openai:URL#MODEL; or baseline:NAME.  [default: pocket]",
    ),
    *_DATA,
    preset_option,
    config_option,
    set_option,
]

baselines_option = click.option(
    "--baselines", is_flag=True, help="Also run each rule that answers without a model, as an arm of its own."
)

wide_option = click.option("--wide", is_flag=True, help="Show all columns of all tables, even in a narrow terminal.")

track_option = click.option(
    "--track",
    "tracker",
    default=None,
    metavar="tensorboard|wandb|mlflow",
    shell_complete=complete_words("tensorboard", "wandb", "mlflow"),
    help="Also send the metrics of RL to this tracker while it runs. Changes no result.",
)


def plugins_option(which: str, default: str) -> Callable[[F], F]:
    """The option --plugins of a command, with its help and its default."""
    text = f"{which}  [default: {default}]"
    return click.option("--plugins", default=None, metavar="P,P", shell_complete=complete_plugins, help=text)


def shared_options(function: F) -> F:
    """Add the options for tasks, policy, rows and settings."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def data_options(function: F) -> F:
    """Add the options for the rows of a task."""
    for option in reversed(_DATA):
        function = option(function)
    return function


def parse_data_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of DataRequest that were given."""
    data = {
        "train": given["train"],
        "test": given["test"],
        "seed": given["data_seed"],
        "data": given["data"],
        "skip_bad_rows": given["skip_bad_rows"] or None,
        "drop_leaks": given["drop_leaks"] or None,
        "clean": given["clean"] or None,
        "tolerance": given["tolerance"],
        "convert_units": given["convert_units"] or None,
        **parse_reading_options(given),
    }
    return {key: value for key, value in data.items() if value is not None}


def reading_options(function: F) -> F:
    """Add the options that explain the rows of a source."""
    for option in reversed(_READING):
        function = option(function)
    return function


def grading_options(function: F) -> F:
    """Add the options that say when two numbers are equal."""
    for option in reversed(_GRADING):
        function = option(function)
    return function


def parse_reading_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of DataRequest that explain rows, those that were given."""
    found = {
        "columns": ",".join(given["columns"]) or None,
        "count_from": None if given["count_from"] is None else int(given["count_from"]),
        "kind": given["kind"],
        "sheet": given["sheet"],
        "split": given["split"],
    }
    return {key: value for key, value in found.items() if value is not None}


def build_request(given: Mapping[str, Any], **more: Any) -> BenchRequest:
    """The request that the options describe. `more` holds the command's own `arms`, `extra` and `seeds`."""
    from openrft.bench.plan import BenchRequest
    from openrft.config.parse import parse_assignments
    from openrft.config.presets import PRESETS

    values = read_config(given["config"])
    for owner, options in parse_assignments(given["settings"]).items():
        values.setdefault(owner, {}).update(options)
    data = parse_data_options(given)
    preset = PRESETS.get(given["preset"] or "", {})
    if not given["tasks"] and not any(
        "test" in said for said in (data, values.get("data", {}), preset.get("data", {}))
    ):
        data["test"] = DEFAULT_TASK_TEST
    asked: dict[str, Any] = {
        "tasks": given["tasks"] or None,
        "plugins": _split_names(given["plugins"]),
        "policy": given["policy"],
        "preset": given["preset"],
        "baselines": given.get("baselines"),
        "data": data,
        "values": values,
        **more,
    }
    if "seeds" in asked:
        asked["seeds"] = _seeds(asked["seeds"])
    return BenchRequest(**{key: value for key, value in asked.items() if value is not None})


def default_workers() -> int:
    """The number of GPUs. Without one 2, if there are at least two cores."""
    from openrft.runtime.gpus import list_gpus

    return len(list_gpus()) or min(2, os.cpu_count() or 1)


def _split_names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _seeds(text: str | None) -> tuple[int, ...] | None:
    from openrft.config.parse import show_value
    from openrft.errors import UsageError

    try:
        seeds = [int(part) for part in _split_names(text) or ()]
    except ValueError:
        raise UsageError(f"--seeds {show_value(text)}: not whole numbers.", "Write them with commas: 0,1,2.") from None
    return tuple(dict.fromkeys(seeds)) or None


def read_config(path: str | None) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file, by owner. Raises UsageError."""
    from openrft.errors import UsageError
    from openrft.runtime.files import read_toml

    if path is None:
        return {}
    content = read_toml(Path(path), "--config")
    for owner, options in content.items():
        if not isinstance(options, dict):
            raise UsageError(
                f"--config {path}: {owner!r} is not in a table.",
                "Write a table's name above it, such as [explore] above steps = 60.",
            )
    return content
