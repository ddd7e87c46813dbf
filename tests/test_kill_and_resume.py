"""Real processes, really killed: what remains leads to the same bits as a run that nobody touched."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openrft.runtime.files import read_jsonl
from tests.kill_and_resume import STEPS


def kill_and_resume(third_party: dict[str, str], *arguments: object) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.kill_and_resume", *map(str, arguments)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, env=third_party, capture_output=True, text=True, timeout=570)
    assert done.returncode == 0, done.stderr
    record: list[dict[str, Any]] = json.loads(done.stdout)
    return record


def untimed(rows: Any) -> list[dict[str, Any]]:
    """Without what differs from one run to the next: times, memory, and the machine with its time of loading."""
    return [{k: v for k, v in row.items() if not k.startswith(("seconds", "peak")) and k != "work"} for row in rows]


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
def test_a_job_killed_again_and_again_ends_with_the_same_bits(third_party, tiny, tmp_path, algorithm):
    seed = random.randrange(1000)  # of the moments: others each time
    record = kill_and_resume(third_party, tiny, tmp_path, seed, algorithm)
    print(seed, record)  # shown when the test fails
    assert result_of(tmp_path / "killed") == result_of(tmp_path / "straight")
    steps = result_of(tmp_path / "killed")["metrics"]
    assert len(steps) == STEPS
    assert sum(row["grad_norm"] > 1e-3 for row in steps) > STEPS / 2  # there was something to lose
    assert [kill["kind"] for kill in record[:2]] == ["writing", "step"]
    assert record[0]["writing"]
    reached = [kill["checkpoint"] for kill in record]
    assert reached == sorted(reached)  # nothing that was reached is ever lost
    assert not list(tmp_path.glob("*/*/*.part")) + list(tmp_path.glob("*/*/*.resume"))
