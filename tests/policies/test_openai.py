"""The HTTP policy against a real server on this machine, well-behaved and otherwise."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import openrft
from openrft.errors import PolicyError
from openrft.policies.base import Sampling
from openrft.policies.openai import OpenAIPolicy

pytest.importorskip("openai")

Answer = Callable[[dict[str, Any], int], tuple[int, Any]]  # (request, its number) -> status and body


class Server:
    """Chat completions as scripted by `answer`; keeps requests, headers and the largest number in flight."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request, number: (200, reply(request, request["n"]))
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"server_of": self})
        self.http = _Quiet(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def handle(self, request: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        with self._lock:
            self.requests.append(request)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            number = len(self.requests)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self.answer(request, number)
        finally:
            with self._lock:
                self._now -= 1


class _Handler(BaseHTTPRequestHandler):
    server_of: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = self.server_of.handle(request, dict(self.headers))
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *words: Any) -> None:
        """Nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients that hang up are what some tests are about."""


def reply(request: dict[str, Any], n: int, finish: str = "stop") -> dict[str, Any]:
    """A valid answer with `n` choices that name question, seed and place."""
    asked, seed = request["messages"][-1]["content"], request["seed"]
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [
            {
                "index": i,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": f"{asked}/{seed}/{i}"},
            }
            for i in range(n)
        ],
    }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


class Notes:
    """Keeps the progress it is told."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, int, int]] = []

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self.notices.append((stage, done, total))


def prompts(*questions: str) -> list[list[dict[str, str]]]:
    return [[{"role": "system", "content": "s"}, {"role": "user", "content": q}] for q in questions]


def policy_of(server: Server, **options: Any) -> OpenAIPolicy:
    return OpenAIPolicy(f"openai:{server.url}#tiny", **{"timeout": 5.0, **options})


def test_completions_come_in_order_with_everything_asked_for(server: Server) -> None:
    notes = Notes()
    sampling = Sampling(n=3, temperature=0.7, top_p=0.9, max_tokens=11, seed=5)
    groups = policy_of(server).generate(prompts("a", "b", "c", "d"), sampling, notes)
    assert [[c.text[0] for c in group] for group in groups] == [[q] * 3 for q in "abcd"]
    assert all(c.finish_reason == "stop" and c.tokens == () and c.temperature == 0.7 for group in groups for c in group)
    sent = {k: server.requests[0][k] for k in ("model", "n", "temperature", "top_p", "max_tokens")}
    assert sent == {"model": "tiny", "n": 3, "temperature": 0.7, "top_p": 0.9, "max_tokens": 11}
    assert len({request["seed"] for request in server.requests}) == 4
    assert notes.notices[-1] == ("generate", 12, 12)


def test_same_seed_same_requests_other_seed_others(server: Server) -> None:
    policy = policy_of(server)
    one, again, other = (policy.generate(prompts("a", "b"), Sampling(n=2, seed=s)) for s in (1, 1, 2))
    assert one == again
    assert one != other
    more = policy.generate(prompts("c", "b", "a"), Sampling(n=2, seed=1))
    assert more[:0:-1] == one  # whatever else is asked


def test_open_policy_takes_the_spec_and_the_id_holds_no_key(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    policy = openrft.open_policy(f"openai:{server.url}#tiny")
    policy.generate(prompts("a"), Sampling())
    assert policy.id == f"openai:{server.url}#tiny"
    assert server.headers[0]["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in repr(vars(policy))


@pytest.mark.parametrize("given", [1, 2])
def test_a_server_that_gives_fewer_choices_is_asked_again(server: Server, given: int) -> None:
    server.answer = lambda request, number: (200, reply(request, min(given, request["n"])))
    (group,) = policy_of(server).generate(prompts("a"), Sampling(n=5))
    assert len({c.text for c in group}) == 5  # new seeds, so nothing is repeated
    assert len(server.requests) == -(-5 // given)


def test_a_server_that_refuses_several_choices_is_asked_for_one_at_a_time(server: Server) -> None:
    refusal = 400, {"error": {"message": "n must be 1"}}
    server.answer = lambda request, number: refusal if request["n"] > 1 else (200, reply(request, 1))
    (group,) = policy_of(server).generate(prompts("a"), Sampling(n=3))
    assert len({c.text for c in group}) == 3
    assert [request["n"] for request in server.requests] == [3, 1, 1, 1]


def test_a_server_that_insists_on_the_new_name_of_the_budget_gets_it(server: Server) -> None:
    refusal = 400, {"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'."}}
    server.answer = lambda request, number: refusal if "max_tokens" in request else (200, reply(request, 1))
    policy = policy_of(server, parallel=1)
    policy.generate(prompts("a", "b"), Sampling(max_tokens=7))
    assert [request.get("max_completion_tokens") for request in server.requests] == [None, 7, 7]


def test_a_server_that_gives_more_choices_is_cut(server: Server) -> None:
    server.answer = lambda request, number: (200, reply(request, 4))
    assert len(policy_of(server).generate(prompts("a"), Sampling(n=2))[0]) == 2


def test_requests_in_flight_are_bounded(server: Server) -> None:
    def slow(request: dict[str, Any], number: int) -> tuple[int, Any]:
        time.sleep(0.05)
        return 200, reply(request, 1)

    server.answer = slow
    policy_of(server, parallel=3).generate(prompts(*"abcdefgh"), Sampling())
    assert 2 <= server.most <= 3


def test_length_and_missing_content(server: Server) -> None:
    server.answer = lambda request, number: (200, reply(request, 1, "length"))
    ((cut,),) = policy_of(server).generate(prompts("a"), Sampling())
    assert cut.finish_reason == "length"

    def silent(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 1, "length" if request["max_tokens"] == 1 else "tool_calls")
        body["choices"][0]["message"]["content"] = None
        return 200, body

    server.answer = silent
    ((thinking,),) = policy_of(server).generate(prompts("a"), Sampling(max_tokens=1))
    assert (thinking.text, thinking.finish_reason) == ("", "length")
    with pytest.raises(PolicyError, match=r"without content \(finish_reason 'tool_calls'\)"):
        policy_of(server).generate(prompts("a"), Sampling())


def test_a_context_that_is_too_short_for_the_budget_or_for_the_prompt(server: Server) -> None:
    """The budget is dropped, and a prompt that fills the context by itself is answered by nothing: no failure."""
    words = {
        "a": "'max_tokens' is too large: 99. This model's maximum context length is 90 tokens.",
        "b": "the request exceeds the available context size",
        "c": "max_tokens=99 cannot be greater than max_model_len=90.",
    }

    def narrow(request: dict[str, Any], number: int) -> tuple[int, Any]:
        asked = request["messages"][-1]["content"]
        if asked == "b" or "max_tokens" in request:
            return 400, {"error": {"message": words[asked]}}
        return 200, reply(request, request["n"], "length")

    server.answer = narrow
    short, full, other = policy_of(server).generate(prompts("a", "b", "c"), Sampling(n=2, max_tokens=99))
    assert [(c.finish_reason, c.text[:2]) for c in (*short, *other)] == [("length", "a/")] * 2 + [("length", "c/")] * 2
    assert [(c.finish_reason, c.text) for c in full] == [("context", "")] * 2


def test_a_passing_fault_is_waited_out(server: Server) -> None:
    faults = {1: (500, {"error": {"message": "busy"}}), 2: (429, {"error": {"message": "slower"}})}
    server.answer = lambda request, number: faults.get(number, (200, reply(request, 1)))
    ((answer,),) = policy_of(server).generate(prompts("a"), Sampling())
    assert answer.text.startswith("a/")
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "body", "notices"),
    [
        (500, {"error": {"message": "out of\nmemory"}}, "answered 500: out of memory"),
        (400, {"error": {"message": "temperature must be 1"}}, "answered 400: temperature must be 1"),
        (401, {"error": {"message": "bad key sk-secret"}}, "refused the key. Set OPENAI_API_KEY"),
        (404, {"error": {"message": "The model `tiny` does not exist"}}, "has no model 'tiny'"),
        (422, {"error": {"message": "key sk-secret " + "x" * 999}}, "answered 422: key *** xxx"),
        (200, b'{"choices": [', "no valid answer"),
        (200, b"<html>hello</html>", "no valid answer"),
        (200, {"object": "list"}, "without any choice"),
        (200, {"choices": []}, "without any choice"),
        (200, {"choices": [{}]}, "without content"),
        (200, {"choices": [None]}, "without content"),
        (200, [1, 2], "without any choice"),
    ],
)
def test_lasting_faults_are_one_line(
    server: Server, monkeypatch: pytest.MonkeyPatch, status: int, body: Any, notices: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server.answer = lambda request, number: (status, body)
    with pytest.raises(PolicyError) as caught:
        policy_of(server, retries=1).generate(prompts("a", "b"), Sampling())
    message = str(caught.value)
    assert notices in message
    assert server.url in message
    assert "\n" not in message
    assert "sk-secret" not in message
    assert len(message) < 400


def test_a_server_that_hangs_is_given_up_and_nobody_waits_for_the_rest(server: Server) -> None:
    release = threading.Event()
    server.answer = lambda request, number: ((release.wait(20) and 200) or 200, reply(request, 1))
    began = time.monotonic()
    with pytest.raises(PolicyError, match=r"did not answer within 0\.5 seconds"):
        policy_of(server, timeout=0.5, retries=4).generate(prompts(*"abcd"), Sampling())
    assert time.monotonic() - began < 5
    release.set()


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    with pytest.raises(PolicyError, match=r"cannot reach the server at http://127\.0\.0\.1:9/v1\. Start it"):
        OpenAIPolicy("openai:http://127.0.0.1:9/v1#m").generate(prompts("a"), Sampling())


@pytest.mark.parametrize("spec", ["openai:", "openai:http://h/v1", "openai:h/v1#m", "openai:ftp://h#m", "openai:#m"])
def test_a_spec_that_names_no_server_or_model_is_refused(spec: str) -> None:
    with pytest.raises(openrft.UsageError, match="Write it like openai:http"):
        OpenAIPolicy(spec)


def test_a_key_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(openrft.UsageError) as caught:
        OpenAIPolicy("openai:http://user:sk-secret@h/v1#m")
    assert "sk-secret" not in str(caught.value)


def test_without_the_library_the_advice_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "openai":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(openrft.UsageError, match=r"pip install 'openrft\[openai\]'"):
        OpenAIPolicy("openai:http://h/v1#m")


def test_importing_openrft_imports_no_http_library() -> None:
    code = "import openrft, openrft.policies.openai, sys; print([m for m in ('openai', 'torch') if m in sys.modules])"
    notices = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert notices.stdout.strip() == "[]"
