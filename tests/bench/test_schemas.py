"""The JSON schemas in docs/schemas: those of the types, and true of a committed report and what is written."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from openrft.bench.report import write_report
from tests.bench.made_run import make_run

ROOT = Path(__file__).parents[2]
REPORTS = sorted(ROOT.glob("benchmarks/results/*/report.json"))


def check(name: str, document: Any) -> None:
    schema = json.loads((ROOT / "docs" / "schemas" / name).read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


def test_the_schemas_are_those_of_the_types() -> None:
    for name, text in runpy.run_path(str(ROOT / "docs" / "make_schemas.py"))["make_schemas"]().items():
        assert (ROOT / "docs" / "schemas" / name).read_text("utf-8") == text, "run docs/make_schemas.py"


def test_a_committed_report_keeps_to_the_schema() -> None:
    smallest = min(REPORTS, key=lambda path: path.stat().st_size)
    check("report.schema.json", json.loads(smallest.read_text("utf-8")))


def test_what_is_written_keeps_to_the_schemas_and_other_fields_do_not(tmp_path: Path) -> None:
    write_report(make_run(tmp_path), tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    check("report.schema.json", report)
    with pytest.raises(jsonschema.ValidationError, match="extra"):
        check("report.schema.json", {**report, "extra": 1})
    rows = [
        json.loads(line) for path in tmp_path.glob("rollouts/*.jsonl") for line in path.read_text("utf-8").splitlines()
    ]
    assert rows
    for row in rows:
        check("rollout.schema.json", row)
    with pytest.raises(jsonschema.ValidationError, match="correct"):
        check("rollout.schema.json", {**rows[0], "correct": "yes"})
