"""Real processes, really killed: what remains leads to the same bits as a run that nobody touched."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from openrft.runtime.files import read_jsonl
from tests.killing import STEPS

KILLS = 6


def environment(strangers: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(strangers), "OMP_NUM_THREADS": "1"}


def killing(strangers: Path, *arguments: object) -> list[dict[str, Any]]:
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), *map(str, arguments)]
    done = subprocess.run(command, env=environment(strangers), capture_output=True, text=True, timeout=570)
    assert done.returncode == 0, done.stderr
    record: list[dict[str, Any]] = json.loads(done.stdout)
    return record


def untimed(rows: Any) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if not k.startswith("seconds")} for row in rows]


def result_of(store: Path) -> dict[str, Any]:
    """All that a job leaves, without how long it took."""
    (explored,) = (f for f in store.glob("explore/*") if f.is_dir())
    (evaluated,) = (f for f in store.glob("evaluate/*") if f.is_dir())
    return {
        "adapter": (explored / "adapter" / "adapter_model.safetensors").read_bytes(),
        "metrics": untimed(read_jsonl(explored / "metrics.jsonl")),
        "costs": untimed(json.loads((f / "cost.json").read_text()) for f in (explored, evaluated)),
        "rollouts": (evaluated / "rollouts.jsonl").read_bytes(),
        "files": sorted(str(f.relative_to(explored)) for f in explored.rglob("*")),
    }


@pytest.mark.parametrize("algorithm", ["grpo", "ppo"])  # ppo: a critic and its optimiser, too
def test_a_job_killed_again_and_again_ends_with_the_same_bits(strangers, tiny, tmp_path, algorithm):
    seed = random.randrange(1000)  # of the moments: others each time
    record = killing(strangers, tiny, tmp_path, seed, KILLS, algorithm)
    print(seed, record)  # shown when the test fails
    assert result_of(tmp_path / "killed") == result_of(tmp_path / "straight")
    steps = result_of(tmp_path / "killed")["metrics"]
    assert len(steps) == STEPS
    assert sum(row["grad_norm"] > 1e-3 for row in steps) > STEPS / 2  # there was something to lose
    assert len(record) >= 2
    assert any(kill["writing"] for kill in record)
    reached = [kill["checkpoint"] for kill in record]
    assert reached == sorted(reached)  # nothing that was reached is ever lost
    assert not list(tmp_path.glob("*/*/*.part")) + list(tmp_path.glob("*/*/*.resume"))


def test_the_workers_of_a_bench_that_was_killed_end_too(strangers, tiny, tmp_path):
    command = [
        sys.executable, "-m", "openrft", "bench", "--task", "toy/sums", "--policy", str(tiny), "--plugins", "rl",
        "--train", "8", "--test", "4", "--set", "explore.steps=1000", "--workers", "2",
    ]  # fmt: skip
    bench = subprocess.Popen(command, cwd=tmp_path, env=environment(strangers), stderr=subprocess.PIPE, text=True)
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
