"""GEPA with a policy whose answers depend on the instruction, and a reflector behind a real server; and a whole job."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from openrft_test_time.gepa_search import GEPA

from openrft import Completion, NoProgress, PolicyError, Rollout, Sampling, apply_grade
from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.single_job import summarise_job
from openrft.pipeline import run_job
from openrft.runtime.store import Store
from openrft.testing import ScriptedPolicy, build_options, toy_task

TASK = toy_task(12, 4)
GOLD = {sample.question: sample.answer for sample in (*TASK.train, *TASK.test)}


def grade_toys(rollouts: Any) -> list[Rollout]:
    """By the task's own rule, as without a grader."""
    return [apply_grade(r, TASK.grade(r.sample, r.completion.text)) for r in rollouts]


class Reflector(BaseHTTPRequestHandler):
    """Always proposes an instruction with the word that the policy waits for; keeps the prompts it was shown."""

    prompts: list[str]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.prompts.append(request["messages"][-1]["content"])
        if request["model"] != "m":
            self.send_error(404)
            return
        message = {"role": "assistant", "content": "Here it is:\n```\nBe careful. Put the letter in \\boxed{}.\n```"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *words: Any) -> None:
        """Nothing."""


@pytest.fixture
def reflector(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The spec of a reflector, and the prompts it gets."""
    pytest.importorskip("openai")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    prompts: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (Reflector,), {"prompts": prompts}))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"openai:http://127.0.0.1:{server.server_port}/v1#m", prompts
    server.shutdown()
    server.server_close()


def answer(messages: Any, i: int) -> str:
    """Right if the instruction says to be careful."""
    right = GOLD[messages[-1]["content"].splitlines()[0]]
    return f"so\n\\boxed{{{right}}}" if "careful" in messages[0]["content"] else "so\nno idea"


def test_a_reflector_behind_a_server_finds_what_the_policy_waits_for(reflector):
    spec, prompts = reflector
    plugin = GEPA(build_options(GEPA.Options, {"reflector": spec, "metric_calls": "30"}))
    assert plugin.check_job(TASK) == []
    found = plugin.instruct(TASK, ScriptedPolicy(answer), Sampling(), grade_toys, 7, NoProgress())
    assert found.value == "Be careful. Put the letter in \\boxed{}."
    assert found.metrics == {"validation_start": 0.0, "validation_best": 1.0}
    assert found.counts["reflections"] == len(prompts) > 0
    assert found.counts["answers"] >= 30
    assert TASK.instruction in prompts[0]
    assert "No final answer can be read" in prompts[0]
    asked = [sample.question for sample in TASK.train if sample.question in "".join(prompts)]
    assert 0 < len(asked) <= len(TASK.train) // 2  # the validation half is not shown
    assert not any(sample.question in "".join(prompts) for sample in TASK.test)
    again = plugin.instruct(TASK, ScriptedPolicy(answer), Sampling(), grade_toys, 7, NoProgress())
    assert again == found


def test_a_reflector_that_writes_nothing_leaves_the_instruction(reflector):
    silent = ScriptedPolicy(lambda messages, i: "")
    found = GEPA(GEPA.Options(metric_calls=20)).instruct(TASK, silent, Sampling(), grade_toys, 7, NoProgress())
    assert found.value == TASK.instruction
    assert found.counts["reflections_without_reply"] == found.counts["reflections"] > 0


def test_a_reflector_that_cannot_be_asked_ends_the_search(reflector):
    spec, prompts = reflector
    plugin = GEPA(GEPA.Options(reflector=f"{spec}-unknown", metric_calls=20))
    with pytest.raises(PolicyError, match="has no model 'm-unknown'"):
        plugin.instruct(TASK, ScriptedPolicy(answer), Sampling(), grade_toys, 7, NoProgress())
    assert len(prompts) == 1  # and it is not asked again


class FailingPolicy(ScriptedPolicy):
    """A policy behind a server that fails to answer the last prompt of each call."""

    def generate(self, prompts: Any, sampling: Sampling, progress: Any = None) -> list[list[Completion]]:
        lost = Completion("", finish_reason="error", error="answered 503")
        return [*super().generate(prompts, sampling, progress)[:-1], [lost]]


def test_an_answer_that_a_server_failed_to_give_is_no_wrong_answer(reflector):
    plugin = GEPA(GEPA.Options(reflector=reflector[0], metric_calls=20))
    with pytest.raises(PolicyError, match=r"1 of 6 answers could not be had.* answered 503"):
        plugin.instruct(TASK, FailingPolicy(answer), Sampling(), grade_toys, 7, NoProgress())


def test_an_answer_without_a_grade_says_nothing(reflector):
    """A judge fails on some answers: they change no comparison, and the reflector is not shown them."""
    spec, prompts = reflector
    lost = {sample.id for sample in TASK.train[::4]}

    def grade_most(rollouts: Any) -> list[Rollout]:
        return [
            replace(r, reason="the judge failed") if r.sample.id in lost else replace(r, correct=True, score=0.5)
            for r in rollouts
        ]

    plugin = GEPA(GEPA.Options(reflector=spec, metric_calls=20, minibatch=6))
    found = plugin.instruct(TASK, ScriptedPolicy(answer), Sampling(), grade_most, 7, NoProgress())
    assert found.metrics == {"validation_start": 0.5, "validation_best": 0.5}
    assert found.counts["answers_not_graded"] > 0
    assert "The answer scores 0.50 of 1" in prompts[0]
    assert not any(sample.question in "".join(prompts) for sample in TASK.train[::4])
    with pytest.raises(PolicyError, match=r"none of 6 answers could be graded.* the judge failed"):
        plugin.instruct(
            TASK,
            ScriptedPolicy(answer),
            Sampling(),
            lambda rollouts: [replace(r, reason="the judge failed") for r in rollouts],
            7,
            NoProgress(),
        )


def test_it_searches_by_the_grader_of_its_arm(tmp_path: Path, reflector):
    """The rule of pocket's tasks finds no answer right here. The grader asks for a word of the better instruction."""
    grader = {"type": "string_check", "input": "{{ sample.output_text }}", "reference": "", "operation": "like"}
    file = tmp_path / "grader.json"
    file.write_text(json.dumps(grader))
    values = {
        "evaluate": {"completions": 1, "max_tokens": 8},
        "gepa": {"metric_calls": 4, "reflector": reflector[0]},
        "graders": {"grader": str(file)},
    }
    plan = make_plan(
        BenchRequest(
            ("pocket/L3/molar_mass",), (), "none", ("g=gepa,graders",), data={"train": 4, "test": 2}, values=values
        )
    )
    found = run_job(plan.jobs()[1], Store(tmp_path))
    metrics = found.stage_records[0].metrics
    assert metrics["gepa.validation_start"] == 1.0  # by the grader, which lets every answer pass
    assert {r.score for r in found.rollouts} == {1.0}


def test_too_few_questions_are_refused():
    (fault,) = GEPA(GEPA.Options()).check_job(replace(TASK, train=TASK.train[:3]))
    assert "3 training questions" in fault


def test_a_job_is_evaluated_with_the_instruction_and_counts_its_cost(tmp_path: Path, reflector):
    spec, _ = reflector
    values = {"evaluate": {"completions": 1}, "gepa": {"metric_calls": 8, "reflector": spec}}
    plan = make_plan(
        BenchRequest(("pocket/L3/molar_mass",), (), "none", ("g=gepa",), data={"train": 4, "test": 3}, values=values)
    )
    vanilla, found = [run_job(job, Store(tmp_path)) for job in plan.jobs()]
    assert (vanilla.instruction, found.policy_id) == ("", vanilla.policy_id)
    assert found.instruction in (vanilla.task.instruction, "Be careful. Put the letter in \\boxed{}.")
    assert {r.messages[0]["content"] for r in found.rollouts} == {found.instruction}
    result = summarise_job(found)
    assert result.instruction == found.instruction
    cost = result.stages[0]
    assert (cost.stage, cost.reused) == ("instruct", False)
    assert cost.tokens == found.stage_records[0].counts["gepa.tokens"] > 0
