"""The program on judged and on relation rows: not scored without a judge, scored and replayed with one, refused to
train on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")
SERVER = r"""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        judging = "[Answer]" in request["messages"][-1]["content"]
        words = "Rating: 4" if judging else "Because.\n\\boxed{It is so.}"
        choices = [{"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": words}}
                   for i in range(request["n"])]
        body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": choices}
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
    def log_message(self, *words):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
RELATIONS = "sciknoweval/L2/drug_drug_relation_extraction"
TEXTS = "sciknoweval/L5/physics_problem_solving"
RULE = ("--policy", "baseline:nearest-neighbour")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[str]:
    """A policy that always says the same, and a judge that always rates it 4."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"openai:http://127.0.0.1:{int(process.stdout.readline())}/v1#model"
        process.kill()


@pytest.fixture
def folder(other: Any, write: Any) -> Path:
    """Texts to be judged, and relations."""
    texts = [other("open-ended-qa", f"Why {i}?", "So.") for i in range(12)]
    write("raw_data/Physics/L5/physics_problem_solving.jsonl", texts)
    pair = "(a{0}, int, b), (c, int, d{0})"
    relations = [other("relation_extraction", f"Text {i}.", pair.format(i % 2)) for i in range(24)]
    made: Path = write("raw_data/Biology/L2/drug_drug_relation_extraction.jsonl", relations)
    return made


def test_without_a_judge_texts_are_not_scored_and_relations_are(folder: Path, tmp_path: Path, run_openrft: Run) -> None:
    exact = ("--set", "sciknoweval.similarity=exact")
    command = ("evaluate", "--task", TEXTS, "--task", RELATIONS, "--data", str(folder), *RULE, *exact, "--json")
    done = run_openrft(*command)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["overall"]["unscored"] == 12
    assert shown["overall"]["arms"][0]["accuracy"]["value"] > 0  # of the relations alone
    texts = next(table for table in shown["tables"] if table["tasks"] == [TEXTS])
    assert (texts["items"], texts["unscored"], texts["arms"][0]["accuracy"]) == (0, 12, None)
    assert any("12 of 12 test items not scored" in note for note in shown["notes"])
    assert "sciknoweval_relation_f1_exact.drug_drug_relation_extraction" in shown["metrics"]
    assert "| vanilla | not scored |" in (tmp_path / shown["folder"] / "report.md").read_text("utf-8")


def test_with_a_judge_they_are_scored_and_the_verdicts_replay(
    folder: Path, tmp_path: Path, run_openrft: Run, server: str
) -> None:
    kept = tmp_path / "kept.jsonl"
    command = ["evaluate", "--task", TEXTS, "--data", str(folder), "--policy", server, "--json"]
    command += ["--set", f"sciknoweval.judge={server}", "--set", "sciknoweval.verdicts=kept.jsonl"]
    done = run_openrft(*command)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["overall"]["unscored"] == 0
    assert shown["overall"]["arms"][0]["accuracy"]["value"] == 0.75  # 4 on a scale from 1 to 5
    assert shown["metrics"]["sciknoweval_judged.physics_problem_solving"] == {"vanilla": 4.0}
    verdicts = kept.read_text().splitlines()
    assert len(verdicts) == 12  # three answers to each question, all the same
    again = run_openrft(*command, "--set", "sciknoweval.replay=kept.jsonl")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["overall"]["arms"][0]["accuracy"]["value"] == 0.75
    assert kept.read_text().splitlines() == verdicts
    kept.write_text("\n".join(verdicts[1:]) + "\n")
    short = run_openrft(*command, "--set", "sciknoweval.replay=kept.jsonl", "--out", "elsewhere")
    assert short.returncode == 5
    row = json.loads(short.stdout)["overall"]["arms"][0]
    assert row["accuracy"] is None
    assert "has no verdict" in row["trouble"][0]


def test_what_has_no_outcome_reward_is_not_trained_on_and_costs_no_time(
    folder: Path, tmp_path: Path, run_openrft: Run
) -> None:
    tasks = ("--task", RELATIONS, "--task", TEXTS, "--data", str(folder))
    for command in (("bench", *tasks, "--workers", "1"), ("train", *tasks[2:], "--out", "trained")):
        done = run_openrft(*command, "--plugins", "rl", *RULE)
        assert done.returncode == 2
        assert f"no samples to train on in {TEXTS}." in done.stderr
        assert "started" not in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["raw_data"]
