"""Rubrics in use: in a whole job with RL and a process reward model, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openrft_graders import Graders
from openrft_graders.commands import graders

from openrft import Completion, DataRequest, Rollout, Sample, Task, UsageError
from openrft.testing import build_options

RUBRIC = "+2 says a\nsays 1\n-1 says z"


def write_rows(folder: Path, count: int) -> str:
    """Questions without answers; every other row has a rubric of its own."""
    file = folder / "essays.jsonl"
    own = [{"criterion": "says e", "points": 1}, {"criterion": "says a", "points": 2}]
    rows = [{"question": f"Describe ion number {i}.", "rubric": own if i % 2 else RUBRIC} for i in range(count)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_rl_with_a_rubric_and_a_process_reward_model(serve: Any, judge: Any, tmp_path: Path) -> None:
    from openrft.bench.single_job import summarise_job
    from openrft.config.settings import EvaluateSettings, ExploreSettings, FitnessSettings, Settings
    from openrft.job import Arm, Job
    from openrft.pipeline import run_job
    from openrft.runtime.files import read_jsonl
    from openrft.runtime.store import Store

    settings = Settings(
        ExploreSettings(steps=1, prompts_per_step=2, group_size=2, max_tokens=24, alpha=0.7, probes=0),
        EvaluateSettings(completions=1, max_tokens=24),
        FitnessSettings(questions=3, completions=2),
    )
    with serve(judge.reply) as (spec, asked):
        options = {"graders": {"judge": spec, "check_answers": 3}, "prm": {"model": "pocket/prm"}}
        job = Job(
            Arm("mixed", ("rl", "graders", "prm")),
            "questions/essays",
            0,
            "pocket",
            options=options,
            settings=settings,
            data=DataRequest(data=write_rows(tmp_path, 12), train=6, test=6),
        )
        result = run_job(job, Store(tmp_path / "runs"))
        count = len(asked)
        again = run_job(job, Store(tmp_path / "runs"))
        assert len(asked) == count  # what the store has is not judged again
    assert again.rollouts == result.rollouts

    # As reward: the score is the outcome, and alpha mixes it with the process reward.
    assert result.metrics_file is not None
    for row in read_jsonl(result.metrics_file):
        outcome = row["reward.graders"] if "reward.graders" in row else row["reward.outcome"]
        assert row["reward"] == pytest.approx(0.7 * outcome + 0.3 * row["reward.prm"])

    # As evaluation: the score of every test answer, and how often each criterion is met.
    def says(rollout: Rollout, word: str) -> bool:
        return word in rollout.completion.text

    for rollout in result.rollouts:
        earned = {word: says(rollout, word) for word in ("a", "1", "z", "e")}
        points = 2 * earned["a"] + (
            earned["1"] - earned["z"] if rollout.sample.meta["rubric"] == RUBRIC else earned["e"]
        )
        assert rollout.score == pytest.approx(max(points, 0) / 3)
        assert rollout.correct is (rollout.score >= 0.5)
    metrics = summarise_job(result).metrics
    assert metrics["evaluate.graders.mean"] == pytest.approx(sum(r.score or 0 for r in result.rollouts) / 6)
    assert metrics["evaluate.graders.share that meets: +2 says a"] == pytest.approx(
        sum(says(r, "a") for r in result.rollouts) / 6
    )
    assert {name for name in metrics if " that meets: " in name} == {
        f"evaluate.graders.share that meets: {label}" for label in ("+2 says a", "+1 says 1", "-1 says z", "+1 says e")
    }

    # Before RL: the judge was checked on training questions.
    (check,) = result.checks
    assert check.source == "graders"
    assert "criteria in reversed order change 0% [0%, 0%] of the verdicts" in check.findings
    assert "only 3 questions: the intervals are wide" in check.warnings
    assert metrics["check_reward.graders.order_flips"] == 0


def test_the_report_names_the_check(tmp_path: Path) -> None:
    from openrft import RewardCheck
    from openrft.bench.fitness_tables import build_fitness_notes
    from openrft.bench.report import ArmRecord, ArmResult, ItemRecord, Report, TaskRecord, from_json, to_json

    check = RewardCheck(("two runs agree", "order changes nothing"), ("few questions",), "graders")
    results = tuple(ArmResult(arm, "t", 0, arm, {}, checks=(check,)) for arm in ("a", "b"))
    arms = (ArmRecord("a", ()), ArmRecord("b", ()))
    task = TaskRecord("t", "id", 1, 1, {}, (), (ItemRecord("i", "t", "i"),))
    report = Report("r", "2026-01-02T03:04:05+00:00", "", {}, {}, {}, (), (task,), arms, results)
    (note,) = build_fitness_notes(from_json(to_json(report)))
    assert note == ("graders before a, b on t, seed 0: two runs agree; order changes nothing. WARNING: few questions.")


def make(folder: Path, **options: Any) -> Graders:
    (folder / "rubric.txt").write_text(RUBRIC)
    (folder / "grader.json").write_text('{"type": "rubric", "rubric": "says a", "model": "pocket"}')
    paths = {name: str(folder / value) if name in ("rubric", "grader") else value for name, value in options.items()}
    return Graders(build_options(Graders.Options, paths))


def test_what_is_refused_before_anything_runs(tmp_path: Path) -> None:
    spec = "openai:http://127.0.0.1:1/v1#m"
    for options, words in (
        ({"rubric": "rubric.txt"}, "no judge is named"),
        ({"rubric": "rubric.txt", "grader": "grader.json"}, "a grader is named, too"),
    ):
        with pytest.raises(UsageError, match=words):
            make(tmp_path, **options)
    rows = [Sample("Why?", "", kind="text", meta={"rubric": "+1 says a"}), Sample("How?", "", kind="text")]
    own = make(tmp_path, judge=spec)
    assert own.check_job(Task("t", tuple(rows[:1]), ())) == []
    (fault,) = own.check_job(Task("t", tuple(rows), ()))
    assert "the row of 'How?' has no rubric" in fault
    assert make(tmp_path, judge=spec, rubric="rubric.txt").check_job(Task("t", tuple(rows), ())) == []
    bad = Sample("When?", "", kind="text", meta={"rubric": "-1 says a"})
    (fault,) = own.check_job(Task("t", (rows[0], bad), ()))
    assert "the rubric of 'When?': no criterion has a positive weight" in fault
    check = tmp_path / "check.json"
    check.write_text('{"type": "string_check", "input": "a", "reference": "a", "operation": "eq"}')
    with pytest.raises(UsageError, match="only the judge of a rubric is compared"):
        make(tmp_path, grader="check.json", second_judge=spec)
    assert make(tmp_path, grader="check.json").check_reward([Rollout(rows[0], (), Completion("a"))], None) is None


def test_rows_without_an_answer_are_neither_imitated_nor_shown(tmp_path: Path) -> None:
    from openrft.job import Arm, Job
    from openrft.pipeline import check_jobs
    from openrft.plugins.task_registry import load_task

    task = load_task("questions/essays", DataRequest(data=write_rows(tmp_path, 8), train=4, test=4))
    job = Job(Arm("taught", ("teacher", "sft")), task.name, 0, "pocket")
    with pytest.raises(UsageError, match="arm taught: 4 of 4 training questions of questions/essays have no answer"):
        check_jobs([job], {task.name: task})


def test_the_most_common_criteria_are_shown_where_rows_have_their_own(serve: Any, judge: Any, tmp_path: Path) -> None:
    def rollout(i: int, rubric: str) -> Rollout:
        return Rollout(Sample(f"Q{i}?", "", kind="text", meta={"rubric": rubric}), (), Completion("ab"))

    rows = [
        rollout(0, "says a\nsays b"),
        rollout(1, "says a\nsays c"),
        rollout(2, "says c\n+2 says a"),
        rollout(3, "says d"),
    ]
    with serve(judge.reply) as (spec, _):
        found = make(tmp_path, judge=spec).evaluate(rows).value
    assert {name: value for name, value in found.items() if "meets" in name} == {
        "graders.share that meets: +1 says a": 1,
        "graders.share that meets: +1 says c": 0,
    }


def test_the_commands_take_a_rubric(serve: Any, judge: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from openrft.cli import cli

    monkeypatch.chdir(tmp_path)
    rubric, rows = tmp_path / "rubric.txt", tmp_path / "rows.jsonl"
    rubric.write_text(RUBRIC)
    rows.write_text('{"question": "Why?", "output": "a z"}\n{"question": "Why?", "output": "1"}\n')
    with serve(judge.reply) as (spec, asked):
        trying = ["try", str(rubric), str(rows), "--judge", spec]
        found, count = CliRunner().invoke(graders, trying), len(asked)
        assert CliRunner().invoke(graders, trying).stdout == found.stdout
        assert len(asked) == count  # what is kept is not paid for again
        words = ["grade", str(rows), "--grader", str(rubric), "--judge", spec]
        as_json = CliRunner().invoke(cli, [*words, "--json"])
        count = len(asked)
        again = CliRunner().invoke(cli, [*words, "--json"])
        assert again.stdout == as_json.stdout
        assert len(asked) == count  # what is kept is not paid for again
    assert found.stdout.splitlines() == [
        "1: 0.3333 fail  2 of 3 criteria are met",
        "    yes  +2 says a",
        "    no   +1 says 1",
        "    yes  -1 says z",
        "2: 0.3333 fail  1 of 3 criteria are met",
        "    no   +2 says a",
        "    yes  +1 says 1",
        "    no   -1 says z",
        "mean 0.3333, 0 of 2 pass, 0 not scored",
    ]
    assert [json.loads(line)["value"] for line in as_json.stdout.splitlines()] == [pytest.approx(1 / 3)] * 2
    alone = CliRunner().invoke(graders, ["try", str(rubric), str(rows)])
    assert "no judge is named" in str(alone.exception)
    lonely = CliRunner().invoke(cli, ["grade", str(rows), "--judge", "pocket"])
    assert "--judge: not read without --grader" in str(lonely.exception)
    ignored = CliRunner().invoke(cli, [*words, "--tolerance", "0.1", "--show", "all"])
    assert "--tolerance, --show: not read with --grader" in str(ignored.exception)
