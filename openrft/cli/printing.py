"""Print lines and JSON that may hold text from outside, which a terminal must not obey."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from openrft.tasks.task import DataRequest

DATA_OPTIONS = {  # the option of each field of DataRequest on which the test questions and their grades depend
    "data": "--data",
    "train": "--train",
    "test": "--test",
    "seed": "--data-seed",
    "split": "--split",
    "sheet": "--sheet",
    "columns": "--map",
    "kind": "--kind",
    "count_from": "--count-from",
    "skip_bad_rows": "--skip-bad-rows",
    "clean": "--clean",
    "tolerance": "--tolerance",
    "convert_units": "--convert-units",
}


def print_command(command: str, err: bool = False) -> None:
    """Print what to type next, whole on one line: it can be copied however narrow the terminal is."""
    from openrft.runtime.text import escape_terminal

    click.echo(f"Next: {escape_terminal(command)}", err=err)


def print_text(text: str, err: bool = False, keep_newlines: bool = False) -> None:
    """Print one line, or several with `keep_newlines`, on standard output or standard error. On a terminal no word is
    broken."""
    from openrft.runtime.text import escape_terminal

    text = escape_terminal(text, keep_newlines)
    if (sys.stderr if err else sys.stdout).isatty():
        from openrft.cli.wrapping import wrap_line

        width = shutil.get_terminal_size().columns
        text = "\n".join(piece for line in text.split("\n") for piece in wrap_line(line, width))
    click.echo(text, err=err)


def print_json(data: Any) -> None:
    """Print JSON on standard output, streamed because there may be an entry for every row of a data set."""
    for piece in json.JSONEncoder(indent=1, ensure_ascii=False, default=str).iterencode(data):
        sys.stdout.write(piece if piece.isprintable() else "".join(map(_escape, piece)))
    sys.stdout.write("\n")


def _escape(char: str) -> str:
    return char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1]


def suggest_evaluation(task: str, data: DataRequest, policy: str) -> str:
    """The command that evaluates a policy that was written, on the test questions that its training left out."""
    usual = type(data)()
    words = ["openrft", "evaluate", "--task", task]
    for name, option in DATA_OPTIONS.items():
        value = getattr(data, name)
        if value != getattr(usual, name):
            words += [option] if value is True else [option, str(value)]
    return shlex.join([*words, "--policy", policy])
