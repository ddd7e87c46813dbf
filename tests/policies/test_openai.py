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
from pathlib import Path
from typing import Any

import pytest

import openrft
from openrft.bench.single_job import summarise_job
from openrft.config.settings import EvaluateSettings, PolicySettings, Settings
from openrft.errors import PolicyError
from openrft.job import Arm, Job
from openrft.pipeline import run_job
from openrft.plugins.task_registry import load_task
from openrft.policies.base import Sampling
from openrft.policies.openai import OpenAIPolicy
from openrft.runtime.store import Store
from openrft.tasks.task import DataRequest

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
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.01)
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


def scripted(*contents: Any, **more: Any) -> Answer:
    """A server whose n-th reply has the n-th content; the last one stays."""

    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 1, more.get("finish", "stop"))
        body["choices"][0]["message"]["content"] = contents[min(number, len(contents)) - 1]
        body["choices"][0]["message"] |= more.get("message", {})
        return 200, body

    return answer


@pytest.mark.parametrize(
    ("content", "message", "text"),
    [
        (None, {"reasoning_content": "well"}, "<think>\nwell\n</think>\n\n"),  # reasoning alone: an empty answer
        ("B", {"reasoning_content": "\nA?\n"}, "<think>\nA?\n</think>\n\nB"),
        ("\n\nB", {"reasoning": "A?"}, "<think>\nA?\n</think>\n\nB"),
        ("B", {"reasoning_content": "", "reasoning": None}, "B"),
        ("<think>A?</think>B", {}, "<think>A?</think>B"),  # a server that takes nothing apart
        (None, {"refusal": "I cannot help with that."}, "I cannot help with that."),
        ([{"type": "text", "text": "It is "}, {"type": "text", "text": "B"}], {}, "It is B"),
        ([{"type": "thinking", "thinking": "A?"}, {"type": "text", "text": "B"}], {}, "<think>\nA?\n</think>\n\nB"),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "A?"}]}, {"type": "text", "text": "B"}],
            {},
            "<think>\nA?\n</think>\n\nB",
        ),
        ([], {}, ""),
    ],
)
def test_a_reply_without_plain_text(server: Server, content: Any, message: dict[str, str], text: str) -> None:
    server.answer = scripted(content, message=message)
    ((found,),) = policy_of(server).generate(prompts("a"), Sampling())
    assert (found.text, found.finish_reason) == (text, "stop")


def test_a_thought_that_was_cut_off_stays_open_and_gives_no_answer(server: Server) -> None:
    server.answer = scripted(None, message={"reasoning_content": "perhaps \\boxed{A}"}, finish="length")
    ((found,),) = policy_of(server).generate(prompts("a"), Sampling())
    assert (found.text, found.finish_reason) == ("<think>\nperhaps \\boxed{A}", "length")
    assert openrft.final_answer(found.text) is None


@pytest.mark.parametrize(("thinking", "given"), [("auto", None), ("on", True), ("off", False)])
def test_the_switch_for_thinking_is_sent_if_it_was_set(server: Server, thinking: str, given: bool | None) -> None:
    policy = openrft.open_policy(f"openai:{server.url}#tiny", settings=PolicySettings(thinking=thinking))  # type: ignore[arg-type]
    policy.generate(prompts("a"), Sampling())
    sent = server.requests[0].get("chat_template_kwargs")
    assert sent == (given if given is None else dict.fromkeys(("enable_thinking", "thinking", "reasoning"), given))


def test_a_server_that_refuses_the_switch_fails_with_what_to_do(server: Server) -> None:
    words = "Unrecognized request argument supplied: chat_template_kwargs"
    server.answer = lambda request, number: (400, {"error": {"message": words, "type": "invalid_request_error"}})
    with pytest.raises(PolicyError, match=rf"{words}(?s:.*)policy.thinking=auto"):
        policy_of(server, thinking="off").generate(prompts(*"abc"), Sampling())


def test_a_server_that_ignores_the_switch_is_told_of_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.answer = scripted("B", message={"reasoning_content": "A?"})
    policy = policy_of(server, thinking="off")
    for _ in range(2):
        policy.generate(prompts(*"ab"), Sampling())
    assert caplog.text.count("does not follow policy.thinking=off: 2 of 2 answers show a thought") == 1
    policy_of(server, thinking="on").generate(prompts("a"), Sampling())
    assert "policy.thinking=on" not in caplog.text
    server.answer = scripted("B")
    policy_of(server, thinking="on").generate(prompts("a"), Sampling())
    assert "does not follow policy.thinking=on: 0 of 1 answers show a thought" in caplog.text


INSIDE = {"error": {"message": "overloaded, try again", "code": 529}}


def test_an_error_inside_a_200_is_asked_again(server: Server) -> None:
    server.answer = lambda request, number: (200, INSIDE if number < 3 else reply(request, 1))
    ((found,),) = policy_of(server).generate(prompts("a"), Sampling())
    assert found.text.startswith("a/")
    assert len(server.requests) == 3


def test_one_bad_reply_costs_one_answer_and_never_the_job(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Its completion is marked, with the server's words; half of the answers may be lost, more may not."""

    def partly(request: dict[str, Any], number: int) -> tuple[int, Any]:
        asked = request["messages"][-1]["content"]
        return (200, INSIDE) if asked in bad else (200, reply(request, request["n"]))

    server.answer, bad = partly, "b"
    notes = Notes()
    groups = policy_of(server, retries=1).generate(prompts(*"abcd"), Sampling(n=2), notes)
    assert [[c.finish_reason for c in group] for group in groups] == [["stop"] * 2, ["error"] * 2, *[["stop"] * 2] * 2]
    assert groups[1][0].text == ""
    assert "answered 529: overloaded, try again" in groups[1][0].error
    assert notes.notices[-1] == ("generate", 8, 8)
    assert "2 of 8 answers could not be had from the server" in caplog.text
    bad = "bcd"
    with pytest.raises(PolicyError, match="overloaded, try again"):
        policy_of(server, retries=0).generate(prompts(*"abcd"), Sampling())


def test_a_server_that_goes_away_is_given_up(server: Server) -> None:
    """Not one bad reply, but many in a row: the rest is not waited for."""
    server.answer = lambda request, number: (200, reply(request, 1)) if number < 40 else (500, {"error": "gone"})
    with pytest.raises(PolicyError, match=r"\d+ of 200 answers could not be had from the server; the first: .* 500"):
        policy_of(server, retries=0, parallel=4).generate(prompts(*map(str, range(200))), Sampling())
    assert len(server.requests) < 70


def test_one_choice_of_several_that_is_no_answer(server: Server) -> None:
    def partly(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 3)
        body["choices"][1] |= {"finish_reason": "error", "error": {"message": "cut off"}}
        return 200, body

    server.answer = partly
    (group,) = policy_of(server).generate(prompts("a"), Sampling(n=3))
    assert [(c.finish_reason, c.error) for c in group] == [("stop", ""), ("error", "cut off"), ("stop", "")]


REFUSALS = {
    "seed": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted'}]",
    "top_p": "`temperature` and `top_p` cannot both be specified for this model.",
    "temperature": "Unsupported value: 'temperature' does not support 0.6 with this model.",
    "n": "Unrecognized request argument supplied: n",
    "max_tokens": "max_tokens is too large: 99. This model supports at most 10.",
    "max_completion_tokens": "Unknown parameter: 'max_completion_tokens'.",
}


@pytest.mark.parametrize("refused", [*([name] for name in REFUSALS), ["seed", "top_p", "temperature"], list(REFUSALS)])
def test_optional_parameters_that_the_server_refuses_are_left_out(
    server: Server, caplog: pytest.LogCaptureFixture, refused: list[str]
) -> None:
    def strict(request: dict[str, Any], number: int) -> tuple[int, Any]:
        for name in refused:
            if name in request:
                return 400, {"error": {"message": REFUSALS[name]}}
        return 200, reply({"seed": "none", **request}, 1)

    server.answer = strict
    policy = policy_of(server, parallel=1)
    policy.generate(prompts("a", "b"), Sampling(max_tokens=99))
    policy.generate(prompts("c"), Sampling(max_tokens=99))
    last = {"seed", "top_p", "temperature", "n"} - set(refused)
    if "max_tokens" in refused and "max_completion_tokens" not in refused:
        last |= {"max_completion_tokens"}
    elif "max_tokens" not in refused:
        last |= {"max_tokens"}
    assert set(server.requests[-1]) == {"model", "messages"} | last
    assert set(server.requests[-2]) == set(server.requests[-1])  # remembered
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == bool({"seed", "top_p", "temperature"} & set(refused)) or "max_completion_tokens" in refused
    assert all("the server draws with its own" in words for words in told)


def test_a_parameter_may_be_named_beside_the_words(server: Server) -> None:
    refusal = 400, {"error": {"message": "Unsupported value.", "param": "temperature"}}
    server.answer = lambda request, number: refusal if "temperature" in request else (200, reply(request, 1))
    ((found,),) = policy_of(server).generate(prompts("a"), Sampling())
    assert found.text.startswith("a/")


def test_a_refusal_that_speaks_of_something_else_is_no_reason_to_forget_a_parameter(server: Server) -> None:
    def picky(request: dict[str, Any], number: int) -> tuple[int, Any]:
        asked = request["messages"][-1]["content"]
        refusal = {"error": {"message": f"we do not talk about {asked}"}}
        return (400, refusal) if asked == "temperature" else (200, reply(request, 1))

    server.answer = picky
    policy = policy_of(server, parallel=1)
    (refused,), _, _ = policy.generate(prompts("temperature", "b", "c"), Sampling())
    assert refused.finish_reason == "error"
    assert all("temperature" in request for request in server.requests[-2:])


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
        (200, {"error": {"message": "no\nquota", "code": "insufficient_quota"}}, "no valid answer: no quota"),
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
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.01)
    with pytest.raises(PolicyError, match=r"cannot reach the server at http://127\.0\.0\.1:9/v1\. Start it"):
        OpenAIPolicy("openai:http://127.0.0.1:9/v1#m").generate(prompts("a"), Sampling())


@pytest.mark.parametrize(
    "spec",
    [
        *("openai:", "openai:http://h/v1", "openai:h/v1#m", "openai:ftp://h#m", "openai:#m", "openai:http://[::1#m"),
        *("openai:http://h:99999/v1#m", "openai:http://h:x/v1#m", "openai:http://:8000/v1#m", "openai:http://h/v1#m\n"),
        "openai:http://h/v1#m\udcff",
    ],
)
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


def test_an_answer_that_could_not_be_had_is_not_scored_and_is_counted(server: Server, tmp_path: Path) -> None:
    data = DataRequest(train=4, test=6)
    lost = load_task("pocket/L3/final_speed", data).test[2]

    def partly(request: dict[str, Any], number: int) -> tuple[int, Any]:
        if lost.question in request["messages"][-1]["content"]:
            return 200, INSIDE
        return 200, {"choices": [{"message": {"content": "\\boxed{A}"}, "finish_reason": "stop"}] * request["n"]}

    server.answer = partly
    settings = Settings(evaluate=EvaluateSettings(completions=2))
    job = Job(Arm("vanilla"), "pocket/L3/final_speed", 0, f"openai:{server.url}#tiny", data, settings)
    outcome = run_job(job, Store(tmp_path))
    open_ = [r for r in outcome.rollouts if r.correct is None]
    assert [r.sample for r in open_] == [lost, lost]
    assert all("overloaded, try again" in r.completion.error for r in open_)
    result = summarise_job(outcome)
    assert set(result.items) == {s.id for s in outcome.task.test} - {lost.id}
    assert result.metrics["evaluate.failed_requests"] == 2


def test_answers_cut_off_inside_the_thought_are_unparsed_and_counted_apart(server: Server, tmp_path: Path) -> None:
    """Of three answers one ends in time, one is cut off in its answer, and one in its thought, with a guess in it."""
    messages = (
        {"content": "\\boxed{A}", "reasoning_content": "well"},
        {"content": "So it may", "reasoning_content": "well"},
        {"content": None, "reasoning_content": "perhaps \\boxed{A}"},
    )
    choices = [{"message": m, "finish_reason": f} for m, f in zip(messages, ("stop", "length", "length"), strict=True)]
    server.answer = lambda request, number: (200, {"choices": choices})
    settings = Settings(evaluate=EvaluateSettings(completions=3))
    data = DataRequest(train=4, test=6)
    job = Job(Arm("vanilla"), "pocket/L3/final_speed", 0, f"openai:{server.url}#tiny", data, settings)
    outcome = run_job(job, Store(tmp_path))
    assert [r.answer for r in outcome.rollouts] == ["A", None, None] * 6
    metrics = summarise_job(outcome).metrics
    assert (metrics["evaluate.cut_off"], metrics["evaluate.cut_off_thinking"]) == (12, 6)
