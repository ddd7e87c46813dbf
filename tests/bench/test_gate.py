from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from openrft.bench.gate import _Pair, _row, compare_reports
from openrft.bench.report import Failure
from openrft.bench.statistics import TaskScores, resample
from openrft.errors import UnknownName
from tests.bench import factories


def test_the_same_outcomes_pass_even_without_a_margin() -> None:
    report = factories.report(seeds=(0, 1), completions=2)
    found = compare_reports(report, replace(report, name="again", created="later"), margin=0.0)
    assert found.verdict == "pass"
    assert found.exit_code == 0
    assert {(row.difference, row.low, row.high) for row in found.rows} == {(0.0, 0.0, 0.0)}
    assert [row.what for row in found.rows] == [
        *factories.ARMS,
        "add-one of prm",
        "add-one of icl",
        "leave-one-out of prm",
        "leave-one-out of icl",
    ]


def test_a_collapse_is_a_regression() -> None:
    found = compare_reports(factories.report(), factories.report({**factories.RATES, "rl+prm+icl": 0.2}), margin=0.02)
    assert (found.verdict, found.exit_code) == ("regression", 1)
    by_name = {row.what: row for row in found.rows}
    assert by_name["rl+prm+icl"].high < -0.02
    assert by_name["rl"].verdict == "pass"  # untouched: the very same outcomes
    assert by_name["leave-one-out of prm"].verdict == "regression"


def test_noise_is_inconclusive_and_says_what_would_settle_it() -> None:
    found = compare_reports(factories.report(), factories.report(noise=1), margin=0.02)
    assert (found.verdict, found.exit_code) == ("inconclusive", 4)
    row = next(row for row in found.rows if row.low <= -0.02 <= row.high)
    assert row.verdict == "inconclusive"
    assert "items would settle it (now 60 items, 1 seed)" in row.settle
    assert any("One seed" in note for note in found.notes)


def test_noise_within_a_wide_margin_passes() -> None:
    assert compare_reports(factories.report(), factories.report(noise=1), margin=0.5).verdict == "pass"


def test_a_gain_passes() -> None:
    report = factories.report({"vanilla": 0.2})
    assert compare_reports(report, factories.report({"vanilla": 0.8}), margin=0.0).verdict == "pass"


def test_one_arm_can_be_asked_for() -> None:
    worse = factories.report({**factories.RATES, "rl+prm+icl": 0.2})
    found = compare_reports(factories.report(), worse, margin=0.02, arms=["rl"])
    assert [row.what for row in found.rows] == ["rl"]
    assert found.verdict == "pass"
    with pytest.raises(UnknownName, match="Did you mean rl"):
        compare_reports(factories.report(), worse, 0.02, ["rl2"])


def failing(report: object) -> object:
    bad = report.results[-1]  # type: ignore[attr-defined]
    failure = Failure(bad.arm, bad.task, bad.seed, "boom")
    return replace(report, results=report.results[:-1], failures=(failure,))  # type: ignore[attr-defined, type-var]


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        (lambda: factories.report(tasks=[factories.task("toy/L1/other")]), "no task toy/L1/sums"),
        (lambda: factories.report(tasks=[factories.task(items=59)]), "1 test items are in one report only"),
        (
            lambda: factories.report(tasks=[replace(factories.task(), hash="x")]),
            "the instruction or the grading differs",
        ),
        (lambda: factories.report({"vanilla": 0.3}), "no arm rl"),
        (lambda: failing(factories.report()), "failed on toy/L1/sums, seed 0: boom"),
        (lambda: replace(factories.report(), results=factories.report().results[:-1]), "no result on toy/L1/sums"),
        (lambda: replace(factories.report(), results=()), "no result on toy/L1/sums"),
        (lambda: factories.report(seeds=(7,)), "share no seed"),
        (lambda: replace(factories.report(), plan={}), "add-one of prm"),
    ],
)
def test_what_cannot_be_compared_never_passes(candidate: object, why: str) -> None:
    found = compare_reports(factories.report(), candidate(), margin=0.9)  # type: ignore[operator]
    assert (found.verdict, found.exit_code, found.rows) == ("not comparable", 3, ())
    assert why in "\n".join(found.why)


def test_a_failing_or_empty_baseline_never_passes() -> None:
    assert compare_reports(failing(factories.report()), factories.report(), 0.9).exit_code == 3  # type: ignore[arg-type]
    empty = replace(factories.report(), arms=(), results=(), plan={})
    assert compare_reports(empty, factories.report(), 0.9).exit_code == 3
    assert compare_reports(replace(empty, tasks=()), factories.report(), 0.9).exit_code == 3


def test_an_arm_that_changed_its_plugins_is_named() -> None:
    report = factories.report()
    arms = tuple(replace(a, plugins=(*a.plugins, "sft")) if a.name == "rl" else a for a in report.arms)
    found = compare_reports(report, replace(report, arms=arms), 0.9)
    assert found.why == ("arm rl means rl in the baseline and rl, sft in the candidate",)


def test_only_shared_seeds_count_and_it_is_said() -> None:
    found = compare_reports(factories.report(seeds=(0, 1, 2)), factories.report(seeds=(1, 2, 3)), 0.0)
    assert found.verdict == "pass"  # the shared ones are the same
    assert any("shared seeds [1, 2]" in note for note in found.notes)


def test_what_the_baseline_lacks_is_said() -> None:
    found = compare_reports(factories.report({"vanilla": 0.5}), factories.report({"vanilla": 0.5, "more": 0.5}), 0.0)
    assert found.verdict == "pass"
    assert found.notes[-1] == "Not in the baseline, so not compared: more."


def test_what_was_run_otherwise_is_said() -> None:
    plan = {"policy": "pocket", "data": {"data": "here"}, "settings": {"explore": {"steps": 30}, "evaluate": {}}}
    before = replace(factories.report({"vanilla": 0.5}), plan={**plan, "options": {"sft": {"lr": 1e-3}}})
    after = replace(
        before,
        plan={
            "policy": "pocket",
            "data": {"data": "there"},  # the same items, found elsewhere
            "settings": {"explore": {"steps": "30"}, "evaluate": {"temperature": 1.0}},
            "options": {"sft": {"lr": 1e-4}},
        },
        arms=(replace(before.arms[0], overrides={"evaluate": {"completions": 3}}),),
        versions={"openrft": "0.2.0", "trl": "1.16.0"},
        machine={"cores": 2, "gpu": "H100"},
    )
    assert compare_reports(before, after, 0.0).notes[0] == (
        "Run otherwise than the baseline: sft.lr 0.001 -> 0.0001, gpu none -> H100,"
        " evaluate.temperature not set -> 1.0, vanilla: evaluate.completions not set -> 3, openrft 0.1.0 -> 0.2.0."
    )
    assert not any("otherwise" in note for note in compare_reports(before, before, 0.0).notes)


@pytest.mark.parametrize(("reading", "told"), [("strict", False), ("lenient", True)])
def test_an_option_that_the_baseline_does_not_know_counts_as_its_default(reading: str, told: bool) -> None:
    before = replace(factories.report({"vanilla": 0.5}), plan={"settings": {"explore": {"steps": 30}}})
    after = replace(before, plan={"settings": {"explore": {"steps": 30, "reading": reading}}, "data": {"seed": 0}})
    notes = compare_reports(before, after, 0.0).notes
    assert notes[0].startswith("Run otherwise than the baseline: explore.reading not set -> lenient.") == told
    assert any("data.seed" in note for note in notes) is False


def test_many_comparisons_of_nothing_do_not_make_a_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine rows without any true change: uncorrected, a quarter of such pairs would read as a regression."""
    from openrft.bench import gate, statistics

    monkeypatch.setattr(gate, "resample", lambda blocks: statistics.resample(blocks, replicates=400))
    verdicts = [
        compare_reports(factories.report(noise=2 * n), factories.report(noise=2 * n + 1), 0.0).verdict
        for n in range(16)
    ]
    assert verdicts.count("regression") <= 2
    assert verdicts.count("pass") <= 1


def test_one_seed_is_widened_by_the_assumed_training_noise() -> None:
    """By hand: half an interval is the root of the squares of that over items and of 1.96 x noise x sqrt(2)."""
    before, after = factories.report(), factories.report(noise=1)
    (bare,) = compare_reports(before, after, margin=0.02, arms=["rl"], noise=0.0).rows
    (wide,) = compare_reports(before, after, margin=0.02, arms=["rl"], noise=0.03).rows
    extra = 1.959964 * 0.03 * 2**0.5
    assert wide.high - wide.difference == pytest.approx(math.hypot(bare.high - bare.difference, extra), abs=1e-6)
    assert wide.difference - wide.low == pytest.approx(math.hypot(bare.difference - bare.low, extra), abs=1e-6)
    (vanilla,) = compare_reports(before, after, margin=0.02, arms=["vanilla"], noise=0.0).rows
    assert compare_reports(before, after, margin=0.02, arms=["vanilla"], noise=0.03).rows == (vanilla,)  # not trained


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_gate_promises_what_its_margin_says(seeds: int) -> None:
    """A true drop of just the margin: it passes, or is called a regression, about 2.5% of the time each."""
    rng = np.random.default_rng(1)
    verdicts = Counter[str]()
    for _ in range(150):
        sides = []
        for level in (0.6, 0.55):
            luck = rng.normal(0, 0.02, seeds)
            sides.append(np.clip(level + luck[:, None], 0, 1))
        scores = np.stack([rng.binomial(3, np.broadcast_to(side, (seeds, 240))) / 3 for side in sides])
        block = TaskScores(scores, np.arange(240), 3)
        pair = _Pair(("rl",), (block,), resample([block], replicates=1000), frozenset())
        verdicts[_row(pair, "rl", {"rl": 1.0}, 0.05, 0.02).verdict] += 1
    assert verdicts["pass"] <= 11  # 150 x 2.5%: 4 expected, 11 in one of a thousand studies
    assert verdicts["regression"] <= 11
