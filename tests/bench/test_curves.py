"""Accuracy against tokens: by hand, and in every place that shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openrft.bench.curves import compute_curves
from openrft.bench.markdown import format_markdown
from openrft.bench.render import build_tables
from openrft.bench.report import ArmResult, Item, from_json, to_json
from openrft.bench.summary import summarise
from tests.bench import factories


def item(right: str, votes: tuple[int | None, ...]) -> Item:
    """Three completions of 10 tokens each; `right` is such as "110"."""
    marks = tuple(mark == "1" for mark in right)
    return Item(marks, tuple(vote is None for vote in votes), 10 * len(marks), votes=votes)


TASK = factories.task(items=4)
ITEMS = [item("110", (0, 0, 1)), item("100", (0, 1, 1)), item("100", (0, None, None)), item("000", (0, 1, 2))]
RESULT = ArmResult("vanilla", TASK.name, 0, "p", {i.id: own for i, own in zip(TASK.items, ITEMS, strict=True)})


def test_points_by_hand():
    points = compute_curves([TASK], {"vanilla": [[RESULT]]})
    assert [(p.completions, p.tokens) for p in points] == [(1, 10), (2, 20), (3, 30)]
    one, two, three = points
    assert one.pass_at == one.maj_at  # one completion: the accuracy
    assert one.pass_at.value == pytest.approx((2 / 3 + 1 / 3 + 1 / 3) / 4)
    assert three.pass_at.value == 3 / 4
    assert three.maj_at is not None
    assert three.maj_at.value == 2 / 4  # the first and the third item
    assert two.maj_at is not None
    # Pairs: 1, 1/2, 1/2 of the first; 1/2, 1/2, 0 of the second; 1, 1, 0 of the third.
    assert two.maj_at.value == pytest.approx((2 / 3 + 1 / 3 + 2 / 3) / 4)
    assert three.maj_at.low < 0.5 < three.maj_at.high


def test_one_completion_has_no_curve_and_unknown_votes_have_no_maj():
    single = replace(RESULT, items={i: Item((True,), (False,), 5) for i in RESULT.items})
    unknown = replace(RESULT, items={i: replace(own, votes=()) for i, own in RESULT.items.items()})
    points = compute_curves([TASK], {"rule": [[single]], "old": [[unknown]]})
    assert {p.arm for p in points} == {"old"}
    assert [p.maj_at for p in points] == [None, None, None]


def test_an_arm_that_chose_has_points_of_all_it_drew_and_of_its_weights():
    chosen = Item((True,), (False,), 30, votes=(0, 1, 1), drawn=(1.0, 0.0, 0.0), weights=(0.9, 0.2, 0.3))
    lost = replace(chosen, correct=(False,), votes=(0, 1, None), weights=(0.1, 0.2, None))  # one was not written
    both = [chosen, lost, replace(chosen, weights=()), lost]  # of the third all weights are equal
    result = replace(RESULT, items={i.id: own for i, own in zip(TASK.items, both, strict=True)})
    points = compute_curves([TASK], {"best": [[result]]})
    assert [(p.completions, p.tokens, p.chosen) for p in points] == [(1, 10, True), (2, 20, True), (3, 30, True)]
    last = points[-1]
    assert last.maj_at is not None
    assert last.rm_at is not None
    assert last.weighted_at is not None
    assert last.maj_at.value == pytest.approx((0 + 1 / 2 + 0 + 1 / 2) / 4)
    assert last.rm_at.value == pytest.approx((1 + 0 + 1 / 3 + 0) / 4)
    assert last.weighted_at.value == 1 / 4  # 0.9 against 0.5
    unscored = replace(result, items={i: replace(own, drawn=(1.0, None, 0.0)) for i, own in result.items.items()})
    assert compute_curves([TASK], {"open": [[unscored]]}) == ()


def test_the_mean_is_over_tasks_and_the_order_of_items_does_not_matter():
    other = factories.task("toy/L1/other", items=1)
    right = ArmResult("vanilla", other.name, 0, "p", {other.items[0].id: item("111", (0, 0, 0))})
    turned = replace(TASK, items=TASK.items[::-1])
    points = compute_curves([turned, other], {"vanilla": [[RESULT], [right]]})
    assert points[-1].pass_at.value == pytest.approx((3 / 4 + 1) / 2)


def test_a_report_keeps_the_votes_and_shows_the_table():
    start = factories.report({"vanilla": 0.4, "rl": 0.6}, completions=4)
    voted = tuple(
        replace(r, items={i: replace(o, votes=tuple(int(c) for c in o.correct)) for i, o in r.items.items()})
        for r in start.results
    )
    report = from_json(to_json(replace(start, results=voted)))
    assert report.results[0].items == voted[0].items
    summary = summarise(report)
    assert [(p.arm, p.completions) for p in summary.curves] == [
        (arm, k) for arm in ("vanilla", "rl") for k in (1, 2, 4)
    ]
    shown = next(table for table in build_tables(report, summary) if table.title.startswith("More completions"))
    assert [row[:3] for row in shown.rows] == [("vanilla", "4", "40"), ("rl", "4", "40")]
    assert "| vanilla | 2 | 20 |" in format_markdown(report, summary)
