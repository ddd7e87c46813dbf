"""Workers of a bench end with it, and one that dies costs its own job alone."""

from __future__ import annotations

import json
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


def test_a_killed_worker_costs_its_job_alone_which_is_tried_once_more(run_openrft, tiny, tmp_path):
    deadly = ["--arm", "once=deadly,deadly.file=once,deadly.times=1", "--arm", "always=deadly,deadly.file=always"]
    deadly[-1] += ",deadly.times=9"
    sizes = ["--train", "8", "--test", "4", "--set", "evaluate.max_tokens=4"]
    done = run_openrft(
        *("bench", "--task", "toy/sums", "--policy", str(tiny), "--plugins", "", "--arms", "none", *deadly, *sizes),
        *("--workers", "2", "--name", "killed", "-v"),
    )
    assert done.returncode == 5, done.stderr
    report = json.loads((tmp_path / "runs/killed/report.json").read_text())
    assert {r["arm"] for r in report["results"]} == {"vanilla", "once"}
    (failure,) = report["failures"]
    assert failure["error"].startswith("its worker process was killed by signal 9 (SIGKILL)")
    assert "memory" in failure["error"]
    assert failure["details"] == "failures/always--toy-sums--0.txt"
    details = (tmp_path / "runs/killed" / failure["details"]).read_text()
    assert all(words in details for words in ("SIGKILL", '"max_tokens": 4', "openrft-broken"))
    assert done.stderr.count("tried once more") == 2
    assert "INFO openrft.bench.single_job: [once on toy/sums, seed 0] job finished" in done.stderr
    assert ((tmp_path / "once").read_text(), (tmp_path / "always").read_text()) == ("x", "xx")


def test_ctrl_c_ends_the_workers_and_the_same_bench_goes_on(third_party, run_openrft, tiny, tmp_path):
    """It is stopped amid RL in a worker, and goes on without workers, which is faster here."""
    command = [
        "bench", "--task", "toy/sums", "--policy", str(tiny), "--plugins", "rl", "--train", "8", "--test", "4",
        "--set", "explore.steps=30", "--set", "explore.prompts_per_step=4", "--set", "explore.group_size=3",
        "--set", "explore.max_tokens=8", "--set", "evaluate.max_tokens=8",
    ]  # fmt: skip
    bench = subprocess.Popen(
        [sys.executable, "-m", "openrft", *command, "--workers", "2"],
        cwd=tmp_path,
        env=third_party,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a script inherits a Ctrl-C that is ignored; a person's does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list(tmp_path.glob("runs/.store/explore/*.resume/[0-9]*")):
        assert bench.poll() is None
        time.sleep(0.02)
    workers = children_of(bench.pid)
    bench.send_signal(signal.SIGINT)
    _, notices = bench.communicate(timeout=60)
    assert bench.returncode == 130, notices
    assert "run the same command again" in notices
    assert "Traceback" not in notices
    deadline = time.monotonic() + 10  # for multiprocessing's own resource tracker, which ends after its parent
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in workers):
        time.sleep(0.05)
    assert len(workers) >= 2
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert list(tmp_path.glob("runs/.store/explore/*.resume/[0-9]*"))

    done = run_openrft(*command, "--workers", "1")
    assert done.returncode == 0, done.stderr
    (metrics,) = tmp_path.glob("runs/.store/explore/*/metrics.jsonl")
    assert len(metrics.read_text().splitlines()) == 30


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
