"""The judge against a real HTTP server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openrft_prm.judge import Judge, read_scores

from openrft import OpenRFTError, UsageError


class Server:
    """Answers with what `answers` holds, one a request: text, or an HTTP status."""

    def __init__(self) -> None:
        self.answers: list[str | int] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                outer.keys.append(self.headers.get("Authorization"))
                answer = outer.answers.pop(0)
                self.send_response(answer if isinstance(answer, int) else 200)
                if answer == "BROKEN":
                    self.send_header("Content-Length", "1000000")
                self.end_headers()
                if isinstance(answer, str):
                    self.wfile.write(json.dumps({"choices": [{"message": {"content": answer}}]}).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.spec = f"openai:http://127.0.0.1:{self.http.server_port}/v1#judge"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def judge(server: Server) -> Judge:
    return Judge(server.spec, parallel=1, pause=0.01)


def test_scores_in_order_and_what_is_asked(server: Server) -> None:
    server.answers = ["[0.5, 1]", "<think>[9, 9]</think> Here you are: [0]"]
    assert judge(server).score([("Q", ("a\n\nb",)), ("P", ("c", ""))]) == [[(0.5, 1.0)], [(0.0,), ()]]
    asked = server.requests[0]
    assert (asked["model"], asked["temperature"]) == ("judge", 0.0)
    assert asked["messages"][1]["content"] == "Problem:\nQ\n\n2 steps:\n[1] a\n[2] b"
    assert server.keys[0] == "Bearer secret"


def test_malformed_answers_and_busy_servers_are_asked_again(server: Server) -> None:
    server.answers = [503, "[0.5]", "[0.1, 0.2]"]
    assert judge(server).score([("Q", ("a\nb",))]) == [[(0.1, 0.2)]]
    assert [(r["temperature"], r["seed"]) for r in server.requests] == [(0.0, 0), (0.7, 1), (0.7, 2)]


def test_a_reply_that_breaks_off_is_asked_for_again(server: Server) -> None:
    server.answers = ["BROKEN", "[0.5]"]
    assert judge(server).score([("Q", ("a",))]) == [[(0.5,)]]


def test_a_judge_that_never_answers_properly_is_an_error(server: Server) -> None:
    server.answers = ["good work!"] * 4
    with pytest.raises(OpenRFTError, match=r"in 4 tries: it answered 'good work!' where 1 numbers"):
        judge(server).score([("Q", ("a",))])


def test_a_refusal_is_not_asked_again(server: Server) -> None:
    server.answers = [401]
    with pytest.raises(OpenRFTError, match=r"HTTP 401.*key"):
        judge(server).score([("Q", ("a",))])


def test_after_a_refusal_what_is_queued_is_not_asked(server: Server) -> None:
    server.answers = [401] * 40
    with pytest.raises(OpenRFTError, match="HTTP 401"):
        Judge(server.spec, parallel=4).score([("Q", tuple(f"step {i}" for i in range(40)))])
    assert 1 <= len(server.requests) <= 4  # those in flight


def test_a_judge_that_failed_once_may_be_asked_again(server: Server) -> None:
    server.answers = [401, "[0.5]"]
    asked = judge(server)
    with pytest.raises(OpenRFTError, match="HTTP 401"):
        asked.score([("Q", ("a",))])
    assert asked.score([("Q", ("a",))]) == [[(0.5,)]]


def test_a_dead_server_costs_the_tries_of_what_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("openrft_prm.judge.time.sleep", slept.append)
    with pytest.raises(OpenRFTError, match="gave no scores in 4 tries"):
        Judge("openai:http://127.0.0.1:9/v1#m", 1).score([("Q", tuple(f"step {i}" for i in range(24)))])
    assert slept == [1.0, 2.0, 4.0]  # of one completion, and none after its last try


def test_no_server() -> None:
    with pytest.raises(OpenRFTError, match="URLError"):
        Judge("openai:http://127.0.0.1:9/v1#m", 1, tries=2, pause=0.0).score([("Q", ("a",))])


@pytest.mark.parametrize("spec", ["openai:http://host/v1", "openai:host#m", "openai:#m"])
def test_a_spec_without_model_or_url(spec: str) -> None:
    with pytest.raises(UsageError, match="does not name a judge"):
        Judge(spec, 1)


@pytest.mark.parametrize("said", ["", "[1, 2]", "[true, 1]", "[0.5]", "[0.1, 0.2, 0.3]", "[a, b]", '["0.1", 0.2]'])
def test_read_scores_refuses(said: str) -> None:
    assert read_scores(said, 2) is None
