"""Every shell block of the documents: its commands are parsed as the shell and the program would, with every value.

What a command does is tested elsewhere, because most take a model, a server or minutes: RUN_BY names the test that runs
each command of OpenRFT for real. NOT_RUN says why others are not run.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.config.parse import parse_assignments, parse_values
from openrft.config.settings import STAGE_SETTINGS
from openrft.plugins.registry import list_plugins, load_plugin_class

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
]
# Lines that begin with these words are no commands, and neither are those below them in a block.
OTHER = {
    "question,A,B,C,D,answer",  # rows
    "+2",  # a rubric
    "currency",  # prices
    "prm",  # what a command printed
    "wrote",
}
THIRD_PARTY = {"bm25", "brevity", "curriculum", "keywords", "lite-ppo"}  # of docs/examples, tested by tests/plugins
# Each command of OpenRFT that a document shows, with the test that runs it for real.
RUN_BY = {
    "bench": "tests/cli/test_cli.py",
    "compare": "tests/cli/test_items.py",
    "doctor": "tests/doctor/test_command.py",
    "evaluate": "tests/cli/test_cli.py",
    "export": "tests/cli/test_export.py",
    "gate": "tests/cli/test_cli.py",
    "grade": "tests/cli/test_grade.py",
    "graders try": "plugins/openrft-graders/tests/test_plugin.py",
    "import openai-rft": "plugins/openrft-graders/tests/test_rft.py",
    "items": "tests/cli/test_items.py",
    "plugins check": "tests/testing/test_conformance.py",
    "plugins list": "tests/cli/test_plugins.py",
    "plugins new": "tests/scaffold/test_write.py",
    "predict": "tests/cli/test_predict.py",
    "prm fitness": "plugins/openrft-prm/tests/test_commands.py",
    "prm label": "plugins/openrft-prm/tests/test_commands.py",
    "prm train": "plugins/openrft-prm/tests/test_commands.py",
    "replies list": "tests/cli/test_paid_options.py",
    "report": "tests/cli/test_cli.py",
    "serve": "tests/cli/test_serve.py",
    "settings": "tests/cli/test_settings.py",
    "study": "tests/studies/test_studies.py",
    "tasks overlap": "tests/cli/test_tasks.py",
    "tasks prepare": "tests/cli/test_tasks.py",
    "tasks show": "tests/cli/test_cli.py",
    "train": "tests/cli/test_cli.py",
}
# Why other programs are not run here.
NOT_RUN = {
    "pip": "it installs packages, as tox and tests/install_wheels.py do",
    "python": "the scripts measure for minutes or build models; whether they are there is tested here",
    "pytest": "it measures speed; whether the file is there is tested here",
    "tox": "it is what runs the tests; whether the environment is there is tested here",
    "ray": "tests/cluster starts a cluster of its own",
    "sky": "it rents machines; tests/cluster runs what the file gives to each of them",
    "twine": "it sends to an index; tox -e release checks the project's own distributions with it",
    "torchrun": "tests/cluster/test_torchrun.py runs it as a module; what it starts is tested as any other command is",
    "export": "it only sets a variable",
    "cat": "it only shows a file",
    ".": "it only activates an environment",
}


def list_blocks(text: str) -> Iterator[list[str]]:
    """The lines of every code block: indented by four spaces behind an empty line, or fenced. Python's are left out."""
    block: list[str] = []
    fenced = python = after_empty = False
    for line in [*text.splitlines(), "end"]:
        empty = not line.strip()
        if line.strip().startswith("```"):
            if fenced and not python:
                yield block
            block, fenced, python = [], not fenced, line.strip() == "```python"
        elif fenced or (line.startswith("    ") and (after_empty or block)) or (empty and block):
            block.append(line)
        elif block:
            yield block
            block = []
        after_empty = empty


def split_commands(line: str) -> Iterator[list[str]]:
    """The words of each command of a line. A comment, and what follows a redirection, is left out."""
    reader = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split, reader.commenters = True, ""
    words: list[str] = []
    redirected = False
    for word in [*reader, ";"]:
        if word in ("|", "&&", ";", "#"):
            if words:
                yield words
            words, redirected = [], False
            if word == "#":
                return
        elif word in (">", "<"):
            redirected = True
        elif not redirected:
            words.append(word)


def list_commands(block: list[str]) -> list[list[str]]:
    """The words of each command of a block, or of those behind `$` where it is a screen. What is in OTHER ends it."""
    lines = [line.strip() for line in "\n".join(block).replace("\\\n", " ").splitlines() if line.strip()]
    lines = list(takewhile(lambda line: line.split()[0] not in OTHER, lines))
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    # Behind two spaces some lines say what the command does.
    found = [words for line in lines for words in split_commands(re.sub(r"(?<=\S) {4,}(?=[^-\s]).*", "", line))]
    return [part for words in found for part in split_torchrun(words)]


def split_torchrun(words: list[str]) -> list[list[str]]:
    """torchrun with its own words, and the command of OpenRFT that it starts; other commands as they are."""
    if words[0] != "torchrun":
        return [words]
    place = words.index("openrft")
    assert words[place - 1] == "-m", words
    return [words[: place - 1], words[place:]]


COMMANDS = [
    pytest.param(words, id=f"{document.relative_to(ROOT)}-block{index}-{number}")
    for document in DOCUMENTS
    for index, block in enumerate(list_blocks(document.read_text("utf-8")))
    for number, words in enumerate(list_commands(block))
]
OPENRFT = [case for case in COMMANDS if case.values[0][0] == "openrft"]


def parse_command(words: list[str]) -> tuple[str, dict[str, Any]]:
    """The command's name and its parameters, as click reads them. Raises click.UsageError for what click refuses."""
    command: click.Command = cli
    context, rest, names = None, list(words), []
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context)
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, rest
        command = found
        names.append(str(name))
    return " ".join(names), command.make_context(names[-1], rest, parent=context).params


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, with the reports and plans of the repository."""
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", OPENRFT)
def test_a_command_of_openrft_is_taken_with_every_value(words: list[str], folder: Path) -> None:
    for word in words[1:]:
        if re.fullmatch(r"[\w-]+\.(json|jsonl|csv|txt|toml|yaml)", word):
            (folder / word).touch()  # a file of the user's
    name, values = parse_command(words[1:])
    assert name in RUN_BY, f"name the test that runs `openrft {name}`"
    plugins = set(list_plugins()) | THIRD_PARTY
    arms = [part for arm in values.get("arm") or () for part in arm.partition("=")[2].split(",")]
    named = [*(values.get("plugins") or "").split(","), *(part for part in arms if "=" not in part)]
    assert {plugin for plugin in named if plugin} <= plugins
    settings = [*(values.get("settings") or ()), *(part for part in arms if "=" in part)]
    for owner, given in parse_assignments(settings).items():
        kind = STAGE_SETTINGS.get(owner) or load_plugin_class(owner).Options
        assert parse_values(kind, owner, given)[1] == []


@pytest.mark.parametrize("words", [case for case in COMMANDS if case.values[0][0] != "openrft"])
def test_what_another_program_is_given_is_there(words: list[str]) -> None:
    program, *rest = words
    assert program in NOT_RUN, f"say why this is not run, or that it is no command: {words}"
    if program == "tox":
        written = (ROOT / "tox.ini").read_text("utf-8").replace("{lowest,newest}", "lowest,newest")
        assert all(f"[testenv:{name}]" in written for name in rest[1:2])
    elif program == "pip":
        for file in [rest[index + 1] for index, word in enumerate(rest) if word in ("-r", "-e")]:
            assert (ROOT / file).exists(), file
        extras = [extra for word in rest for extra in re.findall(r"^openrft\[(\w+)\]$", word)]
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        assert set(extras) <= set(project["optional-dependencies"])
    elif program in ("python", "pytest"):
        named = rest[1].replace(".", "/") + ".py" if rest[0] == "-m" else rest[0].split("::")[0]
        places = (ROOT, *ROOT.glob("plugins/*"))
        assert rest[:2] in (["-m", "venv"], ["-m", "build"]) or any(
            (place / named).exists() or (place / named.removesuffix(".py")).is_dir() for place in places
        ), named


@pytest.mark.parametrize("name", RUN_BY)
def test_the_test_that_runs_a_command_is_there(name: str) -> None:
    text = (ROOT / RUN_BY[name]).read_text("utf-8")
    *group, last = name.split()
    given = rf'"{re.escape(last)}"'  # as an argument, or the command itself, imported from its module
    assert re.search(rf"{given}|import {group[-1] if group else last}_?\b|cli\.{last} import", text), RUN_BY[name]


def test_the_first_screen_is_what_the_command_prints(folder: Path) -> None:
    for table in ROOT.glob("docs/examples/*.csv"):
        shutil.copy(table, folder)
    page = (ROOT / "docs" / "your-questions.md").read_text("utf-8")
    command, screen = re.findall(r"```console\n\$ openrft (tasks show .*)\n((?:.*\n)*?)```", page)[0]
    done = CliRunner().invoke(cli, shlex.split(command), env={"COLUMNS": "118"})
    assert done.output == screen
