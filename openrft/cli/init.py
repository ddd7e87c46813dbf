"""`openrft init`: five questions, a settings file, and the commands to give next."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from openrft.cli.completions import complete_paths, complete_policies
from openrft.cli.options import PathType
from openrft.cli.printing import print_json, print_text

EPILOG = """\b
Examples:
  openrft init
  openrft init --data mine.csv --model ./my-model --goal train --yes
  openrft init --budget quick --out quick.toml --yes --json
"""


GOALS = {"measure": "what each plugin is worth", "train": "a better model"}
BUDGETS = {"quick": "a first look", "normal": "what the model recommends", "paper": "the paper's numbers"}
FEW = 50  # test questions

QUESTIONS = {
    "data": "Your questions: a file (CSV, Excel, JSON, JSONL, Parquet), a folder or a hub id; pocket has included ones",
    "model": "The model to train: a checkpoint folder or a hub id; pocket is included, and small",
    "hardware": "Jobs in parallel: one on a GPU",
    "budget": f"Budget: {', '.join(f'{name} ({text})' for name, text in BUDGETS.items())}",
    "goal": f"Goal: {', '.join(f'{name} ({text})' for name, text in GOALS.items())}",
}


@click.command("init", epilog=EPILOG)
@click.option(
    "--data",
    default=None,
    metavar="SOURCE",
    shell_complete=complete_paths,
    help="Your questions.  [default: pocket, which is included]",
)
@click.option(
    "--model",
    default=None,
    metavar="SPEC",
    shell_complete=complete_policies,
    help="As --policy of `openrft bench`.  [default: pocket]",
)
@click.option("--hardware", default=None, type=click.IntRange(1), metavar="N", help="Jobs in parallel; one on a GPU.")
@click.option(
    "--budget",
    default=None,
    type=click.Choice(list(BUDGETS)),
    help="quick: a first look; normal: what the model recommends; paper: the paper's numbers.  [default: normal]",
)
@click.option(
    "--goal",
    default=None,
    type=click.Choice(list(GOALS)),
    help="measure: what each plugin is worth; train: a better model.  [default: measure]",
)
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="MEANING=COLUMN",
    help="As for `openrft bench`: question=prompt. Repeatable.",
)
@click.option("--skip-bad-rows", is_flag=True, help="Leave out rows that cannot be used.")
@click.option("--out", default="openrft.toml", show_default=True, type=PathType(dir_okay=False), help="A new file.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the default where no option is given.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers and the commands as JSON. Asks nothing.")
def command(out: str, yes: bool, as_json: bool, columns: tuple[str, ...], skip_bad_rows: bool, **given: Any) -> None:
    """Ask for data, model, hardware, budget and goal; write a file for --config, and print the commands.

    The first command examines the run, the second runs it. What is given as an option is not asked. Rows and model are
    looked at before anything is written. A file that exists is not overwritten.
    """
    from openrft.cli.options import default_workers
    from openrft.errors import UsageError
    from openrft.runtime.files import write_atomic

    if Path(out).exists():
        raise UsageError(f"--out {out}: it exists.", "Name another file, or remove it.")
    if not Path(out).absolute().parent.is_dir():
        raise UsageError(f"--out {out}: its folder does not exist.", "Make it first.")
    defaults = {"data": "pocket", "model": "pocket", "hardware": default_workers(), "budget": "normal"}
    asks = not (yes or as_json)
    answers: dict[str, Any] = {"columns": list(columns), "skip_bad_rows": skip_bad_rows}
    missing = [name for name in QUESTIONS if given[name] is None]
    if asks and missing:
        click.echo("Enter takes what stands in brackets. Ctrl-C ends, and nothing is written.")
    types = {str(parameter.name): parameter.type for parameter in click.get_current_context().command.params}
    for name in QUESTIONS:
        default = defaults.get(name, "measure")
        if given[name] is None and asks:
            _ask(name, default, types[name], answers)
        else:
            answers[name] = default if given[name] is None else given[name]
            _check(name, answers, asks)
    if asks and missing:
        click.echo("Planning ...")
    _try_plan(answers)
    write_atomic(Path(out), _format_settings(answers["budget"]))
    commands = _make_commands(answers, out)
    if as_json:
        print_json({"file": out, "answers": answers, "commands": commands})
        return
    print_text(f"Wrote {out}. Next:")
    for line in commands:
        click.echo(f"  {line}")


def _ask(name: str, default: Any, kind: click.ParamType, answers: dict[str, Any]) -> None:
    """Put the answer of the user into `answers`; ask again until it can be used."""
    from openrft.errors import OpenRFTError, UsageError

    def read(text: Any) -> Any:
        answers[name] = kind.convert(text, None, None)
        try:
            _check(name, answers, asks=True)
        except OpenRFTError as fault:
            raise click.UsageError(str(fault)) from fault
        return answers[name]

    try:
        click.prompt(QUESTIONS[name], default=default, value_proc=read)
    except click.Abort:
        if sys.stdin.isatty():
            click.echo("\nopenrft: stopped. Nothing was written.", err=True)
            raise click.exceptions.Exit(130) from None
        raise UsageError(
            f"there is no terminal to ask in, and no --{name} is given.", "Give it, or --yes for what is usual."
        ) from None


def _check(name: str, answers: dict[str, Any], asks: bool) -> None:
    """Look at the rows, or for the model. Raises an OpenRFTError that says what is wrong with them."""
    from openrft.errors import DataError, UsageError

    answer = answers[name]
    if name == "data" and answer != "pocket":
        try:
            _count_rows(answers)
        except DataError as fault:
            if answers["skip_bad_rows"] or "--skip-bad-rows" not in str(fault):
                raise
            if not asks:
                raise
            print_text(str(fault.message), err=True)
            if not click.confirm("Leave out the rows that cannot be used?", default=True):
                raise
            answers["skip_bad_rows"] = True
            _count_rows(answers)
    elif name == "model":
        from openrft.plugins.policy_registry import VLLM_PREFIX, find_checkpoint

        if answer.startswith(("openai:", "baseline:")):
            raise UsageError(
                f"{answer} cannot be trained here.",
                "Name a checkpoint folder or a hub id. `openrft evaluate` asks what cannot be trained.",
            )
        find_checkpoint(answer.removeprefix(VLLM_PREFIX))


def _count_rows(answers: dict[str, Any]) -> None:
    """Read the rows and say how many there are. Raises UsageError or DataError."""
    from openrft.plugins.task_registry import load_all_rows, load_task, select_tasks
    from openrft.tasks.task import DataRequest

    request = DataRequest(**_describe_rows(answers))
    for name in select_tasks("questions", answers["data"]):
        task = load_task(name, request)  # refuses what is too little for both training and test
        whole = load_all_rows(name, request) or task
        count, trains, tests = len(whole.train) + len(whole.test), len(task.train), len(task.test)
        print_text(f"{count} questions were read: a run would train with {trains} and test with {tests}.", err=True)
        if tests < FEW:
            print_text(f"note: only a large gain can be told from luck with a test as short as {tests}.", err=True)


def _try_plan(answers: dict[str, Any]) -> None:
    """Plan what the commands would run. Raises an OpenRFTError if they would be refused."""
    from openrft.bench.plan import BenchRequest, make_plan
    from openrft.config.presets import PRESETS

    plugins = _choose_plugins(answers)
    asked: dict[str, Any] = {"policy": answers["model"], "values": PRESETS.get(answers["budget"], {})}
    if answers["data"] != "pocket":
        asked |= {"tasks": ("questions",), "data": _describe_rows(answers)}
    if plugins:
        asked["plugins"] = tuple(plugins.split(","))
    make_plan(BenchRequest(**asked))


def _describe_rows(answers: dict[str, Any]) -> dict[str, Any]:
    return {"data": answers["data"], "skip_bad_rows": answers["skip_bad_rows"], "columns": ",".join(answers["columns"])}


def _choose_plugins(answers: dict[str, Any]) -> str:
    """The plugins; empty for those that the commands take by themselves, of which prm needs a PRM that is known."""
    from openrft.plugins.policy_registry import recommend_settings

    return "" if "model" in recommend_settings(answers["model"]).get("prm", {}) else "sft,da,icl"


def _format_settings(budget: str) -> str:
    from openrft.config.presets import PRESETS

    lines = [f"# Written by openrft init for the budget {budget}; any setting may be changed."]
    for owner, options in PRESETS.get(budget, {}).items():
        lines += ["", f"[{owner}]", *(f"{option} = {json.dumps(value)}" for option, value in options.items())]
    return "\n".join(lines) + "\n"


def _make_commands(answers: dict[str, Any], out: str) -> list[str]:
    rows = [] if answers["data"] == "pocket" else ["--task", "questions", "--data", answers["data"]]
    rows += [word for column in answers["columns"] for word in ("--map", column)]
    rows += ["--skip-bad-rows"] if answers["skip_bad_rows"] else []
    plugins = ["--plugins", chosen] if (chosen := _choose_plugins(answers)) else []
    shared = [*rows, "--policy", answers["model"], *plugins, "--config", out]
    if answers["goal"] == "train":
        last = ["train", *([] if rows else ["--task", "pocket/L3"]), *shared, "--out", _find_free("my-policy")]
    else:
        last = ["bench", *shared, "--workers", str(answers["hardware"])]
    return [shlex.join(["openrft", *words]) for words in (["doctor", *shared], last)]


def _find_free(name: str) -> str:
    """The name, or with the first number with which it does not exist."""
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next(found for found in names if not Path(found).exists())
