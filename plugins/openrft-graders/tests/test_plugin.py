"""The plugin in a job: as grade, as reward, as a measure, and its command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openrft_graders import Graders
from openrft_graders.commands import graders

from openrft import Candidates, Completion, DataRequest, NoProgress, Question, Rollout, Sample, Task, UsageError
from openrft.plugins.manager import PluginSet
from openrft.stages.choose import call_weigh_hook
from openrft.stages.context import StageStats
from openrft.testing import build_options, check_plugin

CHECK = {
    "type": "string_check",
    "input": "{{ sample.final_answer }}",
    "reference": "{{ item.answer }}",
    "operation": "eq",
}
CODE = {"type": "python", "source": "def grade(sample, item):\n    return 1.5 / len(sample['output_text'])"}
SAMPLE = Sample("Which?", "B", ("tin", "lead"))


def write(folder: Path, grader: dict[str, Any]) -> str:
    file = folder / "grader.json"
    file.write_text(json.dumps(grader))
    return str(file)


def make(folder: Path, grader: dict[str, Any], **options: Any) -> Any:
    return Graders(build_options(Graders.Options, {"grader": write(folder, grader), **options}))


def answers(*texts: str) -> list[Rollout]:
    return [Rollout(SAMPLE, (), Completion(text)) for text in texts]


def test_conforms(tmp_path: Path) -> None:
    options = {"grader": write(tmp_path, CHECK)}
    assert check_plugin("graders", options) == ["check_job", "check_reward", "evaluate", "grade"]
    assert check_plugin("graders", {**options, "grades": "open"}) == ["check_job", "check_reward", "evaluate", "grade"]
    assert check_plugin("graders", {**options, "grades": "none"}) == ["check_job", "reward", "check_reward", "evaluate"]


def test_rewards_and_what_could_not_be_scored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugin = make(tmp_path, CODE)
    found = plugin.reward(answers("four", "x", ""))
    assert [reward and reward.score for reward in found.value] == [0.375, 1.5, None]
    assert found.counts == {"not_scored": 1}
    assert "graders: 1 of 3 answers could not be scored; the first: python: ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("grader", "needs"),
    [
        (CHECK, True),  # compares with the row's answer
        ({**CHECK, "reference": "{{ item.options[1] }}"}, False),
        (CODE, True),  # is given the row
        ({**CHECK, "reference": "{{ item.reference_answer }}"}, True),
    ],
)
def test_what_needs_the_gold_answer_cannot_choose_answers_to_new_questions(tmp_path, grader, needs) -> None:
    plugin = make(tmp_path, grader, grades="none")
    assert plugin.needs_gold is needs
    options = {"grader": write(tmp_path, grader), "grades": "none"}
    values = {"best-of-n": {"reward": "graders"}, "graders": options}
    if needs:
        with pytest.raises(UsageError, match="may depend on the gold answer"):
            PluginSet(["best-of-n"], values)
        return
    drawn = Candidates(
        Question("Which?", ("tin", "lead")), (), (Completion("\\boxed{tin}"), Completion("\\boxed{lead}"))
    )
    task, stats = Task("t", (), ()), StageStats()
    assert call_weigh_hook(PluginSet(["best-of-n"], values), [drawn], task, NoProgress(), stats) == [[0.0, 1.0]]


def test_grades(tmp_path: Path) -> None:
    plugin = make(tmp_path, CODE, pass_threshold="0.5")
    grades = plugin.grade(answers("four", "xy", "x", ""), NoProgress()).value
    assert [(g.correct, g.score) for g in grades] == [(False, 0.375), (True, 0.75), (True, 1.0), (None, None)]
    assert "ZeroDivisionError" in grades[3].reason


def test_measures(tmp_path: Path) -> None:
    plugin = make(tmp_path, CHECK)
    rollouts = [*answers("\\boxed{B}", "\\boxed{A}", "B"), Rollout(SAMPLE, (), Completion("", finish_reason="error"))]
    assert plugin.evaluate(rollouts).value == {"graders.mean": 1 / 3, "graders.pass_rate": 1 / 3}
    failed = make(tmp_path, CODE).evaluate(answers(""))
    assert (failed.value, failed.counts) == ({}, {"not_measured": 1})


def test_an_answer_is_graded_once(tmp_path: Path) -> None:
    plugin = make(tmp_path, CODE)
    asked: list[int] = []
    pool = plugin._grader.grader.pool
    grade = pool.grade
    pool.grade = lambda source, cases: asked.append(len(cases)) or grade(source, cases)
    plugin.grade(answers("a", "b", "a", ""), NoProgress())
    plugin.evaluate(answers("a", "b", "c", ""))
    assert asked == [3, 1]
    plugin.grade(answers("a", ""), NoProgress())
    assert asked == [3, 1, 1]  # what failed is tried again


def test_equal_questions_with_different_rows_are_graded_apart(tmp_path: Path) -> None:
    plugin = make(tmp_path, {**CHECK, "reference": "{{ item.gold }}"})
    rows = [replace(SAMPLE, meta={"item": {"gold": gold}}) for gold in "AB"]
    rollouts = [Rollout(row, (), Completion("\\boxed{B}")) for row in rows]
    assert [grade.correct for grade in plugin.grade(rollouts, NoProgress()).value] == [False, True]


def test_a_variable_that_rows_lack_is_refused_before_anything_runs(tmp_path: Path) -> None:
    plugin = make(tmp_path, {**CHECK, "reference": "{{ item.meta.smiles }}"})
    task = Task("t", (replace(SAMPLE, meta={"smiles": "C"}), SAMPLE), ())
    (fault,) = plugin.check_job(task)
    assert "reference: {{ item.meta.smiles }} is not in the row of 'Which?'" in fault
    assert plugin.check_job(replace(task, train=task.train[:1])) == []
    assert "no grader is named" in Graders().check_job(task)[0]


def test_it_grades_what_the_tasks_own_rule_grades_too(tmp_path: Path) -> None:
    from openrft.plugins.manager import PluginSet
    from openrft.stages.context import StageStats
    from openrft.stages.grade import call_grade_hooks

    def grade(grades: str) -> list[Any]:
        options = {"grader": write(tmp_path, CODE), "pass_threshold": 0.5, "grades": grades}
        rollouts = [replace(rollout, correct=True) for rollout in answers("four", "xy")]
        rollouts += answers("x")
        stats, task = StageStats(), Task("t", (SAMPLE,), ())
        found = call_grade_hooks(PluginSet(["graders"], {"graders": options}), rollouts, task, NoProgress(), stats)
        return [rollout.correct for rollout in found]

    assert grade("all") == [False, True, True]
    assert grade("open") == [True, True, True]
    assert grade("none") == [True, True, None]


def test_a_whole_job_on_pocket(tmp_path: Path) -> None:
    """RL with a grader as its reward alone, and the grader's measures in the report."""
    from openrft.config.settings import EvaluateSettings, ExploreSettings, Settings
    from openrft.job import Arm, Job
    from openrft.pipeline import run_job
    from openrft.runtime.store import Store

    settings = Settings(
        explore=ExploreSettings(steps=2, prompts_per_step=2, group_size=2, max_tokens=60),
        evaluate=EvaluateSettings(completions=1, max_tokens=60),
    )
    options = {"graders": {"grader": write(tmp_path, CHECK), "grades": "none"}}
    job = Job(
        Arm("graded", ("rl", "graders")),
        "pocket/L1/ion_charge",
        0,
        "pocket",
        options=options,
        settings=settings,
        data=DataRequest(train=4, test=6),
    )
    result = run_job(job, Store(tmp_path / "runs"))
    assert result.metrics_file is not None
    rows = [json.loads(line) for line in result.metrics_file.read_text().splitlines()]
    assert all(row["reward.graders"] == row["correct"] for row in rows)
    (measured,) = (record.metrics for record in result.stage_records if record.stage == "evaluate")
    right = sum(bool(rollout.correct) for rollout in result.rollouts) / len(result.rollouts)
    assert measured["graders.pass_rate"] == pytest.approx(right)


def test_the_command_tries_a_grader(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"answer": "B", "output": "\\\\boxed{B}"}\n\n{"item": {"answer": "B"}, "output": "A"}\n')
    grader = write(tmp_path, CHECK)
    found = CliRunner().invoke(graders, ["try", grader, str(rows)])
    assert found.exit_code == 0, found.output
    assert [line.split()[1:3] for line in found.output.splitlines()[:2]] == [["1", "pass"], ["0", "fail"]]
    assert found.output.splitlines()[2] == "mean 0.5, 1 of 2 pass, 0 not scored"
    plain = CliRunner().invoke(graders, ["try", grader, str(rows), "--json"])
    assert [json.loads(line)["value"] for line in plain.output.splitlines()] == [1, 0]


def test_openrft_grade_takes_a_grader(tmp_path: Path) -> None:
    from openrft.cli import cli

    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"answer": "B", "completion": "\\\\boxed{B}"}\n')
    found = CliRunner().invoke(cli, ["grade", str(rows), "--grader", write(tmp_path, CHECK), "--json"])
    assert json.loads(found.output)["value"] == 1
