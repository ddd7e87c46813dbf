"""Calls that cost money, against a real server that fails in three of ten: nothing is lost, repeated or paid twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from openrft.errors import BudgetSpent, PolicyError, ReplyMissing, UsageError
from openrft.policies.base import Sampling
from openrft.policies.openai import OpenAIPolicy
from openrft.runtime.paid.account import Account, AccountSettings, use_account
from openrft.runtime.paid.prices import Price, PriceTable
from openrft.runtime.paid.usage import Usage
from openrft.types import Completion
from tests.policies.faulty_server import FAULTS, FaultyServer

pytest.importorskip("openai")
pytest.importorskip("tenacity")

PRICES = PriceTable("USD", {"m": Price(input=1_000_000, cached_input=500_000, output=2_000_000)})  # a token: 1, 0.5, 2


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.005)
    monkeypatch.setattr("openrft.policies.openai_requests.LONGEST_DELAY", 0.02)


@pytest.fixture
def serve() -> Iterator[Callable[..., FaultyServer]]:
    servers = []

    def start(**options: Any) -> FaultyServer:
        servers.append(FaultyServer(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def ask(
    server: FaultyServer, folder: Path, questions: list[str], n: int = 1, seed: int = 0, **settings: Any
) -> list[list[Completion]]:
    with use_account(Account(AccountSettings(folder, **{"run": "r", **settings}))):
        return ask_here(server, questions, n, seed)


def ask_here(server: FaultyServer, questions: list[str], n: int = 1, seed: int = 0) -> list[list[Completion]]:
    policy = OpenAIPolicy(server.spec, timeout=3.0, retries=30)
    prompts = [[{"role": "user", "content": question}] for question in questions]
    return policy.generate(prompts, Sampling(n=n, max_tokens=5, seed=seed))


def paid(folder: Path, run: str = "r") -> tuple[Usage, int]:
    """What a run paid, and how many requests it lost."""
    payments = Account(AccountSettings(folder, run)).list_payments()
    (payment,) = payments
    return payment.paid, payment.lost.replies


QUESTIONS = [f"question {i}" for i in range(60)]


def test_nothing_is_lost_repeated_or_paid_twice_at_three_faults_in_ten(
    serve: Callable[..., FaultyServer], tmp_path: Path
) -> None:
    """Three threads ask overlapping questions of one server at a time, then everything is asked again."""
    server = serve(rate=0.3, seed=33)
    parts = [QUESTIONS[:40], QUESTIONS[20:], QUESTIONS[::2]]
    with use_account(Account(AccountSettings(tmp_path, "r", in_flight=12))), ThreadPoolExecutor() as threads:
        found = list(threads.map(lambda part: ask_here(server, part), parts))
    assert set(server.faults) - {""} == set(FAULTS)  # each kind was met
    texts = [
        {question: group[0].text for question, group in zip(part, groups, strict=True)}
        for part, groups in zip(parts, found, strict=True)
    ]
    everything = texts[0] | texts[1] | texts[2]
    assert all(everything[question] == text for part in texts for question, text in part.items())
    assert all(text.startswith(f"{q}: ") for part in texts for q, text in part.items())
    assert len(server.given) == len(QUESTIONS)
    assert set(server.given.values()) == {1}
    assert server.most <= 12
    usage, lost = paid(tmp_path)
    assert usage == Usage(usage.model, 60, 600, 240, 120)
    # What a server may have charged for: no answer came, and it did not say that it refused.
    assert lost == sum(server.faults[kind] for kind in ("timeout", "reset", "cut body", "no JSON", "no choices"))
    again = ask(server, tmp_path, QUESTIONS, run="another")
    assert {q: c.text for q, (c,) in zip(QUESTIONS, again, strict=True)} == everything
    assert sum(server.given.values()) == 60
    assert Account(AccountSettings(tmp_path, "another")).list_payments() == ()


RUN = """
import sys
from pathlib import Path
import openrft.policies.openai_requests as requests
requests.RETRY_DELAY, requests.LONGEST_DELAY = 0.005, 0.02
from openrft.policies.base import Sampling
from openrft.policies.openai import OpenAIPolicy
from openrft.runtime.paid.account import Account, AccountSettings, use_account
spec, folder = sys.argv[1:]
with use_account(Account(AccountSettings(Path(folder), "r", in_flight=4))):
    prompts = [[{"role": "user", "content": f"question {i}"}] for i in range(60)]
    found = OpenAIPolicy(spec, timeout=3.0, retries=30).generate(prompts, Sampling(max_tokens=5))
    print(*(completion.text for (completion,) in found), sep="\\n")
"""


def test_a_run_that_is_killed_pays_again_for_nothing_that_had_arrived(
    serve: Callable[..., FaultyServer], tmp_path: Path
) -> None:
    server = serve(rate=0.3, seed=5, pause=0.02)
    command = [sys.executable, "-c", RUN, server.spec, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while sum(server.given.values()) < 25 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    time.sleep(0.1)  # what is on its way
    before = sum(server.given.values())
    assert 25 <= before < 60
    kept = paid(tmp_path)[0].replies
    assert before - 4 <= kept <= before  # the four in flight may have been answered when nobody was there any more
    # Two processes go on at once: together they pay for what was missing, and for nothing twice.
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    one, other = (process.communicate()[0].splitlines() for process in both)
    assert one == other
    assert [line.split(":")[0] for line in one] == [f"question {i}" for i in range(60)]
    assert sum(server.given.values()) == before + 60 - kept
    assert server.most <= 4  # together
    usage, lost = paid(tmp_path)
    assert usage.replies == 60
    assert lost >= before - kept  # what was in flight at the kill counts as lost, and some of the faults


def test_the_budget_is_kept_and_the_next_start_goes_on(serve: Callable[..., FaultyServer], tmp_path: Path) -> None:
    """A reply costs 6 + 4 * 0.5 + 2 * 2 = 12. The most that one can cost is its bytes and 5 tokens of output."""
    server = serve(rate=0.0, pause=0.01)
    questions = QUESTIONS[:30]
    with pytest.raises(BudgetSpent, match=r"budget of 500\.00 USD(?s:.*)higher --budget") as caught:
        ask(server, tmp_path, questions, prices=PRICES, budget=500.0)
    first = sum(server.given.values())
    assert first == paid(tmp_path)[0].replies  # those in flight were waited for
    assert f"{12 * first:.2f} USD are paid" in str(caught.value)
    bytes_and_output = 500 - 12 * first
    assert 0 < bytes_and_output < 300  # it stopped before the call that could exceed it, and not much before
    with pytest.raises(BudgetSpent):  # the same budget holds for all starts
        ask(server, tmp_path, questions, prices=PRICES, budget=500.0)
    assert sum(server.given.values()) == first
    ask(server, tmp_path, questions, prices=PRICES, budget=5000.0)
    assert sum(server.given.values()) == 30
    assert set(server.given.values()) == {1}
    ask(server, tmp_path, questions, prices=PRICES, budget=0.0)  # all is kept, so nothing is paid


def test_a_budget_counts_what_may_have_been_paid_for_lost_replies(
    serve: Callable[..., FaultyServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.policies.faulty_server.FAULTS", ("cut body",))
    server = serve(rate=1.0)
    with pytest.raises(BudgetSpent):
        ask(server, tmp_path, ["q"], prices=PRICES, budget=1000.0)
    (payment,) = Account(AccountSettings(tmp_path, "r")).list_payments()
    assert payment.paid.replies == 0
    cost = PRICES.cost([payment.lost])
    assert payment.lost.replies == server.faults["cut body"] > 1
    assert cost is not None
    assert cost <= 1000.0


def test_a_budget_without_a_price_is_refused_before_anything_is_asked(
    serve: Callable[..., FaultyServer], tmp_path: Path
) -> None:
    server = serve()
    with pytest.raises(UsageError, match=r'no price of \'m\'. Add it, in USD per million tokens: "m" = {'):
        ask(server, tmp_path, ["q"], prices=PriceTable("USD", {}), budget=1.0)
    with pytest.raises(UsageError, match="--budget needs the prices"):
        ask(server, tmp_path, ["q"], budget=1.0)
    assert not server.given
    assert not server.faults


def test_equal_draws_have_a_reply_each_and_other_sampling_another(
    serve: Callable[..., FaultyServer], tmp_path: Path
) -> None:
    server = serve(rate=0.0)
    two = ask(server, tmp_path, ["q", "q"])
    assert two[0] != two[1]  # the second draw of the same question
    three = ask(server, tmp_path, ["q", "q", "q"])
    assert three[:2] == two
    assert sum(server.given.values()) == 3
    ask(server, tmp_path, ["q"], seed=1)
    ask(server, tmp_path, ["q"], n=2)
    assert sum(server.given.values()) == 5


def test_a_replay_asks_nobody_and_names_what_is_missing(serve: Callable[..., FaultyServer], tmp_path: Path) -> None:
    server = serve(rate=0.0)
    found = ask(server, tmp_path, ["a", "b"])
    server.close()
    assert ask(server, tmp_path, ["b", "a"], replay=True) == found[::-1]
    kept, (lost,) = ask(server, tmp_path, ["a", "c"], replay=True)
    assert kept == found[0]
    assert not lost.is_written
    words = r"--replay: \S+ holds no reply of http://\S+#m to the request \w{12}, '\w'\. .*without --replay"
    assert re.search(words, lost.error)
    assert not ask(server, tmp_path, ["c"], replay=True)[0][0].is_written
    with pytest.raises(ReplyMissing, match=words):
        ask(server, tmp_path / "other", ["a"], replay=True)
    with pytest.raises(ReplyMissing, match=rf"16 of 21 answers could not be had.*{words}"):
        ask(server, tmp_path, ["a", *map(str, range(20))], replay=True)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_lasting_fault_is_one_request_and_one_line(
    serve: Callable[..., FaultyServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("tests.policies.faulty_server.FAULTS", (f"{status}",))
    server = serve(rate=1.0)
    with pytest.raises(PolicyError) as caught:
        ask(server, tmp_path, ["q"])
    assert "\n" not in str(caught.value)
    assert server.faults == {f"{status}": 1}
    assert Account(AccountSettings(tmp_path, "r")).list_payments() == ()  # a refusal costs nothing


def test_a_failed_call_is_no_reply_and_is_asked_again(
    serve: Callable[..., FaultyServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(rate=0.0)
    with use_account(Account(AccountSettings(tmp_path, "r"))):
        policy = OpenAIPolicy(server.spec, timeout=0.25, retries=0)
        prompts = [[{"role": "user", "content": question}] for question in "abc"]
        ask_here(server, ["a", "b"])
        server.rate = 1.0
        monkeypatch.setattr("tests.policies.faulty_server.FAULTS", ("500",))
        groups = policy.generate(prompts, Sampling(max_tokens=5))
        assert [group[0].is_written for group in groups] == [True, True, False]
        server.rate = 0.0
        groups = policy.generate(prompts, Sampling(max_tokens=5))
    assert all(group[0].is_written for group in groups)
    assert sum(server.given.values()) == 3
