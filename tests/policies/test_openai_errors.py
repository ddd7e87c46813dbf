"""Requests that fail: asked again, lost alone, or one line that says what to do."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from openrft.bench.single_job import summarise_job
from openrft.config.settings import EvaluateSettings, Settings
from openrft.errors import PolicyError
from openrft.job import Arm, Job
from openrft.pipeline import run_job
from openrft.plugins.task_registry import load_task
from openrft.policies.base import Sampling
from openrft.policies.openai import OpenAIPolicy
from openrft.runtime.store import Store
from openrft.tasks.task import DataRequest
from tests.policies.scripted_server import INSIDE, Notes, Server, policy_of, prompts, reply

pytest.importorskip("openai")


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
