from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from openrft import Completion, Rollout, build_messages
from openrft.cli.train import command
from openrft.pipeline import JobResult
from openrft.testing import toy_task


@pytest.mark.parametrize(
    ("grades", "accuracy", "notes"),
    [
        ([(True, None), (False, None), (None, None)], 0.5, ["1 of 3 test items not scored: they are in no number."]),
        ([(False, 0.6), (True, 1.0), (False, 0.2)], 0.6, []),
        ([(None, None)] * 3, None, ["3 of 3 test items not scored: they are in no number."]),
    ],
)
def test_accuracy_is_what_scored_answers_are_worth(monkeypatch, tmp_path, grades, accuracy, notes):
    task = toy_task(2, 3)
    rollouts = tuple(
        Rollout(s, build_messages(s), Completion("so"), answer="so", correct=correct, score=score)
        for s, (correct, score) in zip(task.test, grades, strict=True)
    )
    handle = SimpleNamespace(load=lambda: None)

    def run(job, *rest):
        return JobResult(job, task, rollouts, tmp_path, None, (), (), "trained", handle)

    monkeypatch.setattr("openrft.pipeline.run_job", run)
    monkeypatch.setattr("openrft.policies.export.export_checkpoint", lambda policy, folder, beside: None)
    for form in ((), ("--json",)):
        out = tmp_path / f"out{len(form)}"
        done = CliRunner().invoke(command, ["--plugins", "rl", "--out", str(out), "--store", str(tmp_path), *form])
        assert done.exit_code == 0, done.output
    row = json.loads(done.stdout[done.stdout.index("{") :])
    assert (row["accuracy"], row["notes"]) == (accuracy and pytest.approx(accuracy), notes)


def test_a_failed_training_leaves_its_traceback_beside_the_store(run_openrft, tiny, tmp_path):
    arguments = ["--task", "toy/sums", "--policy", str(tiny), "--plugins", "raising", "--train", "8", "--test", "4"]
    done = run_openrft("train", *arguments, "--set", "explore.max_tokens=4", "--out", "trained")
    assert done.returncode == 5
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("openrft:")]
    assert line.endswith("Details: runs/.store/failures/trained--toy-sums--0.txt")
    details = (tmp_path / "runs/.store/failures/trained--toy-sums--0.txt").read_text()
    assert all(word in details for word in ("Stage: fitness", "ZeroDivisionError", '"plugins"', "openrft-broken"))
