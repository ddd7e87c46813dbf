"""The plugins `vote` and `best-of-n`: what they weigh, and whole jobs with them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from openrft_test_time.best_of_n import BestOfN
from openrft_test_time.vote import Vote

from openrft import Candidates, Completion, Question, Settings, UsageError
from openrft.bench.plan import BenchRequest, make_plan
from openrft.config.settings import EvaluateSettings
from openrft.pipeline import check_jobs, run_job
from openrft.plugins.task_registry import load_task
from openrft.runtime.store import Store
from openrft.testing import build_options, check_plugin


def drawn(*completions: Completion) -> list[Candidates]:
    return [Candidates(Question("q"), ({"role": "user", "content": "q"},), completions)]


def test_votes_are_equal_or_as_likely_as_the_completion():
    sure, unsure = Completion("a", (1, 2), (0.0, 0.0)), Completion("b", (1, 2), (math.log(0.5), math.log(0.5)))
    assert Vote(Vote.Options()).weigh(drawn(sure, unsure)) == [[1.0, 1.0]]
    plugin = Vote(Vote.Options(weight="likelihood", completions=2))
    assert plugin.weigh(drawn(sure, unsure)) == [[1.0, pytest.approx(0.5)]]
    assert plugin.completions_per_answer == 2
    with pytest.raises(UsageError, match=r"vote\.weight=equal"):
        plugin.weigh(drawn(Completion("a", (1,))))


def test_conforms():
    assert check_plugin("vote") == ["check_job", "weigh"]


def test_a_model_must_be_named():
    (fault,) = BestOfN(build_options(BestOfN.Options, {})).check_job()
    assert "--set best-of-n.model=" in fault


def test_an_arm_with_both_is_refused():
    plan = make_plan(BenchRequest(arms="none", extra=("both=vote,best-of-n",)))
    tasks = {name: load_task(name, plan.data) for name in plan.tasks}
    with pytest.raises(UsageError, match="vote and best-of-n cannot both choose its answers"):
        check_jobs(plan.jobs(), tasks)


def test_arms_share_the_policy_and_answer_once_for_each_question(tmp_path: Path):
    values = {"evaluate": {"completions": 2}, "vote": {"completions": 3}, "best-of-n": {"completions": 3}}
    data = {"train": 4, "test": 6}
    arms = ("vote=vote,vote.weight=likelihood", "best=best-of-n")
    plan = make_plan(BenchRequest(("pocket/L3/molar_mass",), (), "none", arms, data=data, values=values))
    vanilla, vote, best = [run_job(job, Store(tmp_path)) for job in plan.jobs()]
    assert vanilla.policy_id == vote.policy_id == best.policy_id
    assert [len(result.rollouts) for result in (vanilla, vote, best)] == [12, 6, 6]
    for result in (vote, best):
        (record,) = result.stage_records
        assert record.counts["completions"] == 18
        assert record.tokens == sum(draw.tokens for r in result.rollouts for draw in r.draws)
    for rollout in best.rollouts:
        weights = [draw.weight for draw in rollout.draws]
        assert rollout.completion.tokens
        assert len(weights) == 3
        assert all(weight is not None and 0 <= weight <= 1 for weight in weights)
    rows = [json.loads(line) for line in vote.rollouts_file.read_text().splitlines()]
    assert [len(row["draws"]) for row in rows] == [3] * 6


def test_votes_by_likelihood_are_refused_before_anything_runs_where_the_policy_gives_none() -> None:
    vote = Vote(Vote.Options(weight="likelihood"))
    settings, cut = Settings(), Settings(evaluate=EvaluateSettings(top_p=0.9))
    assert (
        vote.check_job(settings, "pocket") == vote.check_job(cut, "pocket") == vote.check_job(settings, "vllm:m") == []
    )
    server = "openai:http://127.0.0.1:1/v1#m"
    for how, spec in ((settings, server), (settings, "baseline:longest-option"), (cut, "vllm:m")):
        (fault,) = vote.check_job(how, spec)
        assert fault.startswith(f"vote.weight=likelihood: {spec} gives no log-probabilities")
        assert fault.endswith("Use vote.weight=equal.")
        assert Vote(Vote.Options()).check_job(how, spec) == []
    plan = make_plan(
        BenchRequest(
            ("pocket/L3/molar_mass",), (), "none", ("v=vote",), policy=server, values={"vote": {"weight": "likelihood"}}
        )
    )
    job = next(job for job in plan.jobs() if job.arm.name == "v")
    with pytest.raises(UsageError, match=r"arm v: vote\.weight=likelihood"):
        check_jobs([job], {job.task: load_task(job.task, job.data)})
