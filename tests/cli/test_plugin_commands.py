"""Commands that plugins bring are found by metadata, loaded when they are called, and named when they break."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import click
import pytest

from openrft.cli import cli, plugin_commands
from openrft.errors import PluginError, UnknownName


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """This module's own commands, as if a distribution brought them."""
    here = {"greet": "greet", "broken": "gone", "odd": "NOTHING"}
    entries = [EntryPoint(name, f"{__name__}:{value}", plugin_commands.GROUP) for name, value in here.items()]
    entries.append(EntryPoint("absent", "no_such_module:command", plugin_commands.GROUP))
    monkeypatch.setattr(plugin_commands, "entry_points", lambda group: entries)


NOTHING = 7


@click.command("greet")
@click.argument("name")
@click.pass_obj
def greet(host, name):
    """Say something."""
    click.echo(f"hello {name} from {type(host).__name__}")


def run(*arguments):
    return cli.main(list(arguments), prog_name="openrft", standalone_mode=False)


def test_it_runs_and_is_handed_the_command_context(capsys):
    run("greet", "you")
    assert capsys.readouterr().out == "hello you from CommandContext\n"


@pytest.mark.parametrize(("name", "notices"), [
    ("broken", "command 'broken' cannot be imported: AttributeError"),
    ("absent", "command 'absent' cannot be imported: ModuleNotFoundError"),
    ("odd", "command 'odd' is not a click command but 'int'"),
])  # fmt: skip
def test_one_that_breaks_is_named(name, notices):
    with pytest.raises(PluginError, match=notices):
        run(name)


def test_an_unknown_command_is_told_of_the_plugins_own():
    with pytest.raises(UnknownName, match="Did you mean greet"):
        run("gret")


def test_the_cores_own_commands_cannot_be_taken(monkeypatch, capsys):
    taken = [EntryPoint("report", f"{__name__}:greet", plugin_commands.GROUP)]
    monkeypatch.setattr(plugin_commands, "entry_points", lambda group: taken)
    with pytest.raises(Exception, match="run"):
        run("report")
