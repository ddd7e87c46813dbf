"""Commands that are run with a cluster, and what their reports have in common with those of one machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cluster.reports import read_report

SIZES = ["--task", "toy/sums", "--train", "8", "--test", "4", "--set", "evaluate.max_tokens=4"]
ARMS = ["--plugins", "rl", "--arm", "brief=rl,brevity", "--set", "explore.steps=2"]
# Ray's own niceness is 15, and the machine that runs tests is busy.
os.environ.update(RAY_worker_niceness="0", RAY_USAGE_STATS_ENABLED="0")


@pytest.fixture(scope="session")
def start_bench(third_party: dict[str, str], tiny: Path):
    """Start `openrft bench` in a process that alone has the third-party plugins."""

    def start(
        folder: Path, *more: str, arguments: Sequence[str] = (*SIZES, *ARMS), **own: str
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "openrft", "bench", "--policy", str(tiny), "--name", "run", *arguments, *more]
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**third_party, **os.environ, "PYTHONPATH": third_party["PYTHONPATH"], **own},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="session")
def at_home(start_bench, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The report of the same bench without a cluster."""
    folder = tmp_path_factory.mktemp("home")
    bench = start_bench(folder, "--workers", "1")
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 0, err
    return read_report(folder)
