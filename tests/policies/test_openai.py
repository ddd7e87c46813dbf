"""The HTTP policy against a real server on this machine: what is sent, and what comes back."""

from __future__ import annotations

import builtins
import subprocess
import sys
import time
from typing import Any

import pytest

import openrft
from openrft.errors import PolicyError
from openrft.policies.base import Sampling
from openrft.policies.openai import OpenAIPolicy
from tests.policies.scripted_server import Notes, Server, policy_of, prompts, reply

pytest.importorskip("openai")


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
