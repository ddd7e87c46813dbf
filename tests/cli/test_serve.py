"""`openrft serve`: the server of transformers answers as the policy here does; vLLM gets the right arguments."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft import CheckpointError, Sampling, UsageError, open_policy, resolve_checkpoint
from openrft.cli import serve
from openrft.policies.description import PolicyDescription, write_description
from openrft.policies.export import export_checkpoint

QUESTIONS = ["A crystal has a = 4.0. What is its volume?\nA. 64.0\nB. 16.0", "What is 3 times 14?"]
START = 120  # seconds that the server may take to load


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("served") / "my-policy"
    export_checkpoint(open_policy("pocket"), out)
    return out


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """The port of a server of `folder`, started by the command from another folder."""
    number = free_port()
    command = [sys.executable, "-m", "openrft", "serve", str(folder), "--with", "transformers", "--port", str(number)]
    log = folder.parent / "log"
    with log.open("w") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        deadline = time.monotonic() + START
        while not _is_up(number):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        assert f"--policy openai:http://127.0.0.1:{number}/v1#my-policy" in log.read_text()
        yield number
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def _is_up(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def test_the_served_policy_writes_what_the_policy_here_writes(folder, port):
    prompts = [[{"role": "user", "content": question}] for question in QUESTIONS]
    greedy = Sampling(n=1, max_tokens=24, temperature=0.0)
    served = open_policy(f"openai:http://127.0.0.1:{port}/v1#my-policy").generate(prompts, greedy)
    here = open_policy(str(folder)).generate(prompts, greedy)
    assert [group[0].text for group in served] == [group[0].text for group in here]
    assert all(group[0].text for group in here)


def test_a_port_in_use_is_one_line(folder, port):
    done = CliRunner().invoke(serve.command, [str(folder), "--with", "transformers", "--port", str(port)])
    assert isinstance(done.exception, UsageError)
    assert f"cannot listen on 127.0.0.1:{port}: " in str(done.exception)


def launch(library: str, model: str, **more: object) -> serve.Launch:
    given = {"host": "127.0.0.1", "port": 8000, "name": None, "dtype": "auto", "context": None, "seed": 0, **more}
    return serve.build_launch(library, model, **given)


def test_vllm_is_given_the_folder_and_its_settings(folder):
    found = launch("vllm", str(folder), name="lattice", context=512, seed=3, port=9000)
    words = f"serve {folder} --host 127.0.0.1 --port 9000 --dtype auto --served-model-name lattice"
    words += " --generation-config auto --seed 3 --max-model-len 512"
    assert found.arguments == [sys.executable, "-P", "-m", "vllm.entrypoints.cli.main", *words.split()]
    assert found.name == "lattice"
    assert launch("vllm", str(folder)).name == "my-policy"
    assert launch("vllm", "org/model").name == "org/model"


def test_options_that_transformers_lacks_are_refused(folder):
    with pytest.raises(UsageError, match="names a model by its folder"):
        launch("transformers", str(folder), name="other")
    with pytest.raises(UsageError, match="no such limit"):
        launch("transformers", str(folder), context=512)
    assert launch("transformers", str(folder), name="my-policy").folder == folder.parent


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name in ("vllm", "fastapi", "uvicorn") else name)
    with pytest.raises(UsageError, match=r"vLLM is not installed\. .*openrft\[vllm\]"):
        serve.choose_library("vllm")
    with pytest.raises(UsageError, match=r"needs fastapi, uvicorn\. .*openrft\[serve\]"):
        serve.choose_library(None)
    monkeypatch.setattr(serve, "find_spec", lambda name: name)
    assert (serve.choose_library(None), serve.choose_library("transformers")) == ("vllm", "transformers")
    with pytest.raises(CheckpointError, match=r"no config\.json in this folder"):
        serve.find_model(str(tmp_path))


def test_an_included_model_is_found_by_its_name():
    assert serve.find_model("pocket") == str(Path(resolve_checkpoint("pocket")).resolve())


def test_what_no_server_does_is_said(tmp_path):
    about = PolicyDescription("rl", ("rl",), 0, "t/a", "pocket", "0", "Think.", {}, {"icl": {}}, 6, "0", 6)
    write_description(tmp_path, replace(about, answering={"best-of-n": {"model": "pocket/prm"}}))
    shown, single = serve.list_differences(str(tmp_path))
    assert "a server shows no demonstrations" in shown
    assert "this policy was evaluated with best-of-n: use `openrft predict`" in single
    write_description(tmp_path, replace(about, demonstrations={}))
    assert serve.list_differences(str(tmp_path)) == []
