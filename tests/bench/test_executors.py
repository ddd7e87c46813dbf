"""Workers of a bench end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def test_the_workers_of_a_bench_that_was_killed_end_too(third_party, tiny, tmp_path):
    command = [
        sys.executable, "-m", "openrft", "bench", "--task", "toy/sums", "--policy", str(tiny), "--plugins", "rl",
        "--train", "8", "--test", "4", "--set", "explore.steps=1000", "--workers", "2",
    ]  # fmt: skip
    bench = subprocess.Popen(command, cwd=tmp_path, env=third_party, stderr=subprocess.PIPE, text=True)
    assert bench.stderr
    notices = ""
    while "started" not in notices:
        line = bench.stderr.readline()
        assert line, f"the bench ended before it began: {notices}"
        notices += line
    workers = children_of(bench.pid)
    os.kill(bench.pid, signal.SIGKILL)
    bench.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in workers):
        time.sleep(0.05)
    assert len(workers) >= 2
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
