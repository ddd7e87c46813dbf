"""The rules of a request reach the grader, the task's hash and plans."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import pytest

from openrft.bench.plan import BenchRequest, make_plan
from openrft.bench.plan_file import plan_from_json, plan_to_json
from openrft.bench.report import record_task
from openrft.errors import UsageError
from openrft.grading.grade import grade
from openrft.grading.rules import GradingRules
from openrft.plugins.task_registry import load_all_rows, load_task
from openrft.tasks.task import DataRequest

ROWS = "question,answer\nHow long is it?,5 cm\nHow heavy is it?,12.0 kg\nHow many are there?,7\n"


@pytest.fixture
def source(tmp_path: Path) -> str:
    file = tmp_path / "rows.csv"
    file.write_text(ROWS, "utf-8")
    return str(file)


def ask(source: str, **rules: object) -> DataRequest:
    return DataRequest(2, 1, data=source, kind="number", **rules)  # type: ignore[arg-type]


def test_a_task_of_the_cores_grader_follows_the_rules(source: str) -> None:
    plain, loose = (
        load_all_rows("questions/all", ask(source)),
        load_all_rows("questions/all", ask(source, tolerance=0.1)),
    )
    converted = load_all_rows("questions/all", ask(source, convert_units=True))
    assert None not in (plain, loose, converted)
    assert plain.grade is grade
    length, weight = [s for s in (*plain.train, *plain.test) if "kg" in s.answer or "cm" in s.answer]
    assert not plain.grade(weight, "\\boxed{13 kg}").correct
    assert loose.grade(weight, "\\boxed{13 kg}").correct
    assert not loose.grade(weight, "\\boxed{13.3 kg}").correct
    assert not plain.grade(length, "\\boxed{0.05 m}").correct
    assert converted.grade(length, "\\boxed{0.05 m}").correct
    assert not converted.grade(length, "\\boxed{0.05 s}").correct
    assert pickle.loads(pickle.dumps(loose.grade))(weight, "\\boxed{13 kg}").correct


def test_the_hash_of_a_task_changes_with_the_rules(source: str) -> None:
    tried = [{}, {"tolerance": 0.1}, {"tolerance": 0.2}, {"tolerance": 0.0}, {"convert_units": True}]
    hashes = [record_task(load_task("questions/all", ask(source, **rules))).hash for rules in tried]
    assert len(set(hashes)) == len(tried)


@pytest.mark.parametrize("tolerance", [-0.1, math.nan, math.inf])
def test_a_tolerance_that_is_no_part_is_refused(tolerance: float) -> None:
    with pytest.raises(UsageError, match="tolerance"):
        GradingRules(tolerance)


def test_converting_units_without_the_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrft.grading.rules.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install pint"):
        GradingRules(convert_units=True)


def test_plans_hold_the_rules_and_older_plans_are_read() -> None:
    plan = make_plan(BenchRequest(tasks=("pocket/L3",), data={"tolerance": 0.01, "convert_units": True}))
    row = json.loads(json.dumps(plan_to_json(plan)))
    assert (row["data"]["tolerance"], row["data"]["convert_units"]) == (0.01, True)
    assert plan_from_json(row) == plan
    del row["data"]["tolerance"], row["data"]["convert_units"]
    older = plan_from_json(row).data
    assert (older.tolerance, older.convert_units) == (None, False)
    for bad in (-1, "nan", "much"):
        row["data"]["tolerance"] = bad
        with pytest.raises(UsageError, match=r"data\.tolerance"):
            plan_from_json(row)
