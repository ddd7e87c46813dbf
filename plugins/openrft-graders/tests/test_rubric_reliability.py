"""The check of a judge before RL, with judges whose faults are known."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from openrft_graders import Graders
from openrft_graders.rubric.format import parse_rubric
from openrft_graders.rubric.grader import RubricGrader
from openrft_graders.rubric.judge import RubricJudge
from openrft_graders.rubric.judge_check import JudgeCheck, choose_answers
from openrft_graders.rubric.reliability import KAPPA, PADDING

from openrft import Completion, NoProgress, RewardCheck, Rollout, Sample, Sampling
from openrft.testing import build_options

WORDS = ("iron", "heat", "gold", "rust")
RUBRIC = json.dumps([f"says {word}" for word in WORDS])


def answers(count: int = 24) -> list[Rollout]:
    """Answers to as many questions, with half of the words each."""
    draw = random.Random(3)
    return [
        Rollout(Sample(f"Question {i}?", "", kind="text"), (), Completion(" ".join(draw.sample(WORDS, 2))))
        for i in range(count)
    ]


class FunctionPolicy:
    """A policy that answers each request with a function, in this process."""

    id = spec = "function"

    def __init__(self, reply: Callable[[dict[str, Any]], str]) -> None:
        self._reply = reply

    def open(self) -> FunctionPolicy:
        return self

    def generate(self, prompts: Any, sampling: Sampling, progress: Any = None) -> list[list[Completion]]:
        requests = [{"messages": prompt, "temperature": sampling.temperature} for prompt in prompts]
        return [[Completion(self._reply(request))] for request in requests]


def check(reply: Callable[[dict[str, Any]], str], rollouts: list[Rollout] | None = None) -> tuple[RewardCheck, Any]:
    policy: Any = FunctionPolicy(reply)
    grader = RubricGrader(RubricJudge(policy, Sampling(temperature=0.0)), parse_rubric(RUBRIC))
    found = JudgeCheck({"": grader}, None, 40).run(answers() if rollouts is None else rollouts, NoProgress())
    assert found is not None
    return found.value, found.metrics


def check_plugin(tmp_path: Any, spec: str, **options: Any) -> tuple[RewardCheck, Any]:
    file = tmp_path / "rubric.json"
    file.write_text(RUBRIC)
    plugin = Graders(build_options(Graders.Options, {"rubric": str(file), "judge": spec, **options}))
    found = plugin.check_reward(answers(), NoProgress())
    assert found is not None
    return found.value, found.metrics


def is_second(request: dict[str, Any]) -> bool:
    return bool(request["temperature"] > 0)


def test_a_steady_judge(serve: Any, judge: Any, tmp_path: Any) -> None:
    with serve(judge.reply) as (spec, asked):
        found, numbers = check_plugin(tmp_path, spec)
    assert found.warnings == ()
    assert found.findings[:4] == (
        "two runs of the judge give the same verdict in 100% of 96 cases on 24 answers",
        f"{KAPPA}: 1.00 [1.00, 1.00]",
        "criteria in reversed order change 0% [0%, 0%] of the verdicts",
        "padding behind an answer adds 0.00 [0.00, 0.00] to its score, which is from 0 to 1",
    )
    assert numbers["kappa"] == 1
    assert numbers["order_flips"] == numbers["padding_gain"] == numbers["judge_failed"] == 0
    temperatures = [request["temperature"] for request in asked]
    assert temperatures.count(0) == 3 * temperatures.count(0.7)
    assert {request["seed"] for request in asked if is_second(request)}.isdisjoint(
        request["seed"] for request in asked if not is_second(request)
    )


def test_a_judge_that_wavers(judge: Any) -> None:
    """Of the criterion `says rust` its second run says the opposite. The kappa by hand: half of all verdicts are yes
    on either side, and a quarter differs, so (.75 - .5) / (1 - .5)."""

    def reply(request: dict[str, Any]) -> str:
        said = json.loads(judge.reply(request))
        at = str(1 + judge.read(request).criteria.index("says rust"))
        return json.dumps(said | {at: said[at] != is_second(request)})

    found, numbers = check(reply)
    rust = sum("rust" in rollout.completion.text for rollout in answers())
    yes = 48 + 24 - 2 * rust  # of the second run's 96 verdicts
    expected = 0.5 * yes / 96 + 0.5 * (1 - yes / 96)
    assert numbers["kappa"] == pytest.approx((0.75 - expected) / (1 - expected))
    (warning,) = found.warnings
    assert "the opinions are not shown to agree" in warning
    assert "most on `+1 says rust`, 100%" in warning


def test_a_second_judge(serve: Any, judge: Any, tmp_path: Any) -> None:
    def contradict(request: dict[str, Any]) -> str:
        return json.dumps({name: not yes for name, yes in json.loads(judge.reply(request)).items()})

    with serve(judge.reply) as (spec, _), serve(contradict) as (other, asked):
        found, numbers = check_plugin(tmp_path, spec, second_judge=other, check_answers="5")
    assert found.findings[0].startswith(f"the judge and {other} give the same verdict in 0% of 20 cases on 5 answers")
    assert found.findings[1].endswith(": -1.00 [-1.00, -1.00]")
    assert numbers["kappa"] == -1
    assert len({json.dumps(request["messages"]) for request in asked}) == len(asked)


def test_a_judge_that_prefers_the_first_criterion(judge: Any) -> None:
    """It says yes to whatever stands first, so the reversed order changes the verdict on both ends."""

    def reply(request: dict[str, Any]) -> str:
        return json.dumps(json.loads(judge.reply(request)) | {"1": True})

    found, numbers = check(reply)
    lacking = sum(word not in rollout.completion.text for rollout in answers() for word in (WORDS[0], WORDS[-1]))
    assert numbers["order_flips"] == pytest.approx(lacking / 96)
    assert any("the order of the criteria may change" in warning for warning in found.warnings)


def test_a_judge_that_likes_length(judge: Any) -> None:
    """Any answer longer than 100 characters meets everything."""

    def reply(request: dict[str, Any]) -> str:
        if len(judge.read(request).answer) < 100:
            return str(judge.reply(request))
        return json.dumps({str(i): True for i in range(1, 5)})

    long = [
        Rollout(r.sample, (), Completion(r.completion.text + " again" * 30 * (i % 2))) for i, r in enumerate(answers())
    ]
    found, numbers = check(reply, long)
    assert len(PADDING) > 100
    assert numbers["padding_gain"] == pytest.approx(0.25)  # half of them gain the half that they lack
    assert any("padding alone raises the score by 0.25" in warning for warning in found.warnings)
    assert any("the scores follow length" in warning for warning in found.warnings)


def test_what_cannot_be_told(judge: Any) -> None:
    def reply(request: dict[str, Any]) -> str:
        return "no idea" if "rust" in judge.read(request).answer else json.dumps(dict.fromkeys("1234", True))

    found, numbers = check(reply, answers(16))
    lost = sum("rust" in rollout.completion.text for rollout in answers(16))
    assert numbers == {"judge_failed": lost, "order_flips": 0, "padding_gain": 0}
    assert f"{lost} of 16 answers got no verdict" in found.warnings
    assert any("every verdict is the same" in warning for warning in found.warnings)
    assert f"only {16 - lost} questions: the intervals are wide" in found.warnings


def test_answers_are_spread_over_questions() -> None:
    rows = [Rollout(Sample(q, "", kind="text"), (), Completion(text)) for q, text in ("a1", "a2", "b3", "c4", "c5")]
    rows.append(Rollout(Sample("d", "", kind="text"), (), Completion("", finish_reason="context")))
    assert [r.completion.text for r in choose_answers(rows, 4)] == ["1", "3", "4", "2"]
    assert choose_answers(rows, 0) == []


def test_two_rubrics_in_a_formula_are_told_apart(serve: Any, judge: Any, tmp_path: Any) -> None:
    """The checks of their judges, and their criteria, which may be worded alike."""
    parts = {
        name: {"type": "rubric", "rubric": f"says {word}\nsays rust", "model": "any"}
        for name, word in (("chemistry", "iron"), ("money", "gold"))
    }
    file = tmp_path / "grader.json"
    formula = "0.5 * chemistry + 0.5 * money"
    file.write_text(json.dumps({"type": "multi", "graders": parts, "calculate_output": formula}))
    with serve(judge.reply) as (spec, _):
        plugin = Graders(build_options(Graders.Options, {"grader": str(file), "judge": spec, "check_answers": "6"}))
        found = plugin.check_reward(answers(6), NoProgress())
        metrics = plugin.evaluate(answers(6)).value
    assert found is not None
    assert {name for name in found.metrics if "kappa" in name} == {
        f"{rubric}.{number}" for rubric in parts for number in ("kappa", "kappa_low")
    }
    assert list(dict.fromkeys(words.partition(":")[0] for words in found.value.findings)) == ["chemistry", "money"]

    def share(word: str) -> Any:
        return pytest.approx(sum(word in r.completion.text for r in answers(6)) / 6)

    rusty = 0.5 * sum(("rust" in r.completion.text) for r in answers(6)) / 6
    assert {name: value for name, value in metrics.items() if "mean of" in name} == {
        f"graders.mean of {rubric}": pytest.approx(0.5 * sum(word in r.completion.text for r in answers(6)) / 6 + rusty)
        for rubric, word in (("chemistry", "iron"), ("money", "gold"))
    }
    assert {name: value for name, value in metrics.items() if "meets" in name} == {
        "graders.share that meets: chemistry: +1 says iron": share("iron"),
        "graders.share that meets: chemistry: +1 says rust": share("rust"),
        "graders.share that meets: money: +1 says gold": share("gold"),
        "graders.share that meets: money: +1 says rust": share("rust"),
    }
