from __future__ import annotations

import json
from dataclasses import replace

import pytest

from openrft.bench.report import Failure, Item, ItemRecord
from openrft.bench.score_table import Summary
from openrft.bench.summary import summarise
from openrft.config.documents import dump_document
from tests.bench import factories


def rows(summary: Summary) -> dict[str, object]:
    return {row.arm: row for row in summary.overall.arms}


def test_accuracy_delta_and_costs_by_hand() -> None:
    record = factories.task(items=4)
    right = {"vanilla": [[1], [0], [0], [0]], "rl": [[1], [1], [1], [0]]}
    report = replace(
        factories.report({"vanilla": 0, "rl": 0}, [record]),
        results=tuple(factories.result(arm, record, 0, verdicts, "one policy") for arm, verdicts in right.items()),
    )
    found = rows(summarise(report))
    assert found["vanilla"].accuracy.value == 0.25
    assert found["vanilla"].delta is None
    assert found["rl"].delta.value == pytest.approx(0.5)
    assert found["rl"].delta.p == pytest.approx(0.25)  # mid-p of two items up: 2 (1/4) - 1/4
    assert (found["rl"].seconds, found["rl"].reused_seconds, found["rl"].tokens) == (6.0, 0.0, 1100)
    assert found["vanilla"].reused_seconds == 5.0


def test_one_training_seed_gives_no_p_and_three_give_one_corrected_for_the_number_of_arms() -> None:
    one = summarise(factories.report())
    assert [row.delta.p for row in one.overall.arms if row.delta] == [None] * 4
    assert {gain.p for component in one.components for gain in component.gains.values()} == {None}
    assert any("gains of trained arms have no p" in note for note in one.notes)
    deltas = [row.delta for row in summarise(factories.report(seeds=(0, 1, 2))).overall.arms if row.delta]
    ordered = sorted(delta.p for delta in deltas)
    assert min(delta.adjusted for delta in deltas) == pytest.approx(4 * ordered[0])
    assert max(delta.adjusted for delta in deltas) >= ordered[-1]


def test_rules_need_no_second_seed() -> None:
    report = factories.report({"vanilla": 0.3, "baseline:longest-option": 0.7})
    (delta,) = [row.delta for row in summarise(report).overall.arms if row.delta]
    assert delta.p is not None
    assert delta.p < 0.01


def test_unparsed_is_reported_beside_accuracy() -> None:
    record = factories.task(items=2)
    job = factories.result("vanilla", record, 0, [[1, 0], [0, 0]])
    items = {**job.items, record.items[1].id: Item((False, False), (True, True), 9)}
    report = replace(factories.report({"vanilla": 0}, [record]), results=(replace(job, items=items),))
    row = rows(summarise(report))["vanilla"]
    assert (row.accuracy.value, row.unparsed) == (0.25, 0.5)


def test_tasks_are_averaged_evenly() -> None:
    a, b = factories.task("toy/a", 10), factories.task("toy/b", 30)
    report = replace(
        factories.report({"vanilla": 0}, [a, b]),
        results=(factories.result("vanilla", a, 0, [[1]] * 10), factories.result("vanilla", b, 0, [[0]] * 30)),
    )
    summary = summarise(report)
    assert rows(summary)["vanilla"].accuracy.value == 0.5
    assert [(t.tasks, t.arms[0].accuracy.value) for t in summary.tables] == [(("toy/a",), 1.0), (("toy/b",), 0.0)]


def test_a_pooled_task_is_shown_by_leaf_too() -> None:
    record = factories.task("toy/L3", 10)
    items = tuple(ItemRecord(i.id, f"toy/L3/{'ab'[n % 2]}", i.id) for n, i in enumerate(record.items))
    record = replace(record, items=items)
    summary = summarise(factories.report({"vanilla": 0.5}, [record]))
    assert [(t.leaf, t.items) for t in summary.tables] == [(None, 10), ("toy/L3/a", 5), ("toy/L3/b", 5)]


def test_components_are_the_differences_of_arms() -> None:
    summary = summarise(factories.report(seeds=(0, 1, 2)))
    accuracy = {arm: row.accuracy.value for arm, row in rows(summary).items()}
    prm, icl = summary.components
    assert prm.gains["add_one"].value == pytest.approx(accuracy["rl+prm"] - accuracy["rl"])
    assert prm.gains["leave_one_out"].value == pytest.approx(accuracy["rl+prm+icl"] - accuracy["rl+icl"])
    shapley = [c.gains["shapley"].value for c in (prm, icl)]
    assert sum(shapley) == pytest.approx(accuracy["rl+prm+icl"] - accuracy["rl"])
    assert prm.gains["shapley"].value == pytest.approx(
        (prm.gains["add_one"].value + prm.gains["leave_one_out"].value) / 2  # two plugins have two orders
    )
    for gain in prm.gains.values():
        assert gain.adjusted >= gain.p
        assert gain.low < gain.value < gain.high
        assert gain.test == "Welch over seeds and items"


def test_a_failed_job_is_never_a_score() -> None:
    report = factories.report(seeds=(0, 1))
    kept = tuple(r for r in report.results if (r.arm, r.seed) != ("rl+prm", 1))
    failed = Failure("rl+prm", "toy/L1/sums", 1, "prm 1.0 raised in reward: boom")
    summary = summarise(replace(report, results=kept, failures=(failed,)))
    row = rows(summary)["rl+prm"]
    assert row.accuracy is None
    assert row.delta is None
    assert row.unparsed is None
    assert "boom" in row.trouble[0]
    assert rows(summary)["rl"].accuracy is not None
    prm, icl = summary.components
    assert set(prm.missing) == {"add_one", "shapley"}
    assert "boom" in prm.missing["add_one"]
    assert set(icl.gains) == {"add_one"}
    assert any("boom" in note for note in summary.notes)


def test_an_interrupted_arm_has_no_score_either() -> None:
    report = factories.report(seeds=(0, 1))
    summary = summarise(replace(report, results=report.results[:-1]))
    assert rows(summary)["rl+prm+icl"].trouble == ("rl+prm+icl has no result on toy/L1/sums, seed 1",)


def test_nothing_finished_is_still_a_summary() -> None:
    report = factories.report()
    failures = tuple(Failure(r.arm, r.task, r.seed, "out of memory") for r in report.results)
    summary = summarise(replace(report, results=(), failures=failures))
    assert all(row.accuracy is None for row in summary.overall.arms)
    assert summarise(replace(report, results=())).detectable is None


def test_the_order_of_a_report_moves_nothing() -> None:
    report = factories.report(seeds=(0, 1), completions=2)
    turned = replace(
        report,
        results=tuple(replace(r, items=dict(reversed(r.items.items()))) for r in reversed(report.results)),
        tasks=tuple(replace(t, items=tuple(reversed(t.items))) for t in report.tasks),
    )
    assert summarise(turned) == summarise(report)


def test_the_caveats_are_said() -> None:
    record = factories.task(items=50, overlaps={"exact": 0, "shuffled": 3}, bad_rows={"no answer": 2})
    report = factories.report({"vanilla": 0.05}, [record])
    notes = "\n".join(summarise(report).notes)
    assert "best no-model baseline (majority answer, " in notes
    assert "One seed: " in notes
    assert "3 shuffled" in notes
    assert "exact" not in notes
    assert "2 malformed rows skipped (no answer: 2)" in notes
    assert report.notices[0] in notes


def test_an_arm_well_above_the_rules_is_not_called_chance() -> None:
    report = factories.report({"vanilla": 1.0}, seeds=(0, 1))
    assert not any("baseline" in note for note in summarise(report).notes)


def test_the_summary_is_plain_json() -> None:
    data = json.loads(json.dumps(dump_document(summarise(factories.report(seeds=(0, 1)))), allow_nan=False))
    assert data["noise"] == "items and seeds"
    assert data["overall"]["arms"][1]["delta"]["low"] < data["overall"]["arms"][1]["delta"]["value"]


def test_a_report_without_a_ladder_has_deltas_over_its_first_arm() -> None:
    summary = summarise(factories.report({"plain": 0.3, "tuned": 0.9}))
    assert summary.components == ()
    assert rows(summary)["tuned"].delta.low > 0


def test_flips_are_items_whose_majority_changed():
    from openrft.bench.outcomes import find_flips

    record = factories.task(items=4)
    before = factories.result("vanilla", record, 0, [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]])
    after = factories.result("rl", record, 0, [[1, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 1]])
    found = find_flips(before, after)
    assert (found.gained, found.lost) == ((record.items[0].id,), (record.items[1].id,))
