"""Print lines and JSON that may hold text from outside, which a terminal must not obey."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from typing import Any

import click


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


def suggest_evaluation(task: str, data: str | None, policy: str) -> str:
    """The command that evaluates a policy that was written."""
    source = ["--data", data] if data else []
    return shlex.join(["openrft", "evaluate", "--task", task, *source, "--policy", policy])
