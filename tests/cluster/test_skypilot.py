"""The example for SkyPilot: what it runs on each machine, with two of them played by two processes of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.cluster.ports import find_port
from tests.cluster.reports import read_report

EXAMPLE = Path(__file__).parents[2] / "docs/examples/ray-on-skypilot.yaml"


def test_the_example_runs_a_bench_on_all_machines_and_ends_on_each(third_party, tiny, tmp_path):
    task = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    bench = f"--task toy/sums --policy {tiny} --plugins vote --arms none --test 4 --name run"
    given = {"BENCH": bench, "STORE": f"file://{tmp_path}/store", "RAY_PORT": str(find_port())}
    assert set(given) == set(task["envs"])
    shared = {
        **os.environ,
        **third_party,
        **given,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SKYPILOT_NODE_IPS": "127.0.0.1\n127.0.0.1",
        "SKYPILOT_NUM_NODES": "2",
    }
    machines = [
        subprocess.Popen(
            ["bash", "-c", task["run"]],
            cwd=tmp_path,
            env={**shared, "SKYPILOT_NODE_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    said = [machine.communicate(timeout=400)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert "vanilla" in [result["arm"] for result in read_report(tmp_path)["results"]], said
    assert any((tmp_path / "store").iterdir())
