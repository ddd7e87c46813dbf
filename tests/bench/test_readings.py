"""Form and ability add up to the gain, their intervals hold, and words say which of the two a gain is."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from openrft.bench.markdown import format_markdown
from openrft.bench.readings import decompose, draw_readings, estimate_share_right, measure_item, split_gain
from openrft.bench.report import Item, Report
from openrft.bench.score_table import ArmScore, Gain, Summary
from openrft.bench.statistics import TaskScores, estimate_contrast, resample
from openrft.bench.summary import summarise
from openrft.cli.run_output import show_summary
from openrft.config.documents import dump_document
from tests.bench import factories

Arms = dict[str, tuple[float, float, float]]  # shares: in the asked form, readable besides, right among both


def gain_of(summary: Summary, arm: str) -> Gain:
    row = next(row for row in summary.overall.arms if row.arm == arm)
    assert row.delta is not None
    return row.delta


def row_of(summary: Summary, arm: str) -> ArmScore:
    return next(row for row in summary.overall.arms if row.arm == arm)


def said_of(summary: Summary, arm: str) -> list[str]:
    return [note for note in summary.notes if note.startswith(f"{arm}: ")]


# -- numbers worked by hand ----------------------------------------------------------------------------------------


def test_an_item_by_hand() -> None:
    # right in form; wrong in form; right only leniently; wrong only leniently; read by neither
    item = Item(
        correct=(True, False, False, False, False),
        unparsed=(False, False, True, True, True),
        tokens=9,
        lenient_correct=(True, False, True, False, False),
        lenient_unparsed=(False, False, False, False, True),
    )
    assert measure_item(item) == (1 / 5, 2 / 5, 2 / 5, 4 / 5)


def test_the_strict_reading_goes_before_the_lenient_one_and_a_score_counts_as_read() -> None:
    # Partly right in form, though the lenient reading calls it right; judged partly right although it was not parsed.
    item = Item((False, False), (False, True), 9, (0.25, 0.5), (True, False), (False, True))
    assert measure_item(item) == (0.375, 1.0, 0.375, 1.0)


def test_the_split_by_hand() -> None:
    # Vanilla: 10% in form, 80% readable, half of those right. Then 90%, 90%, two thirds.
    before, after = np.array([0.05, 0.1, 0.4, 0.8]), np.array([0.6, 0.9, 0.6, 0.9])
    form, ability = decompose(after, before)
    assert ability == pytest.approx((2 / 3 - 1 / 2) * (0.9 + 0.1) / 2)
    assert form == pytest.approx((0.9 - 0.1) * (2 / 3 + 1 / 2) / 2)  # nothing depends on what is in form
    assert form + ability == pytest.approx(0.55)


def test_an_arm_without_a_readable_answer_says_nothing_of_ability() -> None:
    nothing, after = np.zeros(4), np.array([0.6, 0.9, 0.6, 0.9])
    assert decompose(after, nothing) == pytest.approx([0.6, 0.0])
    assert decompose(nothing, after) == pytest.approx([-0.6, 0.0])
    assert decompose(nothing, nothing) == pytest.approx([0.0, 0.0])


# -- the split of drawn answers ---------------------------------------------------------------------------------------

shares = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))


def block(arms: list[tuple[float, float, float]], seeds: int, items: int, completions: int, seed: int) -> TaskScores:
    """(4 x arms) scores of drawn items; every third item is a near duplicate of the one before."""
    draw = np.random.default_rng(seed)
    measured = [
        [[measure_item(factories.draw_item(draw, *arm, completions)) for _ in range(items)] for _ in range(seeds)]
        for arm in arms
    ]
    scores = np.moveaxis(np.array(measured), 3, 0).reshape(4 * len(arms), seeds, items)
    clusters = np.cumsum(np.arange(items) % 3 != 2) - 1
    return TaskScores(scores, clusters, completions)


@settings(max_examples=60, deadline=None)
@given(shares, shares, st.integers(1, 3), st.integers(1, 30), st.integers(1, 3), st.integers(0, 999))
def test_form_and_ability_add_up_to_the_gain(
    first: tuple[float, float, float],
    second: tuple[float, float, float],
    seeds: int,
    items: int,
    completions: int,
    seed: int,
) -> None:
    blocks = [block([first, second], seeds, items, completions, seed + task) for task in range(2)]
    draws = draw_readings(blocks, replicates=200)
    split, gain = split_gain(draws, 0, 1), estimate_contrast(draws.whole, [1, -1, *[0] * 6])
    assert split.form.value + split.ability.value == pytest.approx(gain.value, abs=1e-12)
    for part in (split.form, split.ability):
        assert -1 <= part.low <= part.value <= part.high <= 1
    back = split_gain(draws, 1, 0)
    assert (back.ability.low, back.ability.high) == pytest.approx((-split.ability.high, -split.ability.low))
    replicated = decompose(draws.replicates(0, 0), draws.replicates(0, 1)).sum(axis=0)
    one = draws.by_task[0]
    assert replicated == pytest.approx(one.crossed[:, 0] - one.crossed[:, 1])


def test_where_everything_can_be_read_ability_is_the_gain_with_its_interval() -> None:
    blocks = [block([(1.0, 0.0, 0.6), (1.0, 0.0, 0.4)], 3, 60, 2, task) for task in range(2)]
    split = split_gain(draw_readings(blocks), 0, 1)
    gain = estimate_contrast(resample([replace(b, scores=b.scores[:2]) for b in blocks]), [1, -1])
    found = split.ability
    assert (found.value, found.low, found.high) == pytest.approx((gain.value, gain.low, gain.high))
    assert split.form.value == 0


def test_a_policy_that_cannot_be_read_leaves_its_ability_open() -> None:
    draws = draw_readings([block([(1.0, 0.0, 0.6), (0.0, 0.0, 0.6)], 1, 900, 1, 0)])
    split = split_gain(draws, 0, 1)
    right = estimate_share_right(draws, 0)
    assert right is not None
    assert estimate_share_right(draws, 1) is None
    assert split.form.value == pytest.approx(right.value)
    # B0 could be anything from 0 to 1: (B1 - 1) / 2 to B1 / 2
    assert (split.ability.low, split.ability.high) == pytest.approx(((right.value - 1) / 2, right.value / 2), abs=0.03)


def test_a_few_readable_answers_that_are_all_wrong_do_not_prove_that_all_would_be() -> None:
    scores = np.zeros((8, 1, 100))
    scores[0, 0, :30] = scores[4, 0, :30] = 1  # the first arm: 30 of 100 right
    scores[2] = scores[6] = 1  # all in form and readable
    scores[7, 0, :5] = 1  # the second: 5 are readable by the lenient reading, and wrong
    ability = split_gain(draw_readings([TaskScores(scores, np.arange(100))]), 0, 1).ability
    assert ability.value == pytest.approx(0.15)
    assert ability.low < 0 < 0.15 < ability.high
    scores[7] = 1
    assert split_gain(draw_readings([TaskScores(scores, np.arange(100))]), 0, 1).ability.low > 0.09


def test_intervals_cover_the_truth() -> None:
    """Of 300 benches about 285 cover it; fewer than 272 would be odd (p < .01)."""
    cases: list[tuple[tuple[float, float, float], tuple[float, float, float], int]] = [
        ((0.03, 0.9, 0.24), (0.96, 0.02, 0.24), 200),  # the form is learned
        ((0.3, 0.4, 0.35), (0.9, 0.05, 0.5), 100),  # both
        ((0.05, 0.05, 0.3), (0.95, 0.03, 0.4), 100),  # few answers of vanilla can be read
    ]
    for first, second, items in cases:
        ability = (second[2] - first[2]) * (first[0] + second[0]) / 2
        form = second[0] * second[2] - first[0] * first[2] - ability
        hits = np.zeros(2)
        for bench in range(300):
            draws = draw_readings([block([first, second], 1, items, 1, bench)], replicates=400)
            split = split_gain(draws, 1, 0)
            hits += [split.form.low <= form <= split.form.high, split.ability.low <= ability <= split.ability.high]
        assert (hits >= 272).all(), (first, second, hits)


# -- what the summary says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)], ids=["one seed", "three seeds"])
def test_a_gain_in_form_alone_is_called_that(seeds: tuple[int, ...]) -> None:
    """SmolLM2 on a task with four options: 1% becomes 22%, p < .001, and a coin gets 25%."""
    arms = {"vanilla": (0.03, 0.9, 0.24), "sft": (0.96, 0.02, 0.235)}
    summary = summarise(factories.readings_report(arms, seeds=seeds))
    vanilla, sft, gain = row_of(summary, "vanilla"), row_of(summary, "sft"), gain_of(summary, "sft")
    assert vanilla.accuracy is not None
    assert sft.accuracy is not None
    assert vanilla.accuracy.value < 0.02
    assert 0.19 < sft.accuracy.value < 0.26
    assert gain.p is None if len(seeds) == 1 else gain.p < 0.001
    assert gain.form is not None
    assert gain.ability is not None
    assert gain.form.low > 0.15
    assert gain.ability.low < 0
    assert gain.kind == "form alone"
    (words,) = said_of(summary, "sft")
    assert "points over vanilla are form alone: more answers can be read in the asked form (9" in words
    assert "among readable answers no more are right (2" in words
    assert words.endswith("; not above chance (25.0%).")
    assert "Not shown to be above the best no-model baseline (chance, 25.0%): any arm." in summary.notes


@pytest.mark.parametrize(
    ("vanilla", "arm", "kind", "words"),
    [
        ((0.9, 0.05, 0.3), (0.9, 0.05, 0.5), "ability", None),
        (
            (0.1, 0.7, 0.3),
            (0.95, 0.02, 0.5),
            "form and ability",
            ["more answers can be read", "among readable answers more are right"],
        ),
        (
            (0.9, 0.05, 0.3),
            (0.6, 0.3, 0.6),
            "ability at a loss of form",
            ["fewer answers can be read", "among readable answers more are right"],
        ),
        ((0.9, 0.05, 0.4), (0.9, 0.05, 0.4), "", None),
        (
            (0.0, 0.0, 0.5),
            (0.95, 0.02, 0.5),
            "form, ability not known",
            ["more answers can be read", "no answer of vanilla can be read, so whether more of them are right is not"],
        ),
        (
            (0.9, 0.05, 0.4),
            (0.1, 0.85, 0.4),
            "a loss of form",
            ["fewer answers can be read", "among readable answers no fewer are right"],
        ),
        (
            (0.1, 0.8, 0.6),
            (0.9, 0.05, 0.3),
            "form at a loss of ability",
            ["more answers can be read", "among readable answers fewer are right"],
        ),
    ],
)
def test_what_a_gain_is(
    vanilla: tuple[float, float, float], arm: tuple[float, float, float], kind: str, words: list[str] | None
) -> None:
    summary = summarise(factories.readings_report({"vanilla": vanilla, "arm": arm}))
    assert gain_of(summary, "arm").kind == kind
    said = said_of(summary, "arm")
    if words is None:  # the table says it all
        assert said == []
    else:
        assert all(part in said[0] for part in words)
        assert "not above chance" not in said[0]


def test_few_items_leave_open_whether_a_gain_is_also_ability() -> None:
    summary = summarise(factories.readings_report({"vanilla": (0.6, 0.3, 0.4), "rl": (0.97, 0.02, 0.5)}, items=50))
    assert gain_of(summary, "rl").kind == "form, and perhaps ability"
    assert "whether more of the readable answers are right is open" in said_of(summary, "rl")[0]


def test_a_null_is_rarely_called_a_gain() -> None:
    """Two equal policies with half of the answers in form: 5% of benches would show a part by chance, twice."""
    kinds = []
    for noise in range(40):
        made = factories.readings_report({"vanilla": (0.5, 0.4, 0.4), "rl": (0.5, 0.4, 0.4)}, items=80, noise=noise)
        kinds.append(gain_of(summarise(made), "rl").kind)
    assert sum(map(bool, kinds)) <= 9  # P(more | 10%) < .01


def test_gains_of_plugins_are_split_too() -> None:
    rates = dict.fromkeys(factories.ARMS, (0.9, 0.05, 0.4)) | {"vanilla": (0.1, 0.8, 0.4), "rl+prm": (0.9, 0.05, 0.7)}
    report = factories.readings_report(rates, items=200)
    summary = summarise(report)
    gain = next(c for c in summary.components if c.plugin == "prm").gains["add_one"]
    assert gain.form is not None
    assert gain.ability is not None
    assert gain.form.value + gain.ability.value == pytest.approx(gain.value)
    assert gain.kind == "ability"
    assert "| add-one of prm |" in format_markdown(report, summary)


# -- tables, and reports without marks --------------------------------------------------------------------------------


def show(report: Report, per_task: bool = False) -> str:
    out = io.StringIO()
    show_summary(report, summarise(report), Console(file=out, width=80), per_task=per_task)
    return out.getvalue()


def test_the_table_of_both_readings_stands_where_the_strict_one_misses_answers_and_in_report_md() -> None:
    arms = {"vanilla": (0.03, 0.9, 0.24), "sft+rl": (0.96, 0.02, 0.235)}
    report = factories.readings_report(arms, items=90, seeds=(0, 1))
    text = show(report)
    tables = text.split("toy: ")[1].split("Accuracy in %")[0]
    assert max(len(line.rstrip()) for line in tables.splitlines()) <= 100
    headers = [line.split() for line in text.splitlines() if line.split()[:1] == ["arm"]]
    assert headers == [
        ["arm", "accuracy", "over", "vanilla", "p", "unparsed", "seconds"],
        ["arm", "lenient", "unread", "form", "ability"],
    ]
    assert any(line.split() == ["no", "model:", "chance", "25.0"] for line in text.splitlines())
    assert "Form and ability add up" in text
    clean = factories.readings_report({"vanilla": (1.0, 0.0, 0.4), "rl": (1.0, 0.0, 0.6)}, items=60)
    assert "lenient" not in show(clean)
    assert "Form and ability" not in show(clean)
    assert "right of read" in format_markdown(clean, summarise(clean))


def test_guesses_in_the_asked_form_are_form_alone_though_vanilla_can_hardly_be_read() -> None:
    """A base model of which one answer in fifty can be read tells nothing of its ability; a coin has none."""
    for readable in (0.02, 0.0):
        arms = {"vanilla": (readable, 0.0, 0.24), "sft": (1.0, 0.0, 0.22)}
        summary = summarise(factories.readings_report(arms))
        assert gain_of(summary, "sft").kind == "form alone"
        (words,) = said_of(summary, "sft")
        said = "among readable answers no more are right" if readable else "right no more often than guesses (2"
        assert said in words
        assert words.endswith("; not above chance (25.0%).")
    better = summarise(factories.readings_report({"vanilla": (0.02, 0.0, 0.24), "sft": (1.0, 0.0, 0.6)}))
    assert gain_of(better, "sft").kind != "form alone"


def test_the_numbers_are_in_the_json() -> None:
    report = factories.readings_report({"vanilla": (0.03, 0.9, 0.24), "sft": (0.96, 0.02, 0.235)}, items=90)
    found = json.loads(json.dumps(dump_document(summarise(report))))
    vanilla, sft = found["overall"]["arms"]
    assert found["overall"]["chance"] == 0.25
    assert set(sft["delta"]["form"]) == {"value", "low", "high"}
    assert sft["delta"]["kind"] == "form alone"
    assert vanilla["unparsed"] > 0.9 > 0.3 > vanilla["unparsed_in_both"]
    assert vanilla["lenient"]["value"] > 0.1 > vanilla["accuracy"]["value"]


def test_a_report_without_lenient_marks_has_no_split() -> None:
    report = factories.readings_report({"vanilla": (0.03, 0.9, 0.24), "sft": (0.96, 0.02, 0.235)}, items=90)
    bare = [
        replace(r, items={i: replace(o, lenient_correct=(), lenient_unparsed=()) for i, o in r.items.items()})
        for r in report.results
    ]
    old = summarise(replace(report, results=tuple(bare)))
    told = summarise(report)
    gain, before = gain_of(told, "sft"), gain_of(old, "sft")
    assert (before.form, before.ability, before.kind) == (None, None, "")
    assert (before.value, before.low, before.high, before.p) == (gain.value, gain.low, gain.high, gain.p)
    assert row_of(old, "sft").lenient is None
    assert said_of(old, "sft") == []
    assert "right of read" not in format_markdown(report, old)
