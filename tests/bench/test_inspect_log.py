"""Logs for Inspect as plain JSON; tests/inspect reads them with inspect_ai."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from openrft.bench.inspect_log import write_inspect_logs
from openrft.bench.report import ArmRecord, Failure
from openrft.errors import DataError
from tests.bench import factories
from tests.bench.made_run import TASK, make_run


def test_one_log_for_each_job_and_a_failed_one_says_why(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    arms, failed = (*report.arms, ArmRecord("bad", ("x",))), Failure("bad", TASK, 0, "boom", "failures/bad.txt")
    folder = write_inspect_logs(replace(report, arms=arms, failures=(failed,)), tmp_path)
    logs = {log["eval"]["model"]: log for log in (json.loads(file.read_text()) for file in folder.iterdir())}
    assert {name: (log["status"], len(log["samples"])) for name, log in logs.items()} == {
        "openrft/vanilla": ("success", 24),
        "openrft/rl+prm": ("success", 24),
        "openrft/bad": ("error", 0),
    }
    assert logs["openrft/bad"]["error"]["message"] == "boom"
    assert logs["openrft/rl+prm"]["eval"]["metadata"]["plugins"] == ["rl", "prm"]
    unread = logs["openrft/rl+prm"]["samples"][4]
    assert unread["scores"]["openrft"] == {"value": "N", "answer": None, "explanation": "no answer can be read"}
    assert "\ufffd" in unread["input"][1]["content"]  # half a surrogate pair, which Inspect could not read


def test_a_run_without_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no answers beside the report"):
        write_inspect_logs(factories.report(), tmp_path)
