"""The JSON schemas in docs/schemas: those of the types, and true of a committed report and what is written."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import jsonschema
import pytest

from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_from_json, plan_to_json
from openrft.bench.report import write_report
from openrft.errors import UsageError
from openrft.stages.rl_metrics import compute_step_metrics
from openrft.stages.training_log import TrainingLog
from openrft.types import Reward
from tests.bench.made_run import answer, make_run, make_samples
from tests.schemas import check_document, check_lines

ROOT = Path(__file__).parents[2]
REPORTS = sorted(ROOT.glob("benchmarks/results/*/report.json"))


def test_the_schemas_are_those_of_the_types() -> None:
    for name, text in runpy.run_path(str(ROOT / "docs" / "make_schemas.py"))["make_schemas"]().items():
        assert (ROOT / "docs" / "schemas" / name).read_text("utf-8") == text, "run docs/make_schemas.py"


def test_a_committed_report_keeps_to_the_schema() -> None:
    smallest = min(REPORTS, key=lambda path: path.stat().st_size)
    check_document("report", json.loads(smallest.read_text("utf-8")))


def test_what_is_written_keeps_to_the_schemas_and_other_fields_do_not(tmp_path: Path) -> None:
    write_report(make_run(tmp_path), tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    check_document("report", report)
    with pytest.raises(jsonschema.ValidationError, match="extra"):
        check_document("report", {**report, "extra": 1})
    rows = [
        json.loads(line) for path in tmp_path.glob("rollouts/*.jsonl") for line in path.read_text("utf-8").splitlines()
    ]
    assert rows
    for row in rows:
        check_document("rollout", row)
    with pytest.raises(jsonschema.ValidationError, match="correct"):
        check_document("rollout", {**rows[0], "correct": "yes"})


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/results/*/plan.json")), ids=lambda path: path.parent.name)
def test_a_committed_plan_keeps_to_the_schema(path: Path) -> None:
    check_document("plan", json.loads(path.read_text("utf-8")))


def test_a_plan_keeps_to_the_schema_and_what_cannot_be_read_does_not() -> None:
    asked = BenchRequest(plugins=("rl",), extra=("noise=rl,placebo,explore.steps=3",), values={"explore": {"steps": 2}})
    plan = json.loads(json.dumps(plan_to_json(make_plan(asked))))
    check_document("plan", plan)
    for name, value in (("seeds", ["0"]), ("tasks", "pocket/L3"), ("arms", [{"plugins": []}]), ("extra", 1)):
        with pytest.raises(jsonschema.ValidationError):
            check_document("plan", {**plan, name: value})
        with pytest.raises(UsageError, match=name):
            plan_from_json({**plan, name: value})


def test_the_log_of_rl_keeps_to_the_schemas(tmp_path: Path) -> None:
    sample, log = make_samples(4)[3], TrainingLog(tmp_path)
    rewards = (Reward("outcome", "outcome", 1.0), Reward("prm", "process", 0.5))
    rollouts = [answer(sample, "so A", "A", rewards), answer(sample, "", None, rewards)]
    row = {"step": 0, **compute_step_metrics(rollouts), "tokens": 6, "seconds.rollout": 0.5, "loss": -0.1}
    log.write(row)
    log.write_rollouts(0, rollouts)
    assert {"reward.prm", "gap.prm"} <= row.keys()
    assert check_lines("metrics", [tmp_path / "metrics.jsonl"]) == 1
    assert check_lines("step", [tmp_path / "rollouts.jsonl"]) == 2
    for wrong in ({"correct": 1.5}, {"tokens": None}, {"gap.prm": "0"}, {"step": -1}):
        with pytest.raises(jsonschema.ValidationError):
            check_document("metrics", {**row, **wrong})
    with pytest.raises(jsonschema.ValidationError, match="'zero_variance' is a required property"):
        check_document("metrics", {name: value for name, value in row.items() if name != "zero_variance"})
