"""Each check on a subject that is sound, and on one with the fault that it looks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import openrft
from openrft import Completion, Diagnosis, HookResult, Plugin, Reward, Rollout, Sample, Settings, hookimpl
from openrft.config.settings import ExploreSettings
from openrft.doctor import data_checks, machine_checks, policy_checks, reward_checks, sample_checks, teacher_check
from openrft.doctor.examine import CHECKS, examine, run_check, should_stop
from openrft.doctor.kept_words import find_lost
from openrft.doctor.subject import Subject
from openrft.doctor.thresholds import Limits, judge
from openrft.job import Arm, Job
from openrft.plugins.manager import PluginSet
from openrft.runtime.progress import NoProgress
from openrft.runtime.store import Store
from openrft.stages.context import JobContext
from openrft.tasks.prompt import box_answer
from openrft.testing import ScriptedPolicy, toy_task, use_plugins


def make_subject(script, task=None, plugins=(), store=Path("unused"), **explore) -> Subject:
    """A subject on the toy task whose policy answers by a function of (gold answer, completion number)."""
    task = task or toy_task(24, 12)
    golds = {s.question: s.answer for s in (*task.train, *task.test)}

    def answer(messages, i):
        content = messages[-1]["content"]
        return script(next(gold for question, gold in golds.items() if question in content), i)

    settings = Settings(explore=ExploreSettings(group_size=4, max_tokens=30, **explore))
    job = Job(Arm("examined", tuple(plugins)), task.name, 0, "scripted", settings=settings)
    policy = ScriptedPolicy(answer)
    handle: Any = SimpleNamespace(id="scripted", load_seconds=0.0, load=lambda: policy)
    context = JobContext(job, task, PluginSet(plugins, {}), handle, Store(store), NoProgress())
    return Subject(context, SimpleNamespace(), store)  # type: ignore[arg-type]  # no check here reads the plan


def right(gold, i):
    return f"so\n{box_answer(gold)}"


def mixed(gold, i):
    return f"so\n{box_answer(gold if i % 2 else 'ABCD'['ABCD'.index(gold) - 1])}"


def only(check, subject) -> Diagnosis:
    (found,) = check(subject)
    return found


def test_the_limits_decide():
    limits = Limits(0.2, 0.5)
    assert [judge(value, limits)[0] for value in (0.0, 0.19, 0.2, 0.49, 0.5, 1.0)] == [
        *("ok", "ok", "warn", "warn", "stop", "stop")
    ]
    assert judge(0.3, limits) == ("warn", 0.2)
    assert judge(9.0, Limits(0.2, None)) == ("warn", 0.2)


def test_answers_that_are_all_the_same():
    task = toy_task(24, 12)
    assert only(data_checks.check_answers, make_subject(right, task)).verdict == "ok"
    same = [replace(s, options=(s.gold, *(o for o in s.options if o != s.gold)), answer="A") for s in task.train]
    found = only(data_checks.check_answers, make_subject(right, replace(task, train=tuple(same))))
    assert (found.verdict, found.value) == ("stop", 1.0)
    assert "'A', is that of 24 of 24" in found.finding


def test_leaks_and_duplicates():
    task = toy_task(24, 12)
    assert only(data_checks.check_leaks, make_subject(right, task)).verdict == "ok"
    leaking = replace(task, test=(*task.test[:11], task.train[0]))
    found = only(data_checks.check_leaks, make_subject(right, leaking))
    assert (found.verdict, found.value) == ("warn", pytest.approx(1 / 12, abs=1e-4))
    assert "--drop-leaks" in found.advice
    found = only(data_checks.check_leaks, make_subject(right, replace(task, test=(*task.test[:6], *task.train[:6]))))
    assert found.verdict == "stop"
    twice = replace(task.train[0], copy_index=1)
    other = replace(task.train[1], question=task.train[0].question, options=task.train[0].options, answer="A")
    assert other.answer != task.train[0].answer
    torn = replace(task, train=(*task.train[:22], twice, other))
    found = only(data_checks.check_duplicates, make_subject(right, torn))
    assert (found.verdict, found.value) == ("warn", pytest.approx(2 / 24, abs=1e-4))
    assert "1 of them have different answers" in found.finding


def test_a_rule_that_solves_the_task():
    def longest(sample):
        return replace(sample, options=tuple(o + " longest" * (o == sample.gold) for o in sample.options))

    task = toy_task(24, 12)
    solved = replace(task, train=tuple(map(longest, task.train)), test=tuple(map(longest, task.test)))
    found = only(data_checks.check_rules, make_subject(right, solved))
    assert (found.verdict, found.value) == ("stop", 1.0)
    text = replace(task, train=(), test=(Sample("Why?", "Because.", kind="text"),))
    assert only(data_checks.check_rules, make_subject(right, text)).verdict == "skipped"


def test_the_form_of_answers():
    assert only(policy_checks.check_form, make_subject(right)).verdict == "ok"
    found = only(policy_checks.check_form, make_subject(lambda gold, i: f"I choose {gold}"))
    assert (found.verdict, found.value) == ("stop", 1.0)
    assert "a careful reader finds an answer in 80" in found.finding
    assert "explore.reading=lenient" in found.advice
    imitating = make_subject(lambda gold, i: "well", plugins=("teacher", "sft"))
    assert only(policy_checks.check_form, imitating).verdict == "warn"  # imitation can teach the form


def test_ability_between_none_right_and_all_right():
    assert only(policy_checks.check_ability, make_subject(mixed)).verdict == "ok"
    found = only(policy_checks.check_ability, make_subject(right))
    assert (found.verdict, found.value) == ("stop", 1.0)
    assert "harder" in found.advice
    found = only(policy_checks.check_ability, make_subject(lambda gold, i: "well"))
    assert (found.verdict, found.value) == ("stop", 1.0)
    assert "0% right; of 20 questions 0% are right in one of 4 completions" in found.finding


def test_completions_that_are_cut_off():
    subject = make_subject(right)
    answers = subject.answers
    assert only(policy_checks.check_truncation, subject).verdict == "ok"
    cut = [replace(r, completion=replace(r.completion, finish_reason="length")) for r in answers[:8]]
    subject.answers = [*cut, *answers[8:]]
    found = only(policy_checks.check_truncation, subject)
    assert (found.verdict, found.value) == ("warn", 0.1)


class PaysLength(Plugin):
    """A reward that grows with the completion."""

    requires = ("rl",)
    rewards = ("outcome",)

    @hookimpl
    def reward(self, rollouts):
        return [Reward("long", "outcome", min(1.0, len(r.completion.text) / 100)) for r in rollouts]


def test_a_reward_that_pays_for_length():
    with use_plugins({"long": PaysLength}):
        subject = make_subject(mixed, plugins=("rl", "long"))
        trainable = SimpleNamespace(attach_lora=None, encode_target=lambda text: tuple(text.encode()))
        subject.context.policy.load = lambda: trainable  # type: ignore[method-assign]
        subject.context.policy.load_trainable = lambda purpose: trainable  # type: ignore[method-assign]
        found = only(reward_checks.check_probes, subject)
    assert found.verdict == "stop"
    assert "`long` pays" in found.finding
    assert "fix the reward" in found.advice
    assert only(reward_checks.check_probes, make_subject(mixed)).verdict == "skipped"


class Ranks(Plugin):
    """A process reward that knows the answer, or its opposite."""

    requires = ("rl",)
    rewards = ("process",)

    @hookimpl
    def reward(self, rollouts):
        return [Reward(self.name, "process", float(bool(r.correct) == self.honest)) for r in rollouts]


class Honest(Ranks):
    name, honest = "honest", True


class Lying(Ranks):
    name, honest = "lying", False


def test_process_rewards_that_rank_and_that_lie():
    with use_plugins({"honest": Honest, "lying": Lying}):
        honest, lying = reward_checks.check_fitness(make_subject(mixed, plugins=("rl", "honest", "lying")))
    assert (honest.check, honest.verdict, honest.value) == ("prm: honest", "ok", 1.0)
    assert (lying.check, lying.verdict, lying.value) == ("prm: lying", "stop", 0.0)
    assert only(reward_checks.check_fitness, make_subject(mixed)).verdict == "skipped"


class Teacher(Plugin):
    """Solves nothing: every target is the bare answer."""

    changes_nothing_alone = True

    @hookimpl
    def synthesize(self, samples):
        return [Rollout(s, (), Completion(box_answer(s.answer))) for s in samples]


def test_a_teacher_that_is_wrong():
    with use_plugins({"useless": Teacher}):
        wrong, fit = teacher_check.check_teacher(make_subject(mixed, plugins=("useless", "sft")))
    assert (wrong.verdict, wrong.value) == ("stop", 1.0)
    assert "it solves 0 of 10" in wrong.finding
    assert fit.verdict == "skipped"
    assert only(teacher_check.check_teacher, make_subject(mixed)).verdict == "skipped"


class HalfTeacher(Plugin):
    """Solves every second question and leaves out the others."""

    changes_nothing_alone = True

    @hookimpl
    def synthesize(self, samples):
        return [Rollout(s, (), Completion(f"so\n{box_answer(s.answer)}")) for s in samples[::2]]


def test_a_teacher_that_leaves_out_what_it_does_not_solve():
    with use_plugins({"half": HalfTeacher}):
        half, _ = teacher_check.check_teacher(make_subject(mixed, plugins=("half", "sft")))
    assert (half.verdict, half.value) == ("warn", 0.5)
    assert "it solves 5 of 10 training questions; others are left out" in half.finding


class Reword(Plugin):
    """Adds one to the first number of each question."""

    @hookimpl
    def augment(self, samples):
        return [replace(s, question=s.question.replace(" +", "1 +"), parent=s.id, created_by="reword") for s in samples]


def test_rewording_that_changes_a_number():
    task = toy_task(24, 12)
    more = [replace(s, question=s.question.replace(" +", "1 +")) for s in task.train]
    with use_plugins({"reword": Reword}):
        subject = make_subject(mixed, task, plugins=("reword",))
        known = replace(task, test=tuple(more))  # so that the scripted policy knows their answers
        subject.context.policy.load = make_subject(mixed, known).context.policy.load  # type: ignore[method-assign]
        words, answers = sample_checks.check_rewriting(subject)
    assert (words.verdict, words.value) == ("stop", 1.0)
    assert answers.verdict == "ok"  # the policy is as good at the new samples
    assert only(sample_checks.check_rewriting, make_subject(mixed)).verdict == "skipped"


@pytest.mark.parametrize(
    ("rewording", "lost"),
    [
        ("The mass of 36 g of H2SO4 in Faraday's cell at 5%?", []),
        ("Faraday's cell has 36.0 g of H2SO4 at 5%: what is its mass?", []),
        ("What is the mass of 35.0 g of H2SO4 in Faraday's cell at 5%?", ["36", "35 (added)"]),
        ("What is the mass of 36.0 mg of H2SO4 in Faraday's cell at 5%?", ["g"]),
        ("What is the mass of 36.0 g of acid in Faraday's cell at 5%?", ["H2SO4"]),
        ("What is the mass of 36.0 g of H2SO4 in a cell at 5%?", ["Faraday's"]),
        ("What is the mass of 36.0 g of H2SO4 in Faraday's cell?", ["5", "%"]),
    ],
    ids=["shorter", "reordered", "number", "unit", "formula", "name", "percent"],
)
def test_what_a_rewording_must_keep(rewording, lost):
    assert find_lost("What is the mass of 36.0 g of H2SO4 in Faraday's cell at 5%?", rewording) == lost


class Shows(Plugin):
    """Shows each question the first demonstration that is not its own."""

    @hookimpl
    def retrieve(self, samples, pool):
        return HookResult([[next(d for d in pool if d.sample.id != s.id)] for s in samples])


def test_demonstrations_that_are_copied():
    def copying(messages, i):
        shown = [m["content"] for m in messages if m["role"] == "assistant"]
        return shown[-1] if shown else box_answer("ABCD"[i % 4])

    with use_plugins({"shows": Shows}):
        subject = make_subject(mixed, plugins=("shows",))
        policy = ScriptedPolicy(copying)
        subject.context.policy.load = lambda: policy  # type: ignore[method-assign]
        worth, copied = sample_checks.check_demonstrations(subject)
    assert "similarity" in worth.finding
    assert copied.verdict == "stop"
    assert copied.value == pytest.approx(2 / 3, abs=1e-3)  # all wrong answers, of which a third is chance
    assert only(sample_checks.check_demonstrations, make_subject(mixed)).verdict == "skipped"


def test_the_disk(tmp_path, monkeypatch):
    subject = make_subject(mixed, store=tmp_path / "not" / "yet")
    assert only(machine_checks.check_disk, subject).verdict in ("ok", "warn")
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=5e7))
    assert only(machine_checks.check_disk, subject).verdict == "stop"


class Patient(Plugin):
    """A plugin with checks of its own."""

    @hookimpl
    def diagnose(self, rollouts, task, settings):
        assert not task.test
        right = sum(bool(r.correct) for r in rollouts)
        return [
            Diagnosis("level", "warn", f"{right} right of {len(rollouts)}", "Take easier questions.", right, 60),
            Diagnosis("group", "ok", f"{settings.explore.group_size} in a group"),
        ]


class Breaks(Plugin):
    @hookimpl
    def diagnose(self, rollouts):
        raise RuntimeError("no licence")


def test_plugins_add_checks_and_a_check_that_raises_is_a_failed_one():
    with use_plugins({"patient": Patient, "breaks": Breaks}):
        found = {d.check: d for d in examine(make_subject(mixed, plugins=("breaks", "patient")))}
    assert found["breaks"].verdict == "failed"
    assert "no licence" in found["breaks"].finding
    assert found["patient: level"].finding == "40 right of 80"
    assert found["patient: group"].verdict == "ok"
    assert found["memory"].verdict == "failed"  # this subject has no plan; the others go on
    assert {"answers", "rules", "form", "pass@k"} <= set(found)
    assert should_stop(found.values())
    assert not should_stop([d for d in found.values() if d.verdict not in ("stop", "failed")])


def test_every_check_says_what_to_do():
    subject = make_subject(lambda gold, i: "well", replace(toy_task(24, 12), test=toy_task(24, 12).train[:12]))
    for name, check in CHECKS.items():
        for found in run_check(name, check, subject):
            assert found.finding
            assert bool(found.advice) == (found.verdict in ("warn", "stop", "failed")), found


def test_the_names_are_public():
    assert openrft.Diagnosis is Diagnosis
