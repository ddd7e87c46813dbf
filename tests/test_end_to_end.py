"""The whole job on the embedded family: RL really learns, and RL on a coin's reward does not."""

from __future__ import annotations

import json

from tests.schemas import check_document, check_lines


def test_rl_beats_vanilla_by_more_than_the_interval_and_a_placebo_does_not(run_openrft, tmp_path):
    command = ("bench", "--plugins", "rl", "--arm", "noise=rl,placebo", "--set", "explore.steps=20", "--workers", "1")
    done = run_openrft(*command, "--json", timeout=900)
    assert done.returncode == 0, done.stderr
    rows = {row["arm"]: row for row in json.loads(done.stdout)["overall"]["arms"]}
    learned, placebo = rows["rl"]["delta"], rows["noise"]["delta"]
    assert learned["low"] > 0, rows
    assert placebo["low"] <= 0, rows
    assert learned["value"] > placebo["value"] + 0.05
    assert rows["vanilla"]["unparsed"] < 0.10
    report = json.loads(next((tmp_path / "runs").glob("*/report.json")).read_text())
    assert {"majority-answer", "longest-option"} <= {b["name"] for b in report["baselines"]}
    (folder,) = (path.parent for path in (tmp_path / "runs").glob("*/report.json"))
    check_document("report", report)
    check_document("plan", json.loads((folder / "plan.json").read_text()))
    for schema, files in (("metrics", "metrics"), ("step", "steps"), ("rollout", "rollouts")):
        assert check_lines(schema, sorted((folder / files).glob("*.jsonl")))
