"""Nothing heavy is imported before it is needed; plugins import the public names alone."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import openrft
from openrft.cli.plugin_commands import list_commands

HEAVY = ("torch", "transformers", "trl", "peft", "lancedb", "datasets", "vllm", "numpy", "scipy", "sklearn", "openrft_")


def modules_after(code):
    program = f"import sys\n{code}\nprint()\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()  # the lines above are what the code itself printed


@pytest.mark.parametrize(
    "code",
    [
        "import openrft",
        "sys.argv = ['openrft', '--help']\nfrom openrft.cli import main\ntry: main()\nexcept SystemExit: pass",
        "sys.argv = ['openrft', 'bench', '--help']\nfrom openrft.cli import main\ntry: main()\nexcept SystemExit: pass",
        "from openrft.cli import cli\ntry: cli.main(['fitness', '--help'])\nexcept SystemExit: pass",
        "import openrft.plugins.manager, openrft.plugins.policy_registry, openrft.stages.explore",
    ],
)
def test_light(code):
    loaded = modules_after(code)
    assert [m for m in loaded if m.startswith(HEAVY)] == []


PACKAGES = ["pocket", "sciknoweval", "questions", "augment", "teacher", "sft", "rl", "prm", "icl", "trl"]


@pytest.mark.parametrize("package", PACKAGES)
def test_plugins_import_nothing_heavy(package):
    loaded = modules_after(f"import openrft_{package}")
    assert [m for m in loaded if m.startswith(HEAVY[:-1])] == []


@pytest.mark.parametrize("name", list_commands())
def test_commands_of_plugins_import_nothing_heavy_for_their_help(name):
    loaded = modules_after(f"from openrft.cli import cli\ntry: cli.main(['{name}', '--help'])\nexcept SystemExit: pass")
    assert [m for m in loaded if m.startswith(HEAVY[:-1])] == []


def test_help_answers_at_once():
    """Within 0.10 s of processor time beyond the interpreter's own start; the least of several."""

    def seconds(*arguments):
        before = os.times()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    bare = min(seconds("-c", "pass") for _ in range(7))
    help_ = min(seconds("-m", "openrft", "--help") for _ in range(7))
    assert help_ - bare < 0.10


def test_the_public_names_are_sorted_and_whole_and_dir_shows_them():
    assert openrft.__all__ == sorted(set(openrft.__all__))
    assert all(hasattr(openrft, name) for name in openrft.__all__)
    doors = {"testing", "splits", "prefix_tree"}
    assert {*openrft.__all__, *doors} <= set(dir(openrft))
    assert all(getattr(openrft, door).__name__ == f"openrft.{door}" for door in doors)


def test_a_type_checker_sees_the_public_names():
    text = Path(openrft.__file__).read_text("utf-8")
    for_types = re.findall(r"^    from openrft\.\S+ import (\w+) as \1$", text, re.MULTILINE)
    assert sorted(for_types) == openrft.__all__


PUBLIC_MODULES = {"openrft", "openrft.testing", "openrft.splits", "openrft.prefix_tree"}
PLUGIN_FILES = sorted((Path(__file__).parents[1] / "plugins").glob("*/openrft_*/**/*.py"))


def imports_from_openrft(path):
    """(module, name) of each import from openrft; the name is None for `import module`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name.split(".")[0] == "openrft")
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.split(".")[0] == "openrft":
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=lambda path: "/".join(path.parts[path.parts.index("plugins") + 2 :]))
def test_plugins_import_public_names_alone(path):
    public = {*openrft.__all__, "__version__", "testing", "splits", "prefix_tree"}
    for module, name in imports_from_openrft(path):
        assert module in PUBLIC_MODULES
        assert module != "openrft" or name is None or name in public
