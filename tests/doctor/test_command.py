"""`openrft doctor` as a user meets it: on the included policy, and on rows and policies with faults."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.testing import write_tiny_checkpoint


def doctor(*arguments):
    done = CliRunner().invoke(cli, ["doctor", *arguments])
    assert done.exit_code in (0, 1), done.output
    return done


def findings(done):
    told = json.loads(done.stdout)
    assert told["stop"] == (done.exit_code == 1)
    return {row["check"]: row for run in told["runs"] for row in run["checks"]}


def examine(tmp_path, *arguments):
    return findings(doctor(*arguments, "--json", "--out", str(tmp_path), "--questions", "16"))


def test_teachers_rank_as_their_traces_were_worth(tmp_path):
    """Imitating `pocket/teacher` gains 40 points of accuracy, and imitating `pocket/teacher-prose` costs 24
    (benchmarks/results/pocket-eight)."""
    fits = {
        name: examine(tmp_path, "--plugins", "sft", "--set", f"teacher.model={name}", "--set", "teacher.max_tokens=200")
        for name in ("pocket/teacher", "pocket/teacher-prose")
    }
    same, other = (found["teacher fit"] for found in fits.values())
    assert (same["verdict"], other["verdict"]) == ("ok", "stop")
    assert same["value"] < 0.5 < 3 < other["value"]
    assert fits["pocket/teacher"]["rewards"]["verdict"] == "skipped"


def test_a_sound_run_passes(tmp_path):
    done = doctor("--plugins", "prm,da,icl", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert "ok      pass@k" in done.stdout
    assert "ok      prm: prm" in done.stdout
    assert "skipped teacher" in done.stdout
    assert list(tmp_path.glob("*/*/*")) == []  # nothing is kept


@pytest.fixture
def rows(tmp_path):
    """100 questions with one answer, of which ten stand twice."""
    file = tmp_path / "mine.csv"
    with file.open("w", newline="") as out:
        write = csv.writer(out)
        write.writerow(["question", "A", "B", "C", "D", "answer", "split"])
        for n in range(100):
            a = n if n < 90 else n - 40  # the last ten repeat training questions
            side = "train" if n < 60 else "test"
            write.writerow([f"What is {a} and {a + 1}?", 2 * a + 1, 2 * a + 2, 2 * a + 3, 2 * a, "A", side])
    return file


def test_rows_and_a_policy_with_faults(rows, tmp_path):
    policy = write_tiny_checkpoint(tmp_path / "tiny")
    options = ["--task", "questions", "--data", str(rows), "--policy", str(policy), "--plugins", "sft,rl"]
    short = [f"--set={name}.max_tokens=24" for name in ("explore", "evaluate", "teacher")]
    found = examine(tmp_path, *options, *short, "--set", "teacher.tries=2")
    stopping = {name for name, row in found.items() if row["verdict"] == "stop"}
    assert {"answers", "rules", "leaks", "truncation", "teacher"} <= stopping
    assert found["leaks"]["finding"].startswith("10 of 40 test questions")
    assert found["form"]["verdict"] == found["pass@k"]["verdict"] == "warn"  # imitation comes first
    assert found["prompts"]["verdict"] == "ok"
    assert "failed" not in {row["verdict"] for row in found.values()}
    alone = findings(doctor(*options[:-1], "rl", *short[:2], "--json", "--out", str(tmp_path)))
    assert alone["form"]["verdict"] == alone["pass@k"]["verdict"] == "stop"
    assert alone["teacher"]["verdict"] == "skipped"
