"""Jobs through submitit, here with its executor for one machine: the same results as at home, also where the bench was
killed and asked again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cluster.reports import list_results, read_report

pytest.importorskip("submitit", reason="submitit is not installed: tox -e cluster")

EXECUTOR = ["--executor", "slurm:cluster=local,most=2"]


def test_a_bench_that_is_killed_and_asked_again_collects_what_it_submitted(start_bench, at_home, tmp_path):
    listing = tmp_path / "runs/run/slurm/jobs.json"
    bench = start_bench(tmp_path, *EXECUTOR)
    submitted = wait_for_jobs(bench, listing, 2)
    os.kill(bench.pid, signal.SIGKILL)
    bench.communicate()
    again = start_bench(tmp_path, *EXECUTOR, "-v")
    _, err = again.communicate(timeout=400)
    assert again.returncode == 0, err
    report = read_report(tmp_path)
    assert list_results(report) == list_results(at_home)
    fresh = [line for line in err.splitlines() if " is Slurm job " in line]
    assert len(fresh) == len(report["results"]) - len(submitted), err  # those of the first start were found again
    assert json.loads(listing.read_text()) == {}


def test_a_job_that_dies_is_a_failure_with_its_cause_and_costs_itself_alone(start_bench, tmp_path):
    arms = ["--plugins", "", "--arms", "none", "--arm", "always=deadly,deadly.file=always,deadly.times=9"]
    sizes = ["--task", "toy/sums", "--train", "8", "--test", "4", "--set", "evaluate.max_tokens=4"]
    bench = start_bench(tmp_path, *EXECUTOR, arguments=[*sizes, *arms])
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 5, err
    report = read_report(tmp_path)
    assert [result["arm"] for result in report["results"]] == ["vanilla"]
    (failure,) = report["failures"]
    assert "without a result" in failure["error"]


def test_without_sbatch_one_line_says_what_to_do(start_bench, tmp_path):
    bench = start_bench(tmp_path, "--executor", "slurm:partition=gpu")
    _, err = bench.communicate(timeout=120)
    assert bench.returncode == 2, err
    assert "slurm:cluster=local" in err


def wait_for_jobs(bench: subprocess.Popen[str], listing: Path, count: int) -> dict[str, str]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and bench.poll() is None:
        if listing.exists() and len(found := json.loads(listing.read_text())) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(bench.communicate())
