"""Jobs on a real Ray cluster of several nodes: the same results as at home, also after a node was lost."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cluster.reports import list_results, read_report

ray_cluster = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed: tox -e cluster")


@pytest.fixture
def cluster():
    """A head without CPUs, so that no job runs on it, and two nodes for one job each."""
    started = ray_cluster.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = [started.add_node(num_cpus=1) for _ in range(2)]
    started.wait_for_nodes()
    yield started, nodes
    started.shutdown()


def test_the_same_results_as_at_home_with_code_that_the_nodes_do_not_have(cluster, start_bench, at_home, tmp_path):
    bench = start_bench(tmp_path, "--executor", f"ray:{cluster[0].address}")
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 0, err
    report = read_report(tmp_path)
    assert list_results(report) == list_results(at_home)
    assert not report["failures"]
    assert {file.name for file in (tmp_path / "runs/run/rollouts").iterdir()} >= {"rl--toy-sums--0.jsonl"}


def test_a_lost_node_costs_nothing_but_time_and_the_report_says_so(cluster, start_bench, at_home, tmp_path):
    started, nodes = cluster
    bench = start_bench(tmp_path, "-v", "--executor", f"ray:{started.address}", "--set", "explore.steps=2")
    said = wait_for(bench, "job started", times=2)
    for node in nodes:  # whichever have the jobs
        started.remove_node(node, allow_graceful=False)
    said += wait_for(bench, "no machine of the cluster is free for a job yet")
    started.add_node(num_cpus=1)
    _, err = bench.communicate(timeout=400)
    assert bench.returncode == 0, said + err
    report = read_report(tmp_path)
    assert list_results(report) == list_results(at_home)
    lost = [notice for notice in report["notices"] if "was lost; the job was run again" in notice]
    assert lost, report["notices"]
    assert lost[0] in (tmp_path / "runs/run/report.md").read_text().replace("\\", "")


def test_a_job_that_kills_its_process_is_begun_once_more_and_costs_itself_alone(cluster, start_bench, tmp_path):
    arms = ["--plugins", "", "--arms", "none", "--arm", "always=deadly,deadly.file=always,deadly.times=9"]
    sizes = ["--task", "toy/sums", "--train", "8", "--test", "4", "--set", "evaluate.max_tokens=4"]
    bench = start_bench(tmp_path, "--executor", f"ray:{cluster[0].address}", arguments=[*sizes, *arms])
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 5, err
    report = read_report(tmp_path)
    assert [result["arm"] for result in report["results"]] == ["vanilla"]
    (failure,) = report["failures"]
    assert failure["error"].startswith("its process died on")
    assert failure["error"].endswith("as 1 time before.")
    assert (tmp_path / "runs/run" / failure["details"]).exists()
    assert (tmp_path / "always").read_text() == "xx"


def test_ctrl_c_ends_what_runs_on_the_cluster(cluster, start_bench, tmp_path):
    bench = start_bench(tmp_path, "-v", "--executor", f"ray:{cluster[0].address}", "--set", "explore.steps=1000")
    wait_for(bench, "job started")
    bench.send_signal(signal.SIGINT)
    _, err = bench.communicate(timeout=60)
    assert bench.returncode == 130
    assert "run the same command again" in err
    deadline = time.monotonic() + 30
    while (busy := list_tasks()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not busy


def test_without_a_cluster_one_line_says_what_to_do(start_bench, tmp_path):
    bench = start_bench(tmp_path, "--executor", "ray:127.0.0.1:1")
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 2, err
    assert "openrft: --executor ray: there is no cluster at 127.0.0.1:1" in err
    assert "ray start --head" in err


def wait_for(bench: subprocess.Popen[str], words: str, times: int = 1) -> str:
    """What it said until it said `words` so often."""
    assert bench.stderr
    said = ""
    while said.count(words) < times:
        line = bench.stderr.readline()
        assert line, said
        said += line
    return said


def list_tasks() -> list[str]:
    """Processes of Ray that run a job."""
    names = [p.read_text() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    return [name for name in names if name.startswith("ray::") and "toy/sums" in name]
