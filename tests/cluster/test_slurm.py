"""Jobs under a real Slurm of one machine, and through submitit's executor for one machine: the same results as at home,
also where the bench was killed and asked again."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.ports import find_port
from tests.cluster.reports import list_results, read_report

pytest.importorskip("submitit", reason="submitit is not installed: tox -e cluster")

CONFIGURATION = """\
ClusterName=here
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A Slurm of this machine alone, without accounts, as SLURM_CONF names it."""
    if not all(map(shutil.which, ("munged", "slurmctld", "slurmd"))):
        pytest.skip("Slurm is not installed: tox -e cluster installs it where apt-get may")
    folder = tmp_path_factory.mktemp("slurm")
    for parent in (folder, *folder.parents):  # munge trusts no folder that others may write to
        if parent.owner() == getpass.getuser() and parent != Path("/tmp"):
            parent.chmod(0o755)
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    ports = {"controller": find_port(), "daemon": find_port()}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(folder=folder, user=getpass.getuser(), **ports))
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    names = {"socket": "munge.socket", "key-file": key.name, "pid-file": "munged.pid", "log-file": "munged.log"}
    own = [f"--{option}={folder}/{name}" for option, name in {**names, "seed-file": "munged.seed"}.items()]
    servers = [
        subprocess.Popen([*command], env=environment)
        for command in (["munged", "--force", "--foreground", *own], ["slurmctld", "-D", "-c"])
    ]
    wait_until(lambda: subprocess.run(["scontrol", "ping"], env=environment, capture_output=True).returncode == 0)
    servers.append(subprocess.Popen(["slurmd", "-D", "-N", "localhost"], env=environment))
    wait_until(lambda: "idle" in subprocess.run(["sinfo"], env=environment, capture_output=True, text=True).stdout)
    os.environ["SLURM_CONF"] = environment["SLURM_CONF"]
    yield
    del os.environ["SLURM_CONF"]
    for server in reversed(servers):
        server.terminate()
    for server in servers:
        server.wait(30)


@pytest.fixture(params=["slurm:cluster=local,most=2", "slurm:time=30,most=2"], ids=["local", "slurm"])
def executor(request):
    """The option for an executor, which is there."""
    if "local" not in request.param:
        request.getfixturevalue("slurm")
    return ["--executor", request.param]


def test_a_bench_that_is_killed_and_asked_again_collects_what_it_submitted(executor, start_bench, at_home, tmp_path):
    listing = tmp_path / "runs/run/slurm/jobs.json"
    bench = start_bench(tmp_path, *executor)
    submitted = wait_for_jobs(bench, listing, 2)
    os.kill(bench.pid, signal.SIGKILL)
    bench.communicate()
    again = start_bench(tmp_path, *executor, "-v")
    _, err = again.communicate(timeout=400)
    assert again.returncode == 0, err
    report = read_report(tmp_path)
    assert list_results(report) == list_results(at_home)
    fresh = [line for line in err.splitlines() if " is Slurm job " in line]
    assert len(fresh) == len(report["results"]) - len(submitted), err  # those of the first start were found again
    assert json.loads(listing.read_text()) == {}


def test_a_job_that_dies_is_a_failure_with_its_cause_and_costs_itself_alone(executor, start_bench, tmp_path):
    arms = ["--plugins", "", "--arms", "none", "--arm", "always=deadly,deadly.file=always,deadly.times=9"]
    sizes = ["--task", "toy/sums", "--train", "8", "--test", "4", "--set", "evaluate.max_tokens=4"]
    bench = start_bench(tmp_path, *executor, arguments=[*sizes, *arms])
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 5, err
    report = read_report(tmp_path)
    assert [result["arm"] for result in report["results"]] == ["vanilla"]
    (failure,) = report["failures"]
    assert "without a result" in failure["error"]


@pytest.mark.usefixtures("slurm")
def test_the_script_for_ray_inside_an_allocation(third_party, tiny, tmp_path):
    script = Path(__file__).parents[2] / "docs/examples/ray-in-slurm.sh"
    own = {"RAY_PORT": str(find_port()), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    bench = ["--task", "toy/sums", "--policy", str(tiny), "--plugins", "", "--arms", "none", "--test", "4"]
    done = subprocess.run(
        [
            "sbatch",
            "--wait",
            "--nodes=1",
            "--cpus-per-task=2",
            "--output=out.txt",
            str(script),
            *bench,
            "--name",
            "run",
        ],
        cwd=tmp_path,
        env={**os.environ, **third_party, **own},
        timeout=400,
    )
    said = (tmp_path / "out.txt").read_text()
    assert done.returncode == 0, said
    assert [result["arm"] for result in read_report(tmp_path)["results"]] == ["vanilla"], said


def test_without_sbatch_one_line_says_what_to_do(start_bench, tmp_path):
    bench = start_bench(tmp_path, "--executor", "slurm:partition=gpu", PATH=str(Path(sys.executable).parent))
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 2, err
    assert "slurm:cluster=local" in err.splitlines()[-1]


@pytest.mark.usefixtures("slurm")
def test_what_slurm_refuses_is_said_in_its_words(start_bench, tmp_path):
    bench = start_bench(tmp_path, "--executor", "slurm:partition=gpu")
    _, err = bench.communicate(timeout=300)
    assert bench.returncode == 2, err
    assert "invalid partition specified: gpu" in err.splitlines()[-1]


def wait_for_jobs(bench: subprocess.Popen[str], listing: Path, count: int) -> dict[str, str]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and bench.poll() is None:
        if listing.exists() and len(found := json.loads(listing.read_text())) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(bench.communicate())


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
