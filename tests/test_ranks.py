"""One job on two processes: the same results as in one, but for rounding."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from openrft.runtime.files import read_jsonl
from tests.forked import ForkServer

SIZES = "explore.steps=3 explore.prompts_per_step=3 explore.group_size=3 explore.max_tokens=8 fitness.questions=4"
MORE = "fitness.completions=2 evaluate.completions=2 evaluate.max_tokens=8 teacher.tries=4 teacher.max_tokens=8"
OWN = "explore.holdback=2 brevity.limit=7 sft.epochs=2 sft.batch_size=5 sft.lr=1e-3 rl.lr=1e-3 rl.kl_coef=0.01"
JOBS = [
    *("bench", "--task", "toy/sums", "--train", "12", "--test", "7", "--out", "runs", "--arms", "none"),
    *("--arm", "grpo=rl,brevity,rl.updates_per_epoch=2", "--arm", "ppo=sft,rl,brevity,rl.algorithm=ppo"),
    *(word for setting in f"{SIZES} {MORE} {OWN}".split() for word in ("--set", setting)),
]


def read_stages(store: Path) -> dict[str, dict[str, Any]]:
    """What each stage left that depends on neither time nor machine, by stage and key."""
    found: dict[str, dict[str, Any]] = {}
    for cost in sorted(store.glob("*/*/cost.json")):
        folder, row = cost.parent, json.loads(cost.read_text())
        rows = {file.name: list(read_jsonl(file)) for file in folder.glob("*.jsonl")}
        for row_of_metrics in rows.get("metrics.jsonl", ()):
            for name in [name for name in row_of_metrics if name.startswith(("seconds", "peak"))]:
                del row_of_metrics[name]
        adapter = folder / "adapter" / "adapter_model.safetensors"
        found[f"{folder.parent.name}/{folder.name}"] = {
            "rows": rows,
            "counts": {**row["counts"], "tokens": row["tokens"]},
            "metrics": row["metrics"],
            "adapter": load_file(adapter) if adapter.exists() else {},
        }
    return found


def assert_same_but_for_rounding(found: Path, expected: Path) -> None:
    """The same stages with the same draws, verdicts and rewards; numbers and weights differ by rounding alone."""
    some, others = read_stages(found), read_stages(expected)
    assert some.keys() == others.keys()
    for stage, one in some.items():
        other = others[stage]
        assert one["counts"] == other["counts"], stage
        assert one["metrics"] == pytest.approx(other["metrics"], rel=1e-4, abs=1e-6), stage
        assert one["rows"].keys() == other["rows"].keys()
        for name, rows in one["rows"].items():
            assert len(rows) == len(other["rows"][name])
            for row, twin in zip(rows, other["rows"][name], strict=True):
                if name == "metrics.jsonl":
                    assert row == pytest.approx(twin, rel=1e-4, abs=1e-6), stage
                else:
                    assert drop_logprobs(row) == drop_logprobs(twin), stage
        for name, tensor in one["adapter"].items():
            # Adam makes a whole step of a gradient that is all but zero, so single weights may differ by more.
            twin = other["adapter"][name]
            assert float((tensor - twin).norm()) <= 1e-3 * float(twin.norm()), (stage, name)


def drop_logprobs(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "completion": {**row.get("completion", {}), "logprobs": None}}


@pytest.fixture(scope="module")
def alone(fork_server: ForkServer, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a bench on one process."""
    folder = tmp_path_factory.mktemp("alone")
    done = fork_server.run(["-m", "openrft", *JOBS, "--policy", str(tiny)], folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / ".store"


def test_two_ranks_give_what_one_process_gives(run_openrft, tiny, tmp_path, alone):
    done = run_openrft(*JOBS, "--policy", str(tiny), ranks=2)
    assert done.returncode == 0, done.stderr
    assert_same_but_for_rounding(tmp_path / "runs" / ".store", alone)
    trained = [stage for stage in read_stages(alone).values() if "metrics.jsonl" in stage["rows"]]
    assert len(trained) == 2
    assert all(row["grad_norm"] > 1e-3 for stage in trained for row in stage["rows"]["metrics.jsonl"])
    report = json.loads(next((tmp_path / "runs").glob("*/report.json")).read_text())
    assert report["machine"]["ranks"] == 2
    assert done.stdout.count("Wrote runs/") == 1  # only rank 0 speaks


def test_a_killed_rank_ends_all_and_the_run_goes_on_elsewhere(run_openrft, third_party, tiny, tmp_path, alone):
    words = [*JOBS, "--policy", str(tiny)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "openrft"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*torchrun, *words], cwd=tmp_path, env=third_party, **streams) as run:
        store = tmp_path / "runs" / ".store"
        while not (begun := list(store.glob("explore/*.resume/[12]"))) or not list(store.glob("imitate/*/cost.json")):
            assert run.poll() is None, run.communicate()
            time.sleep(0.01)
        os.kill(find_rank(run.pid, 1), signal.SIGKILL)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    said = [line for line in errors.splitlines() if line.startswith("openrft: ")]
    assert len(said) == 1, errors
    assert "another rank has ended" in said[0]
    assert begun[0].parent.exists()  # it was killed in the middle of RL
    done = run_openrft(*words)
    assert done.returncode == 0, done.stderr
    assert_same_but_for_rounding(store, alone)


def find_rank(agent: int, rank: int) -> int:
    """The process of this rank among those that torchrun, the agent, has started."""
    for child in Path(f"/proc/{agent}/task/{agent}/children").read_text().split():
        if f"RANK={rank}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            return int(child)
    raise AssertionError(f"no rank {rank}")
