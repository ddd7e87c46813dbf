"""`openrft init`: five questions, a settings file, and the commands to give next."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from openrft.cli.options import PathType
from openrft.cli.printing import print_json, print_text

EPILOG = """\b
Examples:
  openrft init
  openrft init --data mine.csv --model ./my-model --goal train --yes
  openrft init --budget quick --out quick.toml --yes --json
"""


@click.command("init", epilog=EPILOG)
@click.option("--data", default=None, metavar="SOURCE", help="Your questions.  [default: pocket, which is included]")
@click.option("--model", default=None, metavar="SPEC", help="As --policy of `openrft bench`.  [default: pocket]")
@click.option("--hardware", default=None, type=click.IntRange(1), metavar="N", help="Jobs in parallel; one on a GPU.")
@click.option(
    "--budget",
    default=None,
    type=click.Choice(["quick", "normal", "paper"]),
    help="quick: a first look; normal: what the model recommends; paper: the paper's numbers.  [default: normal]",
)
@click.option(
    "--goal",
    default=None,
    type=click.Choice(["measure", "train"]),
    help="measure: what each plugin is worth; train: a better model.  [default: measure]",
)
@click.option("--out", default="openrft.toml", show_default=True, type=PathType(dir_okay=False), help="A new file.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the default where no option is given.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers and the commands as JSON. Asks nothing.")
def command(out: str, yes: bool, as_json: bool, **given: Any) -> None:
    """Ask for data, model, hardware, budget and goal; write a file for --config, and print the commands.

    The first command examines the run, the second runs it. A file that exists is not overwritten.
    """
    from openrft.cli.options import default_workers
    from openrft.config.presets import PRESETS
    from openrft.errors import UsageError

    if Path(out).exists():
        raise UsageError(f"--out {out}: it exists.", "Name another file, or remove it.")
    defaults = {"data": "pocket", "model": "pocket", "hardware": default_workers(), "budget": "normal"}
    answers: dict[str, Any] = {}
    for parameter in click.get_current_context().command.params:
        name = str(parameter.name)
        if name not in given:
            continue
        answer, default = given[name], defaults.get(name, "measure")
        if answer is None:
            answer = default if yes or as_json else click.prompt(name, default=default, type=parameter.type)
        answers[name] = answer
    _check_paths(answers)
    lines = [f"# Written by openrft init for the budget {answers['budget']}; any setting may be changed."]
    for owner, options in PRESETS.get(answers["budget"], {}).items():
        lines += ["", f"[{owner}]", *(f"{option} = {json.dumps(value)}" for option, value in options.items())]
    with Path(out).open("x", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    commands = _make_commands(answers, out)
    if as_json:
        print_json({"file": out, "answers": answers, "commands": commands})
        return
    print_text(f"wrote {out}. Next:")
    for line in commands:
        click.echo(f"  {line}")


def _check_paths(answers: dict[str, Any]) -> None:
    """Refuse a path that does not exist. Raises UsageError."""
    from openrft.errors import UsageError

    for name in ("data", "model"):
        text = answers[name]
        looks = text.startswith(("/", "./", "../", "~")) or Path(text).suffix in (".csv", ".xlsx", ".jsonl", ".parquet")
        if looks and not Path(text).expanduser().exists():
            raise UsageError(f"--{name} {text}: there is no such file or folder.", "Check its name.")


def _make_commands(answers: dict[str, Any], out: str) -> list[str]:
    rows = [] if answers["data"] == "pocket" else ["--task", "questions", "--data", answers["data"]]
    shared = [*rows, "--policy", answers["model"], "--config", out]
    if answers["goal"] == "train":
        last = ["train", *([] if rows else ["--task", "pocket/L3"]), *shared, "--out", "my-policy"]
    else:
        last = ["bench", *shared, "--workers", str(answers["hardware"])]
    return [shlex.join(["openrft", *words]) for words in (["doctor", *shared], last)]
