"""`baseline:NAME` through the command line: no model is loaded, and each rule is an arm with an interval."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from openrft.baselines.policy import BaselinePolicy, identify_baseline
from openrft.bench.plan_file import plan_from_json
from openrft.errors import PolicyError, UnknownName, UsageError
from openrft.plugins.policy_registry import fingerprint_policy, open_policy
from openrft.policies.base import Sampling
from openrft.stages.context import PolicyHandle
from openrft.tasks.prompt import build_messages
from openrft.testing import toy_sample, toy_task

TASK = toy_task()


def test_it_answers_the_questions_of_its_task_as_often_as_asked():
    policy = open_policy("baseline:second-largest-number", TASK)
    prompts = [build_messages(sample) for sample in TASK.test]
    groups = policy.generate(prompts, Sampling(n=2))
    assert [len(group) for group in groups] == [2] * len(TASK.test)
    for sample, group in zip(TASK.test, groups, strict=True):
        second = sorted(sample.options, key=int)[-2]
        assert group[0].text == f"\\boxed{{{'ABCD'[sample.options.index(second)]}}}"
    with pytest.raises(PolicyError, match="not a question of its task"):
        policy.generate([build_messages(toy_sample(500, 500))], Sampling())


def test_what_does_not_apply_is_left_unanswered():
    policy = BaselinePolicy("baseline:task-rule", TASK)
    (group,) = policy.generate([build_messages(TASK.test[0])], Sampling())
    assert group[0].text == ""


def test_it_is_known_by_rule_and_train_split():
    ids = {
        identify_baseline(f"baseline:{name}", task)
        for name in ("longest-option", "shortest-option")
        for task in (TASK, toy_task(4))
    }
    assert len(ids) == 4
    assert fingerprint_policy("baseline:longest-option", TASK) in ids
    with pytest.raises(UsageError, match="a task"):
        open_policy("baseline:longest-option")
    with pytest.raises(UnknownName, match="longest-option"):
        open_policy("baseline:long-option", TASK)


def test_evaluate_answers_by_a_rule_without_torch(tmp_path):
    program = (
        "import sys; from openrft.cli import main\n"
        "sys.argv = ['openrft', 'evaluate', '--task', 'pocket/L3', '--train', '16', '--test', '16', '--json',"
        " '--policy', 'baseline:longest-option', '--baselines']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)["overall"]
    names = [row["arm"] for row in table["arms"]]
    assert names[0] == "vanilla"
    assert "baseline:majority-answer" in names
    assert "baseline:longest-option" not in names  # it is vanilla
    assert table["baselines"] == []  # each has its row among the arms
    for row in table["arms"]:
        assert row["accuracy"]["low"] <= row["accuracy"]["value"] <= row["accuracy"]["high"]
    (folder,) = (tmp_path / "runs").glob("pocket-*")
    assert len(list((folder / "rollouts").glob("baseline*"))) == len(names) - 1
    plan = plan_from_json(json.loads((folder / "plan.json").read_text()))
    assert [arm.policy for arm in plan.arms] == [None, *names[1:]]
    assert {job.settings.evaluate.completions for job in plan.jobs()} == {1}


def test_a_rule_cannot_be_trained():
    with pytest.raises(UsageError, match="needs a policy with local weights"):
        PolicyHandle("baseline:longest-option", TASK).load_trainable("reinforcement learning")
