"""Shared by all tests: one thread (many small tests side by side), a tiny checkpoint, really installed plugins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real checkpoint of random weights."""
    from openrft.testing import write_tiny_checkpoint

    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that finds the toy and the broken plugins, installed by pip in a folder apart."""
    target = tmp_path_factory.mktemp("site")
    for name in ("toy", "broken"):
        source = shutil.copytree(HERE / "third_party" / name, tmp_path_factory.mktemp("source") / name)
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
        subprocess.run([*command, "--target", str(target), str(source)], check=True)
    return {**os.environ, "PYTHONPATH": str(target), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def run_python(third_party: dict[str, str]):
    """Run code in a process of its own, third-party plugins installed."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], env=third_party, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def run_openrft(third_party: dict[str, str], tmp_path: Path):
    """Run the command line in a process of its own, third-party plugins installed."""

    def run(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "openrft", *arguments],
            cwd=tmp_path,
            env={**os.environ, **{name: third_party[name] for name in ("PYTHONPATH", "OMP_NUM_THREADS")}},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run
