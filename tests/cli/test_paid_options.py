"""Commands that ask a server for money: a budget over two starts, the report, a replay, and the kept replies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.errors import UsageError
from tests.policies.faulty_server import FaultyServer

pytest.importorskip("openai")
pytest.importorskip("tenacity")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FaultyServer]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    made = FaultyServer(rate=0.0)
    yield made
    made.close()


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == code, result.output
    return result.output


def test_a_budget_over_two_starts_then_a_replay_and_what_is_kept(server: FaultyServer, tmp_path: Path) -> None:
    """8 questions of 3 answers: 8 calls of 10 tokens in, 4 of them cached, and 6 out, at most 60 out."""
    Path("prices.toml").write_text('currency = "USD"\nm = { input = 0, output = 1000.0 }\n')  # 0.006 USD a call
    asked = ("evaluate", "--task", "pocket/L3/final_speed", "--train", "4", "--test", "8", "--name", "r")
    asked += ("--policy", server.spec, "--set", "evaluate.max_tokens=20", "--prices", "prices.toml")
    said = run(*asked, "--budget", "0.08", code=5)
    calls = server.given.total()
    assert 0 < calls < 8
    assert "Stopped by the budget of 0.080 USD: vanilla on pocket/L3/final_speed, seed 0." in " ".join(said.split())
    first = json.loads(Path("runs/r/report.json").read_text())
    assert first["failures"][0]["budget_spent"] is True
    assert first["money"]["payments"][0]["paid"]["replies"] == calls
    said = " ".join(run(*asked, "--budget", "1").split())
    assert (server.given.total(), len(server.given)) == (8, 8)
    assert (
        "0.048 USD of a budget of 1.00 USD for m 8 replies (80 tokens in, 32 of them cached by the server, 48 out)"
        in said
    )
    second = json.loads(Path("runs/r/report.json").read_text())
    assert second["results"][0]["usage"][0] | {"model": ""} == {
        **{"model": "", "replies": 8, "input": 80, "cached_input": 32, "output": 48, "uncounted": 0}
    }
    server.close()
    other = [word if word != "r" else "other" for word in asked]
    assert "Nothing was paid to servers" in run(*other, "--replay")  # the finished stage is used again
    assert "holds no reply" in run(*other, "--replay", "--set", "evaluate.temperature=0.1", code=5)
    listed = run("replies", "list", "--prices", "prices.toml")
    assert "m: 8 replies, 80 tokens in, 48 out, 0.048 USD" in listed
    key = json.loads(run("replies", "list", "--json").splitlines()[0])["key"]
    assert json.loads(run("replies", "show", key[:12]))["reply"]["choices"]
    assert "Removed 8 replies" in run("replies", "clear", "--yes")
    assert "no replies" in run("replies", "list")


@pytest.mark.parametrize("budget", ["nan", "inf"])
def test_a_budget_that_is_no_sum_is_refused(budget: str, server: FaultyServer) -> None:
    """With nan no call would ever begin or be refused."""
    Path("prices.toml").write_text('currency = "USD"\nm = { input = 0, output = 1 }\n')
    asked = ("evaluate", "--policy", server.spec, "--prices", "prices.toml", "--budget", budget)
    result = CliRunner().invoke(cli, asked)
    assert isinstance(result.exception, UsageError)
    assert f"--budget {budget} is no sum of money" in str(result.exception)
    assert not server.given
