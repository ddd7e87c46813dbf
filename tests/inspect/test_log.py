"""What `openrft report --inspect` writes, read and served by inspect_ai itself (`tox -e inspect`)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from openrft.bench.inspect_log import write_inspect_logs
from tests.bench.made_run import HOSTILE, make_run, make_samples

pytest.importorskip("inspect_ai", reason="inspect-ai is not installed: tox -e inspect installs it")

from inspect_ai.log import list_eval_logs, read_eval_log  # only where it is installed


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vanilla answers A to 12 questions, twice each; rl+prm is right but for the third, which cannot be read."""
    folder = tmp_path_factory.mktemp("run")
    return write_inspect_logs(make_run(folder), folder)


def test_inspect_reads_every_job(logs: Path) -> None:
    found = {log.eval.model: log for log in map(read_eval_log, list_eval_logs(str(logs)))}
    assert set(found) == {"openrft/vanilla", "openrft/rl+prm"}
    log = found["openrft/rl+prm"]
    assert (log.status, log.version, log.eval.task, log.eval.config.epochs) == ("success", 2, "toy/L1/sums", 2)
    assert log.eval.tags == ["rl+prm", "seed 0"]
    assert log.stats.model_usage["openrft/rl+prm"].output_tokens == 150  # the stages' 100 and 50
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == pytest.approx(11 / 12)
    assert log.samples is not None
    assert [(sample.id, sample.epoch) for sample in log.samples] == [
        (sample.id, epoch) for sample in make_samples(12) for epoch in (1, 2)
    ]
    values = [sample.scores["openrft"].value for sample in log.samples if sample.scores]
    assert values == ["C"] * 4 + ["N"] * 2 + ["C"] * 18
    first = log.samples[2]
    assert (first.target, first.choices) == ("B. four", ["2", "four"])
    assert first.output.completion.startswith(HOSTILE[1])
    assert [message.role for message in first.messages] == ["system", "user", "assistant"]
    assert first.scores is not None
    assert (first.scores["openrft"].answer, first.scores["openrft"].explanation) == ("B", "it is the gold answer")


def test_inspect_view_serves_them(logs: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    inspect = Path(sys.executable).with_name("inspect")
    command = [str(inspect), "view", "--log-dir", str(logs), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        listed = json.loads(_ask(f"http://127.0.0.1:{port}/api/logs", server))
        names = {Path(entry["name"]).name for entry in listed["files"]}
        assert names == {file.name for file in logs.iterdir()}
        assert b"<html" in _ask(f"http://127.0.0.1:{port}/", server).lower()
    finally:
        server.terminate()
        server.wait(10)


def _ask(address: str, server: subprocess.Popen[bytes]) -> bytes:
    """The reply of the server, once it is up."""
    for _ in range(300):
        assert server.poll() is None, server.stdout.read() if server.stdout else ""
        try:
            with urllib.request.urlopen(address, timeout=10) as reply:
                return bytes(reply.read())
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} does not answer")
