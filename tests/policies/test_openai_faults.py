"""Which faults of a server end a call: those that would meet every request, and never that of one request alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openrft.errors import PolicyError
from openrft.policies.base import Sampling
from openrft.policies.openai import OpenAIPolicy
from openrft.runtime.paid.account import Account, AccountSettings, use_account
from openrft.types import Completion
from tests.policies.scripted_server import Server, prompts, reply

pytest.importorskip("openai")

FILTERED = {  # how providers say that they do not answer what a prompt says: the status and the error
    "azure": (400, {"message": "The response was filtered.", "code": "content_filter", "param": "prompt"}),
    "openai": (400, {"message": "Your prompt was flagged.", "code": "invalid_prompt"}),
    "openrouter": (403, {"message": "Your input was flagged", "code": 403, "metadata": {"reasons": ["violence"]}}),
    "alibaba": (400, {"message": "Input data may contain inappropriate content.", "code": "data_inspection_failed"}),
    "deepseek": (400, {"message": "Content Exists Risk", "type": "invalid_request_error"}),
}
BROKEN = {  # what would meet every request
    "key": (401, {"message": "Incorrect API key provided"}),
    "region": (403, {"message": "Country not supported"}),
    "account": (403, {"message": "Your account was flagged for a violation of our usage policies"}),
    "model": (404, {"message": "The model `m` does not exist", "code": "model_not_found"}),
    "model as 400": (400, {"message": "m is not a valid model ID"}),
    "model not there": (400, {"message": "Model Not Exist", "type": "invalid_request_error"}),
    "credit": (402, {"message": "Insufficient Balance"}),
    "quota": (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
}


def refuse(server: Server, questions: str, status: int, error: Any) -> None:
    """From now on the server answers all but these questions, each a letter."""

    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        bad = request["messages"][-1]["content"] in questions
        return (status, {"error": error}) if bad else (200, reply(request, request["n"]))

    server.answer = answer


def ask(server: Server, questions: str, policy: OpenAIPolicy | None = None) -> list[Completion]:
    policy = policy or OpenAIPolicy(f"openai:{server.url}#m", timeout=5.0, retries=1)
    return [group[0] for group in policy.generate(prompts(*questions), Sampling(max_tokens=5))]


def list_written(found: list[Completion]) -> list[bool]:
    return [completion.is_written for completion in found]


@pytest.mark.parametrize("provider", FILTERED)
def test_a_filtered_prompt_is_lost_alone_though_nothing_else_is_asked(server: Server, provider: str) -> None:
    refuse(server, "x", *FILTERED[provider])
    (found,) = ask(server, "x")
    assert not found.is_written
    assert "answers no such content" in found.error
    assert len(server.requests) == 1
    assert list_written(ask(server, "xab")) == [False, True, True]


def test_a_filtered_answer_is_paid_for_once(server: Server, tmp_path: Path) -> None:
    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 1, "content_filter")
        body["choices"][0]["message"]["content"] = None
        return 200, {**body, "usage": {"prompt_tokens": 3, "completion_tokens": 1}}

    server.answer = answer
    for _ in range(2):
        with use_account(Account(AccountSettings(tmp_path, "r"))):
            (found,) = ask(server, "x")
        assert not found.is_written
        assert "content_filter" in found.error
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", BROKEN)
def test_what_would_meet_every_request_ends_the_job_at_once(server: Server, tmp_path: Path, fault: str) -> None:
    refuse(server, "", 200, None)
    with use_account(Account(AccountSettings(tmp_path, "r"))):
        ask(server, "abc")
    refuse(server, "x", *BROKEN[fault])
    server.requests.clear()
    with use_account(Account(AccountSettings(tmp_path, "r"))), pytest.raises(PolicyError) as caught:
        ask(server, "abcx")  # all others are kept
    assert len(server.requests) == 1
    assert "\n" not in str(caught.value)
    assert caught.value.permanent


def test_a_lone_refusal_ends_nothing_if_the_model_answers_others(server: Server, tmp_path: Path) -> None:
    """Words that no rule knows: only what was seen before tells a bad request from a bad server."""
    refuse(server, "xyz", 400, {"message": "we do not talk about this"})
    with pytest.raises(PolicyError, match="we do not talk about this"):
        ask(server, "x")  # nothing is known of the server
    policy = OpenAIPolicy(f"openai:{server.url}#m", timeout=5.0, retries=0)
    assert list_written(ask(server, "a", policy)) == [True]
    assert list_written(ask(server, "xyz", policy)) == [False] * 3
    with use_account(Account(AccountSettings(tmp_path, "r"))):
        ask(server, "a")
    with use_account(Account(AccountSettings(tmp_path, "r"))):  # another process, which knows the account alone
        assert list_written(ask(server, "x")) == [False]
        with pytest.raises(PolicyError, match="we do not talk about this"):
            ask(server, "x", OpenAIPolicy(f"openai:{server.url}#other", timeout=5.0))


def test_refusals_of_everything_end_the_job_though_the_model_once_answered(server: Server) -> None:
    policy = OpenAIPolicy(f"openai:{server.url}#m", timeout=5.0, retries=0, parallel=1)
    ask(server, "a", policy)
    letters = "bcdefghijklmnop"
    refuse(server, f"{letters}q", 400, {"message": "no"})
    for letter in letters:
        assert list_written(ask(server, letter, policy)) == [False]
    with pytest.raises(PolicyError, match=r"answered 400: no"):
        ask(server, "q", policy)
    assert len(server.requests) == 1 + 16


def test_of_an_outage_one_request_is_spared(server: Server) -> None:
    """A prompt on which a server always breaks costs its own answer; a server that breaks on all ends the call."""
    policy = OpenAIPolicy(f"openai:{server.url}#m", timeout=5.0, retries=0)
    ask(server, "a", policy)
    refuse(server, "xy", 500, {"message": "broken"})
    assert list_written(ask(server, "x", policy)) == [False]
    assert list_written(ask(server, "b", policy)) == [True]
    assert list_written(ask(server, "y", policy)) == [False]
    with pytest.raises(PolicyError, match="broken"):
        ask(server, "x", policy)


NO_TEXT = {  # contents of a reply that hold no text, and what is said of them
    "a number": (5, "content that is no text: 5"),
    "a truth value": (True, "content that is no text: True"),
    "an object": ({"answer": "B"}, "content that is no text: {'answer': 'B'}"),
    "parts without text": ([{"type": "image_url", "image_url": {}}], "content that is no text"),
    "numbers": ([1, 2], "content that is no text: [1, 2]"),
}


def test_a_model_that_stops_at_once_has_written_an_empty_answer(server: Server) -> None:
    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 1)
        body["choices"][0]["message"]["content"] = None
        return 200, body

    server.answer = answer
    found = ask(server, "a")
    assert list_written(found) == [True]
    assert (found[0].text, found[0].finish_reason) == ("", "stop")


@pytest.mark.parametrize("kind", NO_TEXT)
def test_a_reply_without_text_fails_its_own_question_and_no_other(server: Server, kind: str) -> None:
    content, words = NO_TEXT[kind]

    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 1)
        if request["messages"][-1]["content"] == "x":
            body["choices"][0]["message"]["content"] = content
        return 200, body

    server.answer = answer
    found = ask(server, "abxc")
    assert list_written(found) == [True, True, False, True]
    assert words in found[2].error
    assert found[2].text == ""


@pytest.mark.parametrize(
    "body",
    [
        {"choices": None},
        {"choices": {"0": {}}},
        {"choices": [5]},
        {"choices": [{"message": "B", "finish_reason": "stop"}]},
        {"choices": [{"message": {"content": 5}, "finish_reason": ["stop"]}]},
        {"choices": [{"message": {"content": 7}, "finish_reason": "stop"}], "usage": {"prompt_tokens": "3"}},
        None,
        5,
        "B",
        [],
    ],
    ids=str,
)
def test_a_reply_of_another_shape_fails_its_own_question_and_no_other(
    server: Server, body: Any, tmp_path: Path
) -> None:
    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        return 200, body if request["messages"][-1]["content"] == "x" else reply(request, 1)

    server.answer = answer
    with use_account(Account(AccountSettings(tmp_path, "r"))):
        assert list_written(ask(server, "axbc")) == [True, False, True, True]


def test_counts_and_letters_that_no_file_can_hold(server: Server, tmp_path: Path) -> None:
    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 1)
        body["choices"][0]["message"]["content"] = "B\ud800"
        return 200, {**body, "usage": {"prompt_tokens": 10**400, "completion_tokens": 1}}

    server.answer = answer
    for _ in range(2):  # from the server, and as it was kept
        with use_account(Account(AccountSettings(tmp_path, "r"))):
            (found,) = ask(server, "a")
        assert found.text == "B?"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 400, 422, 500])
@pytest.mark.parametrize(
    "body",
    [
        {"error": "no such luck"},
        {"error": {"message": "no such luck"}},
        {"error": {"detail": "no such luck"}},
        {"detail": "no such luck"},
        {"detail": [{"loc": ["body", "messages"], "msg": "no such luck", "type": "value_error"}]},
        {"message": "no such luck"},
        {"object": "error", "message": "no such luck", "code": 9},
    ],
    ids=str,
)
def test_a_server_is_quoted_wherever_it_writes_its_words(server: Server, status: int, body: Any) -> None:
    server.answer = lambda request, number: (status, body)
    with pytest.raises(PolicyError) as caught:
        ask(server, "a")
    assert str(caught.value).partition("no such luck")[0].endswith(": ")
    assert "{" not in str(caught.value)
