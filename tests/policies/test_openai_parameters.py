"""Parameters that a server refuses are left out or renamed, and a budget that its context does not hold is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from openrft.policies.base import Sampling
from tests.policies.scripted_server import Server, policy_of, prompts, reply

pytest.importorskip("openai")


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


def test_a_server_that_insists_on_the_new_name_of_the_budget_gets_it(server: Server) -> None:
    refusal = 400, {"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'."}}
    server.answer = lambda request, number: refusal if "max_tokens" in request else (200, reply(request, 1))
    policy = policy_of(server, parallel=1)
    policy.generate(prompts("a", "b"), Sampling(max_tokens=7))
    assert [request.get("max_completion_tokens") for request in server.requests] == [None, 7, 7]


def test_a_server_that_refuses_several_choices_is_asked_for_one_at_a_time(server: Server) -> None:
    refusal = 400, {"error": {"message": "n must be 1"}}
    server.answer = lambda request, number: refusal if request["n"] > 1 else (200, reply(request, 1))
    (group,) = policy_of(server).generate(prompts("a"), Sampling(n=3))
    assert len({c.text for c in group}) == 3
    assert [request["n"] for request in server.requests] == [3, 1, 1, 1]


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
