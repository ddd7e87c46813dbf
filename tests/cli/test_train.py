from __future__ import annotations

import json

from openrft.cli.printing import suggest_evaluation
from openrft.tasks.task import DataRequest


def test_a_failed_training_writes_a_report_and_no_policy(run_openrft, tiny, tmp_path):
    arguments = ["--task", "toy/sums", "--policy", str(tiny), "--plugins", "raising", "--train", "8", "--test", "4"]
    done = run_openrft("train", *arguments, "--set", "explore.max_tokens=4", "--out", "trained")
    assert done.returncode == 5
    (run,) = (tmp_path / "runs").glob("toy-sums-*")
    details = (run / "failures" / "trained--toy-sums--0.txt").read_text()
    assert all(word in details for word in ("Stage: fitness", "ZeroDivisionError", '"plugins"', "openrft-broken"))
    assert "failures/trained--toy-sums--0.txt" in done.stdout
    assert (run / "report.json").is_file()
    assert not list((tmp_path / "trained").iterdir())


def test_what_was_gained_and_lost_is_said(run_openrft, tmp_path):
    arguments = ["--task", "pocket/L3/lattice_volume", "--plugins", "sft", "--train", "12", "--test", "8"]
    done = run_openrft("train", *arguments, "--out", "trained")
    assert done.returncode == 0, done.stderr
    assert "questions went from wrong to right" in done.stdout
    assert "openrft evaluate --task pocket/L3/lattice_volume --train 12 --test 8 --policy trained" in done.stdout
    assert "over vanilla" in done.stdout
    assert len(json.loads((tmp_path / "trained" / "openrft.json").read_text())["trained_on"]) == 12


def test_the_suggested_evaluation_names_the_data():
    found = suggest_evaluation("questions/all", DataRequest(data="my rows.csv"), "out")
    assert found == "openrft evaluate --task questions/all --data 'my rows.csv' --policy out"
    more = DataRequest(70, 30, 1, "a.csv", clean=True, columns="question=words,answer=gruppe", count_from=0)
    assert suggest_evaluation("questions/all", more, "out") == (
        "openrft evaluate --task questions/all --data a.csv --train 70 --test 30 --data-seed 1"
        " --map question=words,answer=gruppe --count-from 0 --clean --policy out"
    )
