"""The same program on real SciKnowEval rows. Needs OPENRFT_SCIKNOWEVAL_DATA; CI gives it."""

from __future__ import annotations

import json
import os

import pytest

FOLDER = os.environ.get("OPENRFT_SCIKNOWEVAL_DATA")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER, reason="OPENRFT_SCIKNOWEVAL_DATA names no folder of SciKnowEval rows"),
]
SMALL = [
    "--train", "8", "--test", "12", "--set", "explore.steps=1", "--set", "explore.prompts_per_step=2", "--set",
    "explore.group_size=4", "--set", "explore.max_tokens=64", "--set", "evaluate.max_tokens=64", "--set",
    "evaluate.completions=1", "--workers", "1",
]  # fmt: skip


def test_a_whole_level_with_prm_and_icl(run_openrft, tmp_path):
    done = run_openrft("bench", "--task", "sciknoweval/L3", "--plugins", "prm,icl", *SMALL, timeout=600)
    assert done.returncode == 0, done.stderr
    for word in (
        "vanilla",
        "rl+prm+icl",
        "no model: ",
        "Not shown to be above",
    ):
        assert word in done.stdout
    report = json.loads(next((tmp_path / "runs").glob("*/report.json")).read_text())
    assert [r["arm"] for r in report["results"]] == ["vanilla", "rl", "rl+prm", "rl+icl", "rl+prm+icl"]
    (task,) = report["tasks"]
    assert (task["train"], task["test"]) == (8, 12)
    assert task["notes"]["left_out_by_type"] == {"open-ended-qa": 218}
    assert FOLDER not in json.dumps(report)


@pytest.mark.parametrize("task", ["sciknoweval/L3/diffusion_rate_analysis", "sciknoweval/openrft/T7"])
def test_single_tasks_are_evaluated_with_baselines(run_openrft, task):
    done = run_openrft("evaluate", "--task", task, *SMALL[:-2], "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)["overall"]
    assert table["arms"][0]["arm"] == "vanilla"
    assert {"majority-answer", "longest-option"} <= {b["name"] for b in table["baselines"]}


def test_bad_rows_are_named_or_counted(run_openrft, tmp_path):
    rows = [
        {
            "prompt": {"default": ""},
            "question": f"Which comes after {i}?",
            "choices": {"text": [str(i + 1), str(i + 2)], "label": ["A", "B"]},
            "answerKey": "Z" if i == 3 else "A",
            "answer": "",
            "type": "mcq-2-choices",
            "domain": "Physics",
            "details": {"level": "L3", "task": "t", "subtask": "t", "source": "own"},
        }
        for i in range(30)
    ]
    file = tmp_path / "own.jsonl"
    file.write_text(
        "\n".join(json.dumps(r) for r in rows[:20]) + "\n{broken\n" + "\n".join(json.dumps(r) for r in rows[20:])
    )
    command = ["tasks", "show", "sciknoweval/file", "--data", str(file)]
    refused = run_openrft(*command)
    assert refused.returncode == 2
    assert "own.jsonl, line 4: answerKey 'Z'" in refused.stderr
    assert "line 21: not JSON" in refused.stderr
    assert "--skip-bad-rows" in refused.stderr
    counted = run_openrft(*command, "--skip-bad-rows", "--json")
    assert counted.returncode == 0, counted.stderr
    shown = json.loads(counted.stdout)
    assert shown["train"] + shown["test"] == 29
    assert sum(shown["notes"]["bad_rows"].values()) == 2


def test_missing_data_is_said_in_one_line(run_openrft, monkeypatch):
    monkeypatch.delenv("OPENRFT_SCIKNOWEVAL_DATA")
    done = run_openrft("evaluate", "--task", "sciknoweval/L3/diffusion_rate_analysis")
    assert done.returncode == 2
    assert "--data" in done.stderr
    assert "Traceback" not in done.stderr
