"""Nothing heavy is imported before it is needed, and the face stays small."""

from __future__ import annotations

import os
import subprocess
import sys

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
        "import openrft.plugins.policy_registry, openrft.runtime.store, openrft.stages.explore",
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


def test_the_face_is_small_sorted_and_whole():
    assert openrft.__all__ == sorted(openrft.__all__)
    assert len(openrft.__all__) <= 20
    assert all(hasattr(openrft, name) for name in openrft.__all__)
