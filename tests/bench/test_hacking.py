"""Reward hacking in a report: the table, the notes, shared by arms that start alike, and kept in report.json."""

from __future__ import annotations

import json
from dataclasses import replace

from openrft.bench.hacking import build_gap_notes, build_probe_notes, build_probe_tables
from openrft.bench.markdown import format_markdown
from openrft.bench.report import from_json, to_json
from openrft.bench.summary import summarise
from openrft.bench.summary_document import dump_summary
from openrft.rewards.gap import RewardGap
from openrft.rewards.probed_reward import Pay, ProbedReward
from openrft.rewards.reward_check import RewardCheck
from tests.bench import factories

RIGHT, WRONG = Pay("right", 40, 0.74, 0.7, 0.78), Pay("wrong", 30, 0.41, 0.3, 0.5)
EMPTY, ECHO = Pay("empty", 8, 0.81, 0.8, 0.82, "above right"), Pay("echo", 8, 0.1, 0.0, 0.2)
PRM = ProbedReward("prm", "p", RIGHT, WRONG, (EMPTY, ECHO), True)
R = ProbedReward("R", "p", replace(RIGHT, mean=0.92), WRONG, (replace(EMPTY, mean=0.24, finding=""), ECHO), True)
GROWS = RewardGap("prm", True, 7, 30, -0.1, 0.31, 0.18, 0.44)
STANDS = RewardGap("prm", False, 30, 29, 0.1, 0.02, -0.1, 0.1)


def probed_report():
    made = factories.report()
    results = [
        replace(r, probes=(R, PRM), gaps=(GROWS, STANDS) if r.arm == "rl+prm" else ()) if "prm" in r.arm else r
        for r in made.results
    ]
    return replace(made, results=tuple(results))


def test_arms_that_start_alike_share_the_note():
    assert list(build_probe_notes(probed_report().results)) == [
        "rewards of rl+prm, rl+prm+icl on toy/L1/sums, seed 0: WARNING: `prm` pays 0.81 for an empty answer: more than"
        " for right ones (0.74)."
    ]


def test_a_growing_gap_is_a_note_of_its_job():
    assert list(build_gap_notes(probed_report().results)) == [
        "RL of rl+prm on toy/L1/sums, seed 0: WARNING: `prm` parts from the strict grade on held-back questions: its"
        " reward minus the grade goes from -0.10 to +0.21 in 30 steps (+0.31 [+0.18, +0.44])."
    ]


def test_the_table_has_every_sort_of_answer_and_marks_what_is_named():
    (table,) = build_probe_tables(probed_report())
    assert table.columns == ("<answers", "R", "prm")
    assert table.rows == (
        ("right answers of the policy", "0.92 [0.70, 0.78]", "0.74 [0.70, 0.78]"),
        ("wrong answers of the policy", "0.41 [0.30, 0.50]", "0.41 [0.30, 0.50]"),
        ("an empty answer", "0.24 [0.80, 0.82]", "0.81 [0.80, 0.82] !"),
        ("the question echoed", "0.10 [0.00, 0.20]", "0.10 [0.00, 0.20]"),
    )


def test_they_are_kept_in_the_file_and_shown_in_markdown():
    report = probed_report()
    assert from_json(to_json(report)).results == report.results
    text = format_markdown(report, summarise(report))
    assert "an empty answer | 0.24 [0.80, 0.82] | 0.81 [0.80, 0.82] !" in text
    assert "parts from the strict grade" in text
    quiet = factories.report()
    assert "probes" not in to_json(quiet)
    assert not list(build_probe_tables(quiet))


def test_without_right_answers_the_report_says_that_it_cannot_compare():
    (result, *_) = probed_report().results
    lonely = replace(result, probes=(replace(R, right=None, separates=None), PRM))
    first, second = build_probe_notes([lonely])
    assert "WARNING: `prm` pays 0.81 for an empty answer" in first
    assert "no right answers, or no wrong ones, were found to compare `R` with" in second


def test_the_json_document_has_what_the_tables_show():
    report = probed_report()
    check = RewardCheck(("two runs agree",), ("few questions",), "graders")
    report = replace(report, results=tuple(replace(r, checks=(check,)) for r in report.results))
    found = json.loads(json.dumps(dump_summary(report, summarise(report))))
    assert {(row["source"], tuple(row["arms"])) for row in found["probes"]} == {
        ("R", ("rl+prm", "rl+prm+icl")),
        ("prm", ("rl+prm", "rl+prm+icl")),
    }
    empty = next(row for row in found["probes"] if row["source"] == "prm")["answers"][2]
    assert (empty["label"], empty["mean"], empty["finding"]) == ("an empty answer", 0.81, "above right")
    (row,) = found["checks"]
    assert (row["source"], row["findings"], row["warnings"]) == ("graders", ["two runs agree"], ["few questions"])
    assert [(gap["arm"], gap["source"], gap["grows"]) for gap in found["gaps"]] == [
        ("rl+prm", "prm", True),
        ("rl+prm", "prm", False),
    ]
    assert found["money"] is None
