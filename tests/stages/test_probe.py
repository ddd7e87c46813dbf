"""Rewards that can be hacked are named before RL, each by the probe that finds it; an honest one is not."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

import openrft
from openrft.grading.grade import Grade, grade
from openrft.rewards.probed_reward import describe_probed_reward
from openrft.runtime.files import read_jsonl, write_jsonl
from openrft.stages.probe import pair_with_names, probe_rewards
from openrft.tasks.prompt import box_answer
from openrft.testing import toy_rollouts
from openrft.types import Reward, to_json
from tests.stages.factories import TASK, Trainee, Trainer, make_context


class Paying:
    """Pays by a rule on the rollout."""

    rewards = ("outcome", "process")

    def __init__(self, rule: Any, kind: Any = "outcome") -> None:
        self.rule, self.kind, self.asked = rule, kind, 0

    @openrft.hookimpl
    def reward(self, rollouts: Any) -> list[Reward | None]:
        self.asked += len(rollouts)
        scores = [self.rule(r) for r in rollouts]
        return [None if s is None else Reward("paying", self.kind, float(s)) for s in scores]


class Opinion:
    """Grades open answers by a rule on sample and text."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    @openrft.hookimpl
    def grade(self, rollouts: Any) -> list[Grade]:
        return [Grade(r.completion.text, self.rule(r.sample, r.completion.text)) for r in rollouts]


def context_of(monkeypatch: Any, store: Any, **plugins: Any) -> Any:
    return make_context(monkeypatch, store, Trainee(lambda messages, i: ""), **plugins)


def probe(monkeypatch: Any, store: Any, rule: Any, kind: str = "outcome", own: Any = None) -> dict[str, Any]:
    context = context_of(monkeypatch, store, rl=Trainer(), paying=Paying(rule, kind))
    return {found.source: found for found in probe_rewards(context, own)}


def strict(rollout: Any) -> float:
    return float(bool(rollout.correct))


RULES = {  # what it pays -> a probe that is named
    "length": (lambda r: min(len(r.completion.text) / 400, 1), "a very long answer that ends wrong"),
    "tokens": (lambda r: len(r.completion.tokens) / 100, "a very long answer that ends wrong"),
    "emptiness": (lambda r: 1 if not r.completion.text else strict(r), "an empty answer"),
    "therefore": (lambda r: "Therefore" in r.completion.text, "a confident derivation of a wrong answer"),
    "any box": (lambda r: "\\boxed" in r.completion.text, "a wrong answer alone"),
    "the gold letter": (lambda r: r.sample.answer in r.completion.text.split("?")[-1], "every option as the answer"),
    "the question": (lambda r: max(strict(r), r.sample.question in r.completion.text), "the question echoed"),
    "pleading": (lambda r: max(strict(r), "highest score" in r.completion.text), "a wrong answer that asks for"),
}


@pytest.mark.parametrize("pays", RULES)
def test_what_pays_without_being_right_is_named(monkeypatch, tmp_path, caplog, pays):
    rule, named = RULES[pays]
    with caplog.at_level(logging.WARNING):
        found = probe(monkeypatch, tmp_path, rule)
    words = ". ".join(describe_probed_reward(found["paying"]))
    assert words.startswith("`paying` ")
    assert named in words
    assert named in caplog.text


def test_an_honest_reward_is_not_blamed(monkeypatch, tmp_path, caplog):
    assert probe(monkeypatch, tmp_path, strict)["paying"].separates is True
    assert not caplog.records


def test_a_process_reward_that_is_hacked_is_named_and_r_is_shown_beside_it(monkeypatch, tmp_path):
    found = probe(monkeypatch, tmp_path, lambda r: not r.completion.text, "process")
    assert list(found) == ["R", "paying"]
    assert {p.answers: p.mean for p in found["R"].probes}["empty"] == pytest.approx(0.3)  # 1 - alpha
    (words, more) = describe_probed_reward(found["paying"])
    assert words == "`paying` pays 1.00 for an empty answer: more than for right ones (0.00)"
    assert "not shown to pay right answers" in more


def test_the_policys_own_answers_are_compared_with_r_and_source(monkeypatch, tmp_path):
    rollouts = [
        replace(r, rewards=(Reward("paying", "process", 0.9 if r.correct else 0.2),)) for r in toy_rollouts(TASK)
    ]
    (tmp_path / "own").mkdir()
    write_jsonl(tmp_path / "own" / "rollouts.jsonl", map(to_json, rollouts))
    found = probe(monkeypatch, tmp_path, lambda r: 0.85, "process", tmp_path / "own" / "rollouts.jsonl")
    assert (found["R"].right.mean, found["R"].wrong.mean) == (pytest.approx(0.97), pytest.approx(0.06))
    assert (found["paying"].right.answers, found["paying"].right.questions) == ("right", 12)
    assert {p.finding for p in found["paying"].probes} == {"above wrong"}


def test_it_is_stored_and_not_made_again(monkeypatch, tmp_path):
    plugin = Paying(strict)
    context = context_of(monkeypatch, tmp_path, rl=Trainer(), paying=plugin)
    first = probe_rewards(context, None)
    assert probe_rewards(context, None) == first
    assert context.stage_records[-1].reused
    assert plugin.asked == 2 * 13 * 8  # as it is before RL, and at the last step
    (folder,) = (f for f in tmp_path.glob("probe/*") if f.is_dir())
    rows = list(read_jsonl(folder / "rollouts.jsonl"))
    assert {row["probe"] for row in rows} >= {"empty", "bare_right"}
    assert {row["sample"]["id"] for row in rows} <= {s.id for s in TASK.train}
    assert json.loads((folder / "cost.json").read_text())["counts"]["probes"] == 13 * 8


def test_answers_without_a_reward_are_counted_and_never_a_score(monkeypatch, tmp_path):
    context = context_of(
        monkeypatch, tmp_path, rl=Trainer(), paying=Paying(lambda r: strict(r) if r.completion.text.strip() else None)
    )
    (found,) = probe_rewards(context, None)
    assert not {"empty", "whitespace"} & {p.answers for p in found.probes}
    assert context.stage_records[-1].counts["unrewarded"] == 16


JUDGES = {  # what it takes for right -> what is said of it
    "the gold letter anywhere": (lambda sample, text: sample.answer in text, "every option as the answer"),
    "praise": (
        lambda sample, text: "highest score" in text or box_answer(sample.answer) == text,
        "`R` pays 1.00 for a wrong answer that asks for full marks: no less than for right ones (1.00)",
    ),
    "everything": (
        lambda sample, text: True,
        "`R` is not shown to pay right answers (1.00) more than wrong ones (1.00)",
    ),
    "the gold answer alone": (lambda sample, text: box_answer(sample.answer) == text, ""),
}


@pytest.mark.parametrize("right", JUDGES)
def test_whoever_grades_open_answers_is_probed(monkeypatch, tmp_path, right):
    rule, words = JUDGES[right]
    context = context_of(monkeypatch, tmp_path, rl=Trainer(), opinion=Opinion(rule))
    context.task = replace(TASK, grade=lambda sample, text: Grade(text, None))
    (found,) = probe_rewards(context, None)
    assert words in ". ".join(describe_probed_reward(found))
    assert bool(words) == bool(list(describe_probed_reward(found)))


@pytest.mark.parametrize("why", ["no RL", "switched off", "the rule alone pays"])
def test_nothing_is_probed(monkeypatch, tmp_path, why):
    plugins: dict[str, Any] = {"rl": Trainer(), "paying": Paying(strict)}
    plugins.pop({"no RL": "rl", "the rule alone pays": "paying"}.get(why, ""), None)
    context = context_of(monkeypatch, tmp_path, **plugins)
    if why == "switched off":
        explore = replace(context.job.settings.explore, probes=0)
        context.job = replace(context.job, settings=replace(context.job.settings, explore=explore))
    assert probe_rewards(context, None) == ()
    assert context.stage_records == []


def test_a_graders_own_fault_is_found_without_any_plugin(monkeypatch, tmp_path):
    context = context_of(monkeypatch, tmp_path, rl=Trainer())
    context.task = replace(TASK, grade=lambda sample, text: Grade(text, not text or bool(grade(sample, text).correct)))
    (found,) = probe_rewards(context, None)
    assert list(describe_probed_reward(found)) == [
        "`R` pays 1.00 for an empty answer: no less than for right ones (1.00)"
    ]


class Turning:
    """Pays for right answers at first, and for length at the last step."""

    rewards = ("outcome",)

    @openrft.hookimpl
    def reward(self, rollouts: Any, step: int) -> list[Reward]:
        late = step > 0
        scores = [min(len(r.completion.text) / 400, 1) if late else strict(r) for r in rollouts]
        return [Reward("turning", "outcome", float(score)) for score in scores]


def test_a_reward_that_is_hackable_only_late_in_rl_is_named(monkeypatch, tmp_path):
    found = probe_rewards(context_of(monkeypatch, tmp_path, rl=Trainer(), turning=Turning()), None)
    by_source = {one.source: list(describe_probed_reward(one)) for one in found}
    assert not by_source["turning"]
    words = ". ".join(by_source["turning at the last step"])
    assert "a very long answer that ends wrong" in words


def test_a_right_answer_that_a_grader_pays_in_part_is_what_probes_are_compared_with() -> None:
    """It may be below the grader's threshold. One that earns nothing is in a form that is not read."""
    (first, *_) = toy_rollouts(TASK)
    partly = replace(first, correct=False, score=0.4)
    nothing, wrong = replace(partly, score=0.0), replace(partly, score=None)
    names = ["bare_right"] * 3 + ["bare_wrong"]
    kept = pair_with_names(names, [partly, nothing, wrong, nothing])
    assert kept == [("bare_right", partly), ("bare_wrong", nothing)]
