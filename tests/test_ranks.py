"""One job on two processes: the same results as in one, but for rounding. tests/cluster starts them by torchrun."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.forked import ForkServer
from tests.rank_results import JOBS, assert_same_but_for_rounding, read_stages


@pytest.fixture(scope="module")
def alone(fork_server: ForkServer, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a bench on one process."""
    folder = tmp_path_factory.mktemp("alone")
    done = fork_server.run(["-m", "openrft", *JOBS, "--policy", str(tiny)], folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / ".store"


def test_a_killed_rank_ends_both_and_one_process_goes_on(fork_server, run_openrft, tiny, tmp_path, alone):
    store, killed = tmp_path / "runs" / ".store", list[Path]()

    def kill_rank_1() -> None:
        while not (begun := list(store.glob("explore/*.resume/[12]"))):
            time.sleep(0.002)
        server = fork_server.process.pid
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        os.kill(sorted(map(int, children))[1], signal.SIGKILL)
        killed.append(begun[0])

    killer = threading.Thread(target=kill_rank_1, daemon=True)
    killer.start()
    done = run_openrft(*JOBS, "--policy", str(tiny), ranks=2)
    killer.join(10)
    assert killed
    assert not list(store.glob("explore/*/cost.json"))  # in the middle of RL
    said = [line for line in done.stderr.splitlines() if line.startswith("openrft: ")]
    assert len(said) == 1, done.stderr
    assert said[0].startswith("openrft: rank 0: another rank has ended, so all of them stop.")
    rows = next(store.glob("explore/*.part/metrics.jsonl")).read_text().splitlines()
    assert rows  # steps of two ranks

    again = run_openrft(*JOBS, "--policy", str(tiny))
    assert again.returncode == 0, again.stderr
    assert_same_but_for_rounding(store, alone)
    (trained,) = [stage for stage in read_stages(store).values() if "metrics.jsonl" in stage["rows"]]
    for row in trained["rows"]["metrics.jsonl"]:  # there was something to add up
        assert min(row["grad_norm"], row["value_grad_norm"]) > 1e-3
