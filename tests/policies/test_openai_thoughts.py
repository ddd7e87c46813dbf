"""Replies that show a thought, or hold anything but plain text, and the switch for thinking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import openrft
from openrft.bench.single_job import summarise_job
from openrft.config.settings import EvaluateSettings, PolicySettings, Settings
from openrft.errors import PolicyError
from openrft.job import Arm, Job
from openrft.pipeline import run_job
from openrft.policies.base import Sampling
from openrft.runtime.store import Store
from openrft.tasks.task import DataRequest
from tests.policies.scripted_server import Server, policy_of, prompts, scripted

pytest.importorskip("openai")


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
