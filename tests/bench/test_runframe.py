"""RunFrame JSON is read and compared by evalsig itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from evalsig import compare
from evalsig.io.json_runframe import read_runframe_json

from openrft.bench.report import write_report
from openrft.bench.runframe import write_runframes
from openrft.cli import cli
from tests.bench import factories


def test_evalsig_reads_the_frames_and_finds_the_same_difference(tmp_path):
    report = factories.report({"vanilla": 0.3, "rl": 0.5}, seeds=(0, 1), completions=3)
    files = write_runframes(report, tmp_path)
    assert [file.name for file in files][:2] == ["vanilla--toy-L1-sums--0.json", "vanilla--toy-L1-sums--1.json"]
    frames = {frame.model_id: frame for frame in map(read_runframe_json, files) if frame.run_id.endswith("--1")}
    mean = {r.arm: sum(i.value for i in r.items.values()) / 60 for r in report.results if r.seed == 1}
    found = compare(frames["vanilla"], frames["rl"], method="paired_t")
    assert found.delta == pytest.approx(mean["rl"] - mean["vanilla"])
    assert found.n_pairs == 60
    assert found.n_clusters is None


def test_near_duplicates_keep_their_clusters(tmp_path):
    report = factories.report({"vanilla": 0.3, "rl": 0.5})
    task = report.tasks[0]
    pairs = tuple(replace(item, cluster=str(n // 2)) for n, item in enumerate(task.items))
    files = write_runframes(replace(report, tasks=(replace(task, items=pairs),)), tmp_path)
    found = compare(*map(read_runframe_json, files), method="cluster_bootstrap", cluster="cluster_id")
    assert found.n_clusters == 30


def test_report_writes_them(tmp_path, capsys):
    write_report(factories.report(), tmp_path / "report.json")
    cli.main(["report", str(tmp_path), "--runframe", str(tmp_path / "frames")], standalone_mode=False)
    assert capsys.readouterr().out == f"Wrote 5 files to {tmp_path}/frames/.\n"
    frame = json.loads((tmp_path / "frames" / "rl--toy-L1-sums--0.json").read_text())
    assert frame["items"][0]["metadata"] == {"seed": 0, "completions": 1}
