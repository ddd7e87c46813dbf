"""`openrft plugins new`: each kind of package is installed, passes its own tests, and works.

Their types are checked in `tox -e lint`, which has read everything that they import.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.errors import UsageError
from openrft.scaffold.write import KINDS, write_plugin


def write(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["plugins", "new", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of all kinds, installed by pip; their sources are beside it."""
    folder = tmp_path_factory.mktemp("new")
    for kind in KINDS:
        write(f"my-{kind}", "--kind", kind, "--out", str(folder / kind))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run([*pip, str(folder / "site"), *(str(folder / kind) for kind in KINDS)], check=True)
    return folder / "site"


def run(site: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    own = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd or site.parent, env=own, capture_output=True, text=True, timeout=300
    )


def test_each_passes_its_own_tests(site):
    done = run(site, "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--import-mode=importlib", *KINDS)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("::test_conformance[process]\n") == len(KINDS)  # the kit's last check
    assert "skipped" not in done.stdout


def test_its_tasks_are_answered_with_its_reward_in_a_bench(site, tiny, tmp_path):
    sizes = ["--train", "8", "--test", "4", "--set", "evaluate.max_tokens=4", "--set", "explore.max_tokens=8"]
    arms = ["--plugins", "", "--arms", "none", "--arm", "all=my-trainer,my-reward,my-evaluate"]
    task = ["--task", "my-task/sums", "--policy", str(tiny), "--set", "explore.steps=1", "--workers", "1"]
    done = run(site, "openrft", "bench", *task, *sizes, *arms, "--name", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "characters_wrong" in (tmp_path / "runs/run/report.json").read_text()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reward", "reward"),
        ("true", "reward"),
        ("task", "task"),
        ("family", "task"),
        ("sample", "augment"),
        ("demonstration", "retrieve"),
        ("completion", "teacher"),
        ("policy-info", "policy"),
    ],
)
def test_a_plugin_may_be_called_like_a_name_that_it_imports(name, kind, tmp_path):
    write_plugin(name, kind, tmp_path)
    tree = ast.parse(next(tmp_path.glob("openrft_*/__init__.py")).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert len(classes) == len(set(classes))
    assert not imported & set(classes)


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("My-Plugin", "reward", "cannot be a plugin's name"),
        ("prm", "reward", "already an installed plugin 'prm'"),
        ("mine", "rewards", "unknown kind of plugin"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_left(name, kind, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        write_plugin(name, kind, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    write_plugin("mine", "reward", tmp_path)
    file = tmp_path / "openrft_mine/__init__.py"
    file.write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        write_plugin("mine", "task", tmp_path)
    assert file.read_text() == "mine"
