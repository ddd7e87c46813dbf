"""Groups of a pooled task and across tasks, items with known defects, items that nobody scored, and scores between
right and wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from openrft.bench.gate import compare_reports
from openrft.bench.gate_result import NOT_COMPARABLE
from openrft.bench.markdown import format_markdown
from openrft.bench.outcomes import index_results
from openrft.bench.render import build_tables
from openrft.bench.report import (
    Failure,
    Item,
    ItemRecord,
    Report,
    TaskRecord,
    from_json,
    keep_items_scored_everywhere,
    record_task,
    to_json,
)
from openrft.bench.significance import compare_arms
from openrft.bench.statistics import TaskScores, average_over_tasks, estimate_accuracy, resample
from openrft.bench.summary import score_groups, summarise
from openrft.config.documents import dump_document, read_document
from openrft.tasks.task import Task
from openrft.types import Sample
from tests.bench import factories


def pooled() -> TaskRecord:
    """Twelve items: leaf a (6, Biology L1), leaf b (4, Biology L2), leaf c (2, Physics L2); two items with a defect."""
    leaves = [("a", "L1", "Biology")] * 6 + [("b", "L2", "Biology")] * 4 + [("c", "L2", "Physics")] * 2
    record = factories.task("toy/all", 12)
    items = tuple(
        ItemRecord(i.id, f"toy/{leaf}", i.id, {"level": level, "domain": domain}, ("typo",) if n in (0, 10) else ())
        for n, (i, (leaf, level, domain)) in enumerate(zip(record.items, leaves, strict=True))
    )
    return replace(record, items=items)


# Right: half of a, one of b's four, both of c.
RIGHT = [[1], [1], [1], [0], [0], [0], [1], [0], [0], [0], [1], [1]]


def report_of(record: TaskRecord, right: list[list[int]] = RIGHT) -> Report:
    wrong = [[0]] * len(right)
    results = (factories.result("vanilla", record, 0, wrong), factories.result("rl", record, 0, right))
    return replace(factories.report({"vanilla": 0, "rl": 0}, [record]), results=results)


def test_micro_and_macro_by_hand() -> None:
    report = report_of(pooled())
    found = {(g.by, g.name): g for g in score_groups(report, index_results(report))}
    assert list(found) == [
        ("", "all"), ("level", "L1"), ("level", "L2"), ("domain", "Biology"), ("domain", "Physics"),
    ]  # fmt: skip
    scores = {key: {s.arm: (s.micro.value, s.macro.value) for s in g.arms}["rl"] for key, g in found.items()}
    assert scores["", "all"] == pytest.approx((6 / 12, (3 / 6 + 1 / 4 + 2 / 2) / 3))
    assert scores["level", "L1"] == pytest.approx((3 / 6, 3 / 6))
    assert scores["level", "L2"] == pytest.approx((3 / 6, (1 / 4 + 2 / 2) / 2))
    assert scores["domain", "Biology"] == pytest.approx((4 / 10, (3 / 6 + 1 / 4) / 2))
    whole = found["", "all"]
    assert (whole.leaves, whole.items, whole.unscored) == (3, 12, 0)
    for score in whole.arms:
        assert score.macro.low <= score.macro.value <= score.macro.high


def test_a_task_of_one_leaf_has_no_groups() -> None:
    assert summarise(factories.report({"vanilla": 0.5})).groups == ()


def test_raw_and_cleaned_stand_side_by_side() -> None:
    summary = summarise(report_of(pooled()))
    row = next(row for row in summary.overall.arms if row.arm == "rl")
    assert row.accuracy.value == pytest.approx(6 / 12)
    assert row.cleaned.value == pytest.approx(4 / 10)
    assert row.cleaned.low < row.cleaned.value < row.cleaned.high
    assert summary.overall.with_defects == 2
    text = format_markdown(report_of(pooled()), summary)
    assert "| arm | accuracy | cleaned |" in text
    assert "2 with known defects" in text
    assert "| domain Biology | rl |" in text
    short = next(grid for grid in build_tables(report_of(pooled()), summary) if "by group" in grid.title)
    assert short.columns == ("<group", "items", "vanilla", "rl")
    assert short.rows[0] == ("all", "12", "0.0 / 0.0", "50.0 / 58.3")


def test_without_defects_there_is_no_such_column() -> None:
    summary = summarise(factories.report({"vanilla": 0.5}))
    assert summary.overall.arms[0].cleaned is None
    assert "cleaned" not in format_markdown(factories.report({"vanilla": 0.5}), summary)


def unscored(report: Report, leaf: str) -> Report:
    """The report as if nobody could score the items of a leaf with one arm."""
    lost = {i.id for t in report.tasks for i in t.items if i.task == leaf}
    results = [
        replace(r, items={i: o for i, o in r.items.items() if r.arm == "vanilla" or i not in lost})
        for r in report.results
    ]
    tasks, kept = keep_items_scored_everywhere(report.tasks, results)
    return replace(report, tasks=tasks, results=kept)


def test_what_one_arm_has_no_score_for_is_in_no_number() -> None:
    report = unscored(report_of(pooled()), "toy/a")
    (record,) = report.tasks
    assert (len(record.items), len(record.unscored)) == (6, 6)
    assert all(len(result.items) == 6 for result in report.results)
    summary = summarise(report)
    row = next(row for row in summary.overall.arms if row.arm == "rl")
    assert row.accuracy.value == pytest.approx(3 / 6)
    assert summary.overall.unscored == 6
    level = next(g for g in summary.groups if g.name == "L1")
    assert (level.items, level.unscored, level.arms) == (0, 6, ())
    assert "toy/all: 6 of 12 test items not scored (toy/a: 6)" in " ".join(summary.notes)
    text = format_markdown(report, summary)
    assert "| level L1 |  | 0 | 0 | 6 | not scored |  |" in text
    leaf = next(t for t in summary.tables if t.leaf == "toy/a")
    assert (leaf.items, leaf.unscored, leaf.arms[0].accuracy) == (0, 6, None)


def test_the_share_of_answers_cut_off_is_of_all_answers_scored_or_not() -> None:
    report = unscored(report_of(pooled()), "toy/a")
    counts = {"evaluate.completions": 12.0, "evaluate.cut_off": 9.0}
    report = replace(report, results=tuple(replace(r, metrics=counts) for r in report.results))
    (note,) = (note for note in summarise(report).notes if "cut off" in note)
    assert note == "toy/all: answers cut off at the longest length allowed: vanilla 75%, rl 75%."


def test_a_task_that_nobody_scored_is_no_zero() -> None:
    record = factories.task("toy/judged", 4)
    other = factories.task("toy/sums", 4)
    report = replace(
        factories.report({"vanilla": 0}, [record, other]),
        results=(
            replace(factories.result("vanilla", record, 0, [[0]] * 4), items={}),
            factories.result("vanilla", other, 0, [[1]] * 4),
        ),
    )
    tasks, results = keep_items_scored_everywhere(report.tasks, report.results)
    report = replace(report, tasks=tasks, results=results)
    summary = summarise(report)
    assert summary.overall.arms[0].accuracy.value == 1.0  # of the task that was scored
    text = format_markdown(report, summary)
    assert "| vanilla | not scored |" in text
    assert "mean over 1 of 2 tasks" in text
    again = from_json(to_json(report))
    assert again.tasks[0].unscored == tasks[0].unscored
    assert compare_reports(report, report, 0.02).verdict == NOT_COMPARABLE
    alone = replace(report, tasks=tasks[:1], results=results[:1], baselines=())
    assert summarise(alone).overall.arms[0].accuracy is None
    assert "not scored" in format_markdown(alone, summarise(alone))


def test_an_answer_can_be_right_in_part() -> None:
    record = factories.task(items=2)
    job = factories.result("vanilla", record, 0, [[1, 0], [0, 0]])
    first, second = (i.id for i in record.items)
    items = {first: Item((True, False), (False, False), 9, (1.0, 0.5)), second: job.items[second]}
    report = replace(factories.report({"vanilla": 0}, [record]), results=(replace(job, items=items),))
    assert summarise(report).overall.arms[0].accuracy.value == pytest.approx((0.75 + 0) / 2)
    assert from_json(to_json(report)).results[0].items[first].scores == (1.0, 0.5)


def test_mcnemar_is_for_right_and_wrong_alone() -> None:
    scores = np.array([[[1.0, 0.5, 0.0, 1.0]], [[0.0, 0.25, 0.0, 1.0]]])
    block = TaskScores(scores, np.arange(4))
    assert compare_arms([block], resample([block]), 0, 1, True).test == "sign flips over items"
    plain = TaskScores(scores.round(), np.arange(4))
    assert compare_arms([plain], resample([plain]), 0, 1, True).test.startswith("McNemar")


def test_parts_trained_together_share_the_draw_of_seeds() -> None:
    """Two parts whose scores follow the seed alone: together their mean varies as one does, apart less."""
    by_seed = np.array([0.0, 0.25, 0.75, 1.0])
    blocks = [TaskScores(np.repeat(by_seed[None, :, None], 4, axis=2), np.arange(4)) for _ in range(2)]
    one, apart, average_over_tasks = resample(blocks[:1]), resample(blocks), resample(blocks, trained_together=True)
    assert average_over_tasks.crossed.std() == pytest.approx(one.crossed.std(), rel=0.05)
    assert apart.crossed.std() == pytest.approx(one.crossed.std() / 2**0.5, rel=0.05)
    assert (
        estimate_accuracy(average_over_tasks, 0).high - estimate_accuracy(average_over_tasks, 0).low
        >= estimate_accuracy(apart, 0).high - estimate_accuracy(apart, 0).low
    )


def leaf(name: str, items: int, level: str, domain: str) -> TaskRecord:
    """A task of one leaf."""
    record = factories.task(name, items)
    groups = {"level": level, "domain": domain}
    return replace(record, items=tuple(replace(item, groups=groups) for item in record.items))


LEAVES = (
    leaf("toy/L1/a", 6, "L1", "Biology"),
    leaf("toy/L2/b", 4, "L2", "Biology"),
    leaf("toy/L2/c", 2, "L2", "Physics"),
)


def report_of_several(tasks: tuple[TaskRecord, ...] = LEAVES, seeds: int = 1) -> Report:
    """What `rl` has right is what it has right in the pool of the same items: half of a, one of b's four, all of c."""
    rights = {"toy/L1/a": RIGHT[:6], "toy/L2/b": RIGHT[6:10], "toy/L2/c": RIGHT[10:]}
    results = []
    for task in tasks:
        right = rights.get(task.name, RIGHT)
        for seed in range(seeds):
            results += [
                factories.result("vanilla", task, seed, [[0]] * len(right)),
                factories.result("rl", task, seed, right),
            ]
    return replace(factories.report({"vanilla": 0, "rl": 0}, tasks), results=tuple(results))


def test_groups_run_through_tasks_as_through_a_pool_of_their_items() -> None:
    pool, several = report_of(pooled()), report_of_several()
    by_pool = {(g.by, g.name): g for g in score_groups(pool, index_results(pool))}
    across = {(g.by, g.name): g for g in score_groups(several, index_results(several))}
    assert list(across) == list(by_pool)
    for key, group in across.items():
        alone = by_pool[key]
        assert (group.task, group.leaves, group.items, group.unscored) == ("3 tasks", alone.leaves, alone.items, 0)
        for found, expected in zip(group.arms, alone.arms, strict=True):
            assert found.arm == expected.arm
            assert found.micro.value == pytest.approx(expected.micro.value)
            assert found.macro.value == pytest.approx(expected.macro.value)
            assert found.micro.low <= found.micro.value <= found.micro.high
    text = format_markdown(several, summarise(several))
    assert "## 3 tasks by group: micro (items weigh the same), macro (leaf tasks do)" in text
    assert "| domain Biology | rl | 2 | 10 |  | 40.0 [" in text


def test_the_order_of_tasks_moves_no_group() -> None:
    there, back = report_of_several(seeds=3), report_of_several(LEAVES[::-1], seeds=3)
    forth = {(g.by, g.name): g for g in score_groups(there, index_results(there))}
    assert forth == {(g.by, g.name): g for g in score_groups(back, index_results(back))}


def test_tasks_without_groups_take_no_part() -> None:
    plain = factories.task("other/sums", 12)
    assert summarise(report_of_several((plain, replace(plain, name="other/more")))).groups == ()
    assert summarise(report_of_several((plain, LEAVES[0]))).groups == ()
    groups = summarise(report_of_several((plain, *LEAVES))).groups
    assert [(g.task, g.name, g.items) for g in groups][:2] == [("3 tasks", "all", 12), ("3 tasks", "L1", 6)]


def test_a_pool_among_several_tasks_has_its_own_groups_too() -> None:
    groups = summarise(report_of_several((pooled(), LEAVES[0]))).groups
    assert list(dict.fromkeys(g.task for g in groups)) == ["2 tasks", "toy/all"]
    whole = groups[0]
    assert (whole.leaves, whole.items) == (4, 18)
    rl = whole.arms[1]
    assert rl.micro.value == pytest.approx((6 + 3) / 18)
    assert rl.macro.value == pytest.approx((3 / 6 + 1 / 4 + 2 / 2 + 3 / 6) / 4)


def test_an_arm_that_failed_on_a_task_has_no_score_in_its_groups() -> None:
    report = report_of_several()
    kept = tuple(r for r in report.results if (r.arm, r.task) != ("rl", "toy/L2/c"))
    report = replace(report, results=kept, failures=(Failure("rl", "toy/L2/c", 0, "out of memory"),))
    arms = {(g.by, g.name): [s.arm for s in g.arms] for g in summarise(report).groups}
    assert arms["domain", "Biology"] == arms["level", "L1"] == ["vanilla", "rl"]
    assert arms["", "all"] == arms["domain", "Physics"] == arms["level", "L2"] == ["vanilla"]


def test_what_nobody_scored_is_counted_across_tasks() -> None:
    whole = summarise(unscored(report_of_several(), "toy/L2/c")).groups
    found = {(g.by, g.name): (g.leaves, g.items, g.unscored) for g in whole}
    assert found["", "all"] == (2, 10, 2)
    assert found["domain", "Physics"] == (0, 0, 2)
    assert found["level", "L2"] == (1, 4, 2)


@pytest.mark.parametrize("seeds", [1, 3])
def test_tasks_of_a_size_together_are_as_sure_as_their_plain_mean(seeds: int) -> None:
    rng = np.random.default_rng(5)
    blocks = [TaskScores(rng.integers(0, 2, (2, seeds, 40)).astype(float), np.arange(40)) for _ in range(3)]
    plain, same = resample(blocks), average_over_tasks([resample([b], seed=n) for n, b in enumerate(blocks)], [40] * 3)
    for arm in (0, 1):
        one, other = estimate_accuracy(plain, arm), estimate_accuracy(same, arm)
        assert other.value == pytest.approx(one.value)
        assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.03)
    assert same.effective_clusters == pytest.approx(plain.effective_clusters)
    heavy = average_over_tasks([resample([b], seed=n) for n, b in enumerate(blocks)], [10**6, 1, 1])
    alone, most = estimate_accuracy(resample(blocks[:1]), 0), estimate_accuracy(heavy, 0)
    assert (most.low, most.high) == pytest.approx((alone.low, alone.high), abs=1e-3)


def test_groups_and_flaws_come_from_the_task() -> None:
    meta = {"level": "L3", "domain": None, "defects": ["typo"]}
    sample = Sample("q", "A", ("x", "y"), task="toy/a", meta=meta)
    record = record_task(Task("toy/all", (sample,), (sample,), notes={"groups": ["level", "domain"]}))
    assert (record.items[0].groups, record.items[0].defects) == ({"level": "L3"}, ("typo",))
    plain = record_task(Task("toy/all", (sample,), (sample,)))
    assert plain.items[0].groups == {}


def test_metrics_of_plugins_are_shown_by_arm() -> None:
    report = report_of(pooled())
    results = [
        replace(r, metrics={"evaluate.official": v, "evaluate.cut_off": 3.0, "explore.last.reward": 1.0})
        for r, v in zip(report.results, (0.25, 0.5), strict=True)
    ]
    summary = summarise(replace(report, results=tuple(results)))
    assert summary.metrics == {"official": {"vanilla": 0.25, "rl": 0.5}}
    assert "| arm | official |" in format_markdown(report, summary)
    assert "| rl | 0.500 |" in format_markdown(report, summary)


def test_older_reports_can_be_read() -> None:
    text = to_json(report_of(pooled()))
    old = dump_document(from_json(text).tasks[0].items[0])
    for field in ("groups", "defects"):
        old.pop(field)
    assert read_document(ItemRecord, old, "ignore")[0].defects == ()
    for run in Path(__file__).parents[2].glob("benchmarks/results/*/report.json"):
        report = from_json(run.read_text("utf-8"))
        assert compare_reports(report, report, 0.0).exit_code == 0


def test_a_task_of_one_file_is_grouped_by_its_topics() -> None:
    record = pooled()
    one_file = replace(
        record, items=tuple(replace(i, task="toy/all", groups={"topic": i.task[-1]}) for i in record.items)
    )
    report = report_of(one_file)
    found = {(g.by, g.name): g for g in score_groups(report, index_results(report))}
    assert list(found) == [("", "all"), ("topic", "a"), ("topic", "b"), ("topic", "c")]
    assert [found["topic", name].items for name in "abc"] == [6, 4, 2]
    scores = {name: found["topic", name].arms[1] for name in "abc"}
    assert [scores[name].micro.value for name in "abc"] == [0.5, 0.25, 1.0]
    bare = replace(record, items=tuple(replace(i, task="toy/all", groups={"topic": "a"}) for i in record.items))
    assert not list(score_groups(report_of(bare), index_results(report_of(bare))))
