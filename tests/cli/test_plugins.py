"""`openrft plugins list` and `show`: what is installed, what it declares, and what is wrong with it."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from openrft.cli.plugins import list_
from openrft.plugins import registry

REFUSED = [
    ("unmarked", "its method evaluate is named like a hook and is not marked as one"),
    ("misspelt", "there is no hook 'rewrad'"),
    ("needy", "requires names 'rll', which is not installed. Did you mean rl?"),
    ("plain", "its Options is not a dataclass"),
]


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_what_is_refused_at_load_is_refused_by_show_and_by_the_kit(run_python, run_openrft, name, words):
    code = f"""
from openrft.errors import PluginError
from openrft.plugins.manager import PluginSet
from openrft.testing import check_plugin
for call in (lambda: PluginSet([{name!r}], {{}}), lambda: check_plugin({name!r})):
    try:
        call()
    except PluginError as fault:
        print(fault)
"""
    shown = run_openrft("plugins", "show", name)
    lines = [*run_python(code).stdout.splitlines(), *shown.stderr.splitlines()]
    assert len(lines) == 3, lines
    for line in lines:
        assert f"plugin '{name}' (openrft-broken 6.6.6): {words}" in line
    assert shown.returncode == 5


LIST_TWICE = """
import json
from click.testing import CliRunner
from openrft.cli import cli
text, data = (CliRunner().invoke(cli, ["plugins", "list", "--check", *more]) for more in ((), ("--json",)))
print(json.dumps([text.stdout, text.stderr, json.loads(data.stdout)]))
"""


def test_the_list_names_broken_plugins_and_slow_imports(fork_server, tmp_path):
    """As text and as JSON, in one process, because the imports take longest."""
    done = fork_server.run(["-c", LIST_TWICE], tmp_path)
    stdout, stderr, listed = json.loads(done.stdout)
    lines = {line.split()[0]: line for line in stdout.splitlines()}
    rows = {row["name"]: row for row in listed}
    for name, words in (*REFUSED, ("unimportable", "left_behind")):
        assert words in lines[name]
        assert words in rows[name]["state"]
    assert lines["brevity"].endswith("[ok]")
    assert rows["brevity"]["state"] == "ok"
    assert len({line.index("openrft-") for line in lines.values()}) == 1  # in columns
    assert stderr.startswith("slow: its import takes 1."), stderr
    assert stderr.count("\n") == 1


def test_show_lists_what_a_plugin_declares_and_its_options(run_openrft):
    done = run_openrft("plugins", "show", "brevity")
    assert "hooks: reward, evaluate" in done.stdout
    assert "requires: rl" in done.stdout
    assert re.search(r"limit +40 +How long a step may be\. Source: taste\. \(a whole number, at least 1\)", done.stdout)
    row = json.loads(run_openrft("plugins", "show", "brevity", "--json").stdout)
    assert (row["hooks"], row["requires"]) == (["reward", "evaluate"], ["rl"])
    about = row["options"]["limit"]
    assert (about["default"], about["range"], about["help"]) == (40, "at least 1", "How long a step may be.")


def test_a_name_that_two_distributions_have_is_shown_with_both(monkeypatch):
    def entry(distribution):
        dist = SimpleNamespace(name=distribution, version="1.0", metadata={"Summary": "does it"})
        return SimpleNamespace(name="x", dist=dist)

    monkeypatch.setattr(registry, "entry_points", lambda group: [entry("one"), entry("other")])
    registry.list_plugins.cache_clear()
    try:
        shown = CliRunner().invoke(list_)
        assert shown.output == "x  one and other both have it: uninstall one  does it\n"
    finally:
        registry.list_plugins.cache_clear()
