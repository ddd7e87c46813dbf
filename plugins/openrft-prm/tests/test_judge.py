"""The judge against a real HTTP server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openrft_prm import PRM
from openrft_prm.judge import TRIES, LLMJudge, parse_scores

from openrft import Completion, OpenRFTError, Rollout, Sample, UsageError, build_messages

pytest.importorskip("openai")


class Server:
    """Answers with what `answers` holds, one a request: text, an HTTP status, or a whole reply; then with `always`."""

    def __init__(self) -> None:
        self.answers: list[str | int | dict[str, Any]] = []
        self.always: str | int = 500
        self.bad: str | int | None = None  # the answer about a completion that is `bad`, if there is one
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        outer, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with lock:
                    outer.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                    outer.keys.append(self.headers.get("Authorization"))
                    answer = outer.answers.pop(0) if outer.answers else outer.always
                    if outer.bad is not None and "[1] bad" in outer.requests[-1]["messages"][1]["content"]:
                        answer = outer.bad
                self.send_response(answer if isinstance(answer, int) else 200)
                self.send_header("Content-Type", "application/json")
                if answer == "BROKEN":
                    self.send_header("Content-Length", "1000000")
                self.end_headers()
                if isinstance(answer, str):
                    answer = {"choices": [{"finish_reason": "stop", "message": {"content": answer}}]}
                if isinstance(answer, dict):
                    self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.spec = f"openai:http://127.0.0.1:{self.http.server_port}/v1#judge"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.01)
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def judge(server: Server) -> LLMJudge:
    return LLMJudge(server.spec, max_tokens=64)


def test_scores_in_order_and_what_is_asked(server: Server) -> None:
    server.answers = ["[0.5, 1]"]
    assert judge(server).score([("Q", ("a\n\nb", ""))]) == [[(0.5, 1.0), ()]]
    (asked,) = server.requests
    assert (asked["model"], asked["temperature"], asked["n"]) == ("judge", 0.0, 1)
    assert asked["messages"][1]["content"] == "Problem:\nQ\n\n2 steps:\n[1] a\n[2] b"
    assert server.keys == ["Bearer secret"]


def test_each_completion_gets_the_scores_of_its_own_reply(server: Server) -> None:
    server.always = "[0.25]"
    groups = [("Q", ("a", "b")), ("P", ("a",))]
    assert judge(server).score(groups) == [[(0.25,), (0.25,)], [(0.25,)]]
    asked = [request["messages"][1]["content"] for request in server.requests]
    assert sorted(asked) == [
        f"Problem:\n{p}\n\n1 steps:\n[1] {step}" for p, step in (("P", "a"), ("Q", "a"), ("Q", "b"))
    ]


def test_an_unreadable_reply_is_asked_for_again_with_another_seed(server: Server) -> None:
    server.answers = ["[0.5]", "[0.1, 0.2, 0.3]", "<think>[0.4, 0.4]", "[0.1, 0.2]"]
    asked = judge(server)
    assert asked.score([("Q", ("a\nb",))]) == [[(0.1, 0.2)]]
    assert asked.counts == {"unreadable_replies": 3}
    assert [r["temperature"] for r in server.requests] == [0.0, 0.7, 0.7, 0.7]
    assert len({r["seed"] for r in server.requests}) == 4
    server.always = "[1, 1]"
    asked.score([("Q", ("a\nb",))])
    assert asked.counts == {}


def test_only_the_completion_with_the_unreadable_reply_is_asked_about_again(server: Server) -> None:
    server.answers = ["good!"]
    server.always = "[0.5]"
    assert judge(server).score([("Q", tuple("abcd"))]) == [[(0.5,)] * 4]
    assert len(server.requests) == 5


def test_a_reply_that_was_cut_off_is_not_read(server: Server) -> None:
    cut = {"choices": [{"finish_reason": "length", "message": {"content": "First I think of [0.5]"}}]}
    server.answers = [cut, "[0.25]"]
    assert judge(server).score([("Q", ("a",))]) == [[(0.25,)]]
    server.answers = [cut] * TRIES
    with pytest.raises(OpenRFTError, match=r"cut off after 64 tokens \(prm.judge_max_tokens\)"):
        judge(server).score([("Q", ("a",))])


def test_busy_servers_and_broken_replies_are_waited_out(server: Server) -> None:
    server.answers = [503, 429, "BROKEN", "[0.1, 0.2]"]
    assert judge(server).score([("Q", ("a\nb",))]) == [[(0.1, 0.2)]]


def test_a_completion_that_never_gets_scores_is_an_error(server: Server) -> None:
    server.always = "good work!"
    message = rf"gave no scores for a completion in {TRIES} replies: it answered 'good work!' where 1 numbers"
    with pytest.raises(OpenRFTError, match=message):
        judge(server).score([("Q", ("a",))])
    assert len(server.requests) == TRIES


@pytest.mark.parametrize("bad", ["unreadable", "refused"])
def test_one_completion_without_scores_stops_no_other(server: Server, bad: str) -> None:
    """It has no reward, which is not a reward of 0, and it is asked about again when it comes again."""
    server.bad = "good work!" if bad == "unreadable" else 400
    server.always = "[0.5]"
    plugin = PRM(PRM.Options(model=server.spec))
    sample = Sample("Q", "A", ("1", "2"))

    def reward(*texts: str) -> tuple[list[float | None], Mapping[str, int]]:
        found = plugin.reward([Rollout(sample, build_messages(sample), Completion(text)) for text in texts])
        return [None if row is None else row.per_step[0] for row in found.value], found.counts

    assert reward("a", "bad", "b")[0] == [0.5, None, 0.5]
    assert len(server.requests) == 2 + (TRIES if bad == "unreadable" else 1)
    values, counts = reward("bad")
    assert (values, counts["not_scored"]) == ([None], 1)
    server.bad = "[0.25]"
    values, counts = reward("bad", "a")
    assert (values, counts.get("not_scored", 0)) == ([0.25, 0.5], 0)


def test_a_judge_whose_replies_are_mostly_unreadable_is_given_up_at_once(server: Server) -> None:
    server.always = "good work!"
    with pytest.raises(OpenRFTError, match=r"20 of 20 replies of the judge .* could not be read: it answered 'good"):
        judge(server).score([("Q", tuple(f"step {i}" for i in range(20)))])
    assert len(server.requests) == 20


def test_a_judge_that_often_but_not_mostly_fails_is_asked_on(server: Server) -> None:
    server.answers = ["good!"] * 9
    server.always = "[0.5]"
    assert judge(server).score([("Q", tuple(f"step {i}" for i in range(20)))]) == [[(0.5,)] * 20]
    assert len(server.requests) == 29


def test_a_refusal_is_not_asked_again(server: Server) -> None:
    server.always = 401
    with pytest.raises(OpenRFTError, match="refused the key"):
        judge(server).score([("Q", ("a",))])
    assert len(server.requests) == 1


def test_a_judge_that_failed_once_may_be_asked_again(server: Server) -> None:
    server.answers = [401, "[0.5]"]
    asked = judge(server)
    with pytest.raises(OpenRFTError, match="refused the key"):
        asked.score([("Q", ("a",))])
    assert asked.score([("Q", ("a",))]) == [[(0.5,)]]


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.001)
    with pytest.raises(OpenRFTError, match="cannot reach the server"):
        LLMJudge("openai:http://127.0.0.1:9/v1#m", 64).score([("Q", ("a",))])


def test_the_plugin_asks_a_judge_about_each_completion_once(server: Server) -> None:
    server.answers = ["no", "[0.5]"]
    plugin = PRM(PRM.Options(model=server.spec))
    sample = Sample("Q", "A", ("1", "2"))
    rollouts = [Rollout(sample, build_messages(sample), Completion("a"))] * 3
    result = plugin.reward(rollouts)
    assert [reward.per_step for reward in result.value] == [(0.5,)] * 3
    assert result.counts == {"scored": 1, "repeated": 2, "no_steps": 0, "unreadable_replies": 1}


@pytest.mark.parametrize("spec", ["openai:http://host/v1", "openai:host#m", "openai:#m"])
def test_a_spec_without_model_or_url(spec: str) -> None:
    with pytest.raises(UsageError, match="does not name a server and a model"):
        PRM(PRM.Options(model=spec))


@pytest.mark.parametrize("reply", ["", "[1, 2]", "[true, 1]", "[0.5]", "[0.1, 0.2, 0.3]", "[a, b]", '["0.1", 0.2]'])
def test_parse_scores_refuses(reply: str) -> None:
    assert parse_scores(reply, 2) is None


def test_thoughts_hold_no_scores() -> None:
    assert parse_scores("<think>[9, 9]</think> Here you are: [0]", 1) == (0.0,)
    assert parse_scores("[9] is too much.</think>[0.5]", 1) == (0.5,)
    assert parse_scores("<think>Perhaps [0.5]", 1) is None
