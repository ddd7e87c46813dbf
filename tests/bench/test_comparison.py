"""Comparing any two runs on the questions that they share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openrft.bench.comparison import compare_runs
from openrft.bench.outcomes import collect_outcomes, compute_delta, index_results
from openrft.bench.report import ArmRecord, Report, TaskRecord
from openrft.errors import NotComparable
from tests.bench import factories


def part_of(report: Report, first: int, last: int) -> Report:
    """The report as if only some of its items had been drawn."""
    (task,) = report.tasks
    items = task.items[first:last]
    kept = {item.id for item in items}
    results = [replace(r, items={i: o for i, o in r.items.items() if i in kept}) for r in report.results]
    return replace(report, tasks=(replace(task, items=items, hash="another", train=50),), results=tuple(results))


def test_arms_of_one_run_have_the_gain_that_its_report_says() -> None:
    report = factories.report(seeds=(0, 1, 2), completions=3)
    found = compare_runs(report, "vanilla", report, "rl+prm")
    runs = index_results(report)
    measured = collect_outcomes(report, runs, report.tasks)
    assert measured is not None
    expected = compute_delta(runs, measured, "rl+prm", "vanilla")
    assert found.gain.value == pytest.approx(expected.value)
    assert (found.gain.p, found.gain.test) == (pytest.approx(expected.p), expected.test)
    assert (found.gain.low, found.gain.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert found.differences == ("plugins: none in A, rl, prm in B",)
    assert found.notes == ()


def test_only_shared_questions_count_and_the_draw_is_said() -> None:
    """40 and 40 of 60 questions, 20 of which are in both."""
    report = factories.report()
    found = compare_runs(part_of(report, 0, 40), "rl", part_of(report, 20, 60), "rl")
    assert found.items == 20
    assert found.gain.value == 0
    assert found.notes == ("toy/L1/sums: 20 questions are shared, of 40 in A and 40 in B.",)


def test_flips_are_counted_over_all_seeds_by_majority() -> None:
    """Of four questions A has the first two right with both seeds, and B the second and third, and half of the last."""
    task = factories.task(items=4)
    report = replace(factories.report({"a": 0.5, "b": 0.5}), tasks=(task,), baselines=())
    rights = {"a": [[1, 1, 0, 0], [1, 1, 0, 0]], "b": [[0, 1, 1, 1], [0, 1, 1, 0]]}
    results = [
        factories.result(arm, task, seed, [[bool(x)] for x in row])
        for arm, rows in rights.items()
        for seed, row in enumerate(rows)
    ]
    found = compare_runs(replace(report, results=tuple(results)), "a", replace(report, results=tuple(results)), "b")
    ids = [item.id for item in task.items]
    assert (found.flips.lost, found.flips.gained) == ((ids[0],), (ids[2],))
    assert (found.right_in_both, found.right_in_neither) == (1, 1)
    assert [level.value for level in found.accuracies] == [0.5, 0.625]


def test_other_seeds_are_paired_in_order_and_what_is_over_is_said() -> None:
    report = factories.report(seeds=(0, 1, 2))
    other = factories.report(seeds=(1, 7))
    found = compare_runs(report, "rl", other, "rl")
    assert found.seeds == ((1, 0), (1, 7))
    assert found.notes == ("toy/L1/sums: the seeds are 0, 1, 2 in A and 1, 7 in B. 2 of each are compared.",)


def test_settings_data_policy_and_machine_that_differ_are_said() -> None:
    report = factories.report({"rl": 0.5})
    plans = [
        {"policy": "pocket", "data": {"seed": 0}, "settings": {"explore": {"steps": 16, "alpha": 0.7}}, "options": {}},
        {"policy": "./x", "data": {"seed": 1}, "settings": {"explore": {"steps": 30, "alpha": 0.70}}, "options": {}},
    ]
    a, b = (replace(report, plan=plan) for plan in plans)
    b = replace(b, arms=(ArmRecord("rl", ("rl",), None, {"explore": {"alpha": 0.5}}),))
    assert compare_runs(a, "rl", b, "rl").differences == (
        "policy: pocket in A, ./x in B",
        "data.seed: 0 in A, 1 in B",
        "explore.steps: 16 in A, 30 in B",
        "explore.alpha: 0.7 in A, 0.5 in B",
    )


def test_tasks_of_other_names_are_compared_on_what_they_share() -> None:
    report = factories.report()
    (task,) = report.tasks
    renamed = replace(
        report,
        tasks=(TaskRecord("toy/L1", task.hash, task.train, task.test, {}, task.items),),
        results=tuple(replace(r, task="toy/L1") for r in report.results),
    )
    found = compare_runs(report, "rl", renamed, "rl")
    assert found.items == 60
    assert found.notes == ("The task is toy/L1/sums in A and toy/L1 in B.",)


def test_an_arm_without_a_result_is_refused() -> None:
    report = factories.report()
    without = replace(report, results=tuple(r for r in report.results if r.arm != "rl"))
    with pytest.raises(NotComparable, match="toy: rl has no result on toy/L1/sums, seed 0"):
        compare_runs(report, "rl", without, "rl")
