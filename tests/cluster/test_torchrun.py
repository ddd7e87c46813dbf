"""One job on two processes that torchrun starts: what one process gives, and what happens when one is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rank_results import JOBS, assert_same_but_for_rounding

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


@pytest.fixture(scope="module")
def alone(fork_server, tiny, tmp_path_factory) -> Path:
    """The store of a bench on one process."""
    folder = tmp_path_factory.mktemp("alone")
    done = fork_server.run(["-m", "openrft", *JOBS, "--policy", str(tiny)], folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / ".store"


@pytest.fixture
def start_ranks(third_party, tiny, tmp_path):
    """Start the bench on this many ranks. They see no GPU: each would need its own."""

    def start(count: int) -> subprocess.Popen[str]:
        command = [*TORCHRUN, str(count), "-m", "openrft", *JOBS, "--policy", str(tiny)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {**third_party, "CUDA_VISIBLE_DEVICES": "-1"}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **streams)

    return start


def test_two_ranks_give_what_one_process_gives(start_ranks, tmp_path, alone):
    with start_ranks(2) as run:
        out, errors = run.communicate(timeout=500)
    assert run.returncode == 0, errors
    assert_same_but_for_rounding(tmp_path / "runs" / ".store", alone)
    report = json.loads(next((tmp_path / "runs").glob("*/report.json")).read_text())
    assert report["machine"]["ranks"] == 2
    assert out.count("Wrote runs/") == 1  # only rank 0 speaks


def test_a_killed_rank_ends_both_and_three_go_on(start_ranks, tmp_path, alone):
    store = tmp_path / "runs" / ".store"
    with start_ranks(2) as run:
        while not list(store.glob("explore/*.resume/[12]")):
            assert run.poll() is None, run.communicate()
            time.sleep(0.01)
        os.kill(find_rank(run.pid, 1), signal.SIGKILL)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    said = [line for line in errors.splitlines() if line.startswith("openrft: ")]
    assert len(said) == 1, errors
    assert "another rank has ended" in said[0]
    assert not list(store.glob("explore/*/cost.json"))  # in the middle of RL
    with start_ranks(3) as run:
        _, errors = run.communicate(timeout=500)
    assert run.returncode == 0, errors
    assert_same_but_for_rounding(store, alone)


def find_rank(agent: int, rank: int) -> int:
    """The process of this rank among those that torchrun, the agent, has started."""
    for child in Path(f"/proc/{agent}/task/{agent}/children").read_text().split():
        if f"RANK={rank}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            return int(child)
    raise AssertionError(f"no rank {rank}")
