"""Rows with defects, rows that are alike, and leaks between train and test: flagged, left out or refused."""

from __future__ import annotations

from typing import Any

import pytest
from openrft_sciknoweval import SciKnowEval

from openrft import DataError, DataRequest
from openrft.bench.report import record_task
from openrft.plugins.task_registry import load_task
from openrft.tasks.leakage import find_overlaps

FAMILY = SciKnowEval().tasks()
L3 = "raw_data/Material/L3"


def test_known_defects_drop_or_flag_in_the_published_layout(choice: Any, write: Any, rows: Any, load: Any) -> None:
    none_left = choice(50, choices={"text": ["1"], "label": ["A", "B", "C", "D"]})
    one_more = choice(51, choices={"text": ["0", "52", "1", "2", "3"], "label": ["A", "B", "C", "D"]})
    flagged = choice(52, question="A \times B")
    folder = write(f"{L3}/adding.jsonl", [*rows(choice), none_left, one_more, flagged, choice(0)])
    task = load("sciknoweval/L3/adding", folder)
    assert task.notes["defects_dropped"] == {"option_count": 1}
    assert task.notes["defects_kept"] == {"eaten_backslash": 1, "option_count": 1, "exact_duplicate": 1}
    assert len(task.train) + len(task.test) == 15
    (kept,) = [s for s in (*task.train, *task.test) if s.meta["defects"] == ["option_count"]]
    assert (kept.gold, len(kept.options)) == ("52", 5)
    alone = write("mine.jsonl", [*rows(choice), none_left]) / "mine.jsonl"
    with pytest.raises(DataError, match=r"mine\.jsonl, line 13: 1 texts for 4 labels"):
        load("sciknoweval/file", alone)


def test_equal_rows_are_kept_and_flagged_on_one_side_or_left_out(choice: Any, write: Any, rows: Any, load: Any) -> None:
    made = rows(choice, 20)
    folder = write(f"{L3}/adding.jsonl", [*made, *made[:5], made[0]])
    for seed in range(20):
        task = load("sciknoweval/L3/adding", folder, train=13, test=13, seed=seed)
        every = (*task.train, *task.test)
        assert len({sample.id for sample in every}) == len(every) == 26
        assert not {s.question for s in task.train} & {s.question for s in task.test}
        assert sorted(s.copy_index for s in every) == [0] * 20 + [1] * 5 + [2]
        assert all(s.meta["defects"] == (["exact_duplicate"] if s.copy_index else []) for s in every)
    assert task.notes["defects_kept"] == {"exact_duplicate": 6}
    record = record_task(task)
    assert len({item.cluster for item in record.items}) == len({s.question for s in task.test})
    clean = load("sciknoweval/L3/adding", folder, clean=True)
    assert len(clean.train) + len(clean.test) == 20
    assert clean.notes["defects_dropped"] == {"exact_duplicate": 6}


def test_rows_with_nothing_to_choose_are_dropped_and_too_many_options_refused(
    choice: Any, write: Any, rows: Any, load: Any
) -> None:
    alone = choice(50, choices={"text": ["51"], "label": ["A", "B", "C", "D"]}, answerKey="A")
    folder = write(f"{L3}/adding.jsonl", [*rows(choice), alone])
    assert load("sciknoweval/L3/adding", folder).notes["defects_dropped"] == {"option_count": 1}
    many = choice(50, choices={"text": [str(n) for n in range(30)], "label": ["A", "B", "C", "D"]})
    folder = write(f"{L3}/adding.jsonl", [*rows(choice), many])
    with pytest.raises(DataError, match="30 options, where 2 to 26 can be lettered"):
        load("sciknoweval/L3/adding", folder)


def test_relations_without_a_readable_gold_are_dropped(other: Any, write: Any, load: Any) -> None:
    made = [other("relation_extraction", f"Text {n}.", "(a, b), (c, d)") for n in range(8)]
    folder = write("raw_data/Biology/L2/pairing.jsonl", [*made, other("relation_extraction", "Text.", "none")])
    task = load("sciknoweval/L2/pairing", folder)
    assert task.notes["defects_dropped"] == {"unreadable_gold": 1}
    assert len(task.train) + len(task.test) == 8


def test_rows_too_much_alike_for_two_sides_are_refused_and_a_short_side_is_said(
    choice: Any, write: Any, rows: Any, load: Any
) -> None:
    equal = write(f"{L3}/adding.jsonl", [choice(1)] * 300)
    with pytest.raises(DataError, match="so much alike that 0 train and 0 test") as refused:
        load("sciknoweval/L3/adding", equal)
    assert "--clean" in refused.value.advice
    threes = write(f"{L3}/adding.jsonl", rows(choice, 8) * 3)
    task = load("sciknoweval/L3/adding", threes, train=7, test=7)
    assert (len(task.train), len(task.test)) == (6, 6)
    assert "2 fewer, as leakage groups that stay together did not fit" in task.notes["split"]


def test_clean_is_what_has_no_flag(choice: Any, write: Any, rows: Any) -> None:
    """Also where a row is flagged for the sake of another that has a defect of its own."""
    odd = choice(0, choices={"text": ["3", "1", "2", "the correct option"], "label": ["A", "B", "C", "D"]})
    clash = choice(3, answerKey="A", question="5 \times 4")
    folder = write(
        f"{L3}/adding.jsonl", [*rows(choice), {**odd, "answerKey": "D"}, {**odd, "answerKey": "A"}, clash, clash]
    )
    raw, clean = (
        FAMILY.load_all("sciknoweval/L3/adding", DataRequest(data=str(folder), clean=c)) for c in (False, True)
    )
    assert [s.id for s in clean.train] == [s.id for s in raw.train if not s.meta["defects"]]
    assert len(clean.train) == 12
    assert clean.notes["defects_dropped"] == raw.notes["defects_kept"]


def test_conflicting_golds_are_flagged(choice: Any, write: Any, rows: Any, load: Any) -> None:
    folder = write(f"{L3}/adding.jsonl", [*rows(choice), choice(0, answerKey="A")])
    task = load("sciknoweval/L3/adding", folder)
    assert task.notes["defects_kept"] == {"conflicting_gold": 2}
    flagged = [sample for sample in (*task.train, *task.test) if sample.meta["defects"]]
    assert {(sample.question, sample.answer) for sample in flagged} == {(choice(0)["question"], key) for key in "AB"}


def test_clean_leaves_out_what_is_flagged(choice: Any, write: Any, rows: Any, load: Any) -> None:
    bad = [choice(30, question="A \times B"), choice(0, answerKey="A"), choice(31, question="5 \u00c2\u00b0C")]
    folder = write(f"{L3}/adding.jsonl", [*rows(choice), *bad])
    write("openrft/train/adding.json", [*rows(choice), bad[0]])
    write("openrft/test/adding.json", [choice(40), bad[2], choice(40, answerKey="A")])
    raw, clean = (load("sciknoweval/L3/adding", folder, clean=clean) for clean in (False, True))
    assert raw.notes["defects_kept"] == {"conflicting_gold": 2, "eaten_backslash": 1, "mojibake": 1}
    assert clean.notes["defects_dropped"] == raw.notes["defects_kept"]
    assert clean.notes["defects_kept"] == {}
    assert (len(raw.train) + len(raw.test), len(clean.train) + len(clean.test)) == (15, 11)
    assert not any(sample.meta["defects"] for sample in (*clean.train, *clean.test))
    alone = write("alone/raw_data/Material/L3/adding.jsonl", bad[:1]) / "alone"
    with pytest.raises(DataError, match="Leave out --clean"):
        load("sciknoweval/L3", alone, clean=True)
    whole = FAMILY.load_all("sciknoweval/openrft/adding", DataRequest(data=str(folder)))
    assert (len(whole.train), len(whole.test)) == (13, 3)


def test_leaks_of_a_given_split_are_told_by_kind_and_item_and_dropped(choice: Any, write: Any, rows: Any) -> None:
    """Exact, in other words, shuffled, with other options, and the same block of data; one of each."""
    shuffled = {"text": ["10", "11", "12", "13"], "label": ["A", "B", "C", "D"]}
    options = {"text": ["1", "2", "3", "9"], "label": ["A", "B", "C", "D"]}
    block = "\nBarrier 1: -0.2 eV\nBarrier 2: 3 eV"
    train = [*rows(choice, 10, start=20), choice(1), choice(2, question="which OF these is 2 plus one"),
             choice(9, choices=shuffled, answerKey="A"), choice(4, choices=options),
             choice(5, question=f"Which is lowest?{block}")]  # fmt: skip
    test = [choice(1), choice(2), choice(9), choice(4), choice(5, question=f"Choose the lowest.{block}"), choice(50)]
    write("train/adding.json", train)
    folder = write("test/adding.json", test)
    name = "sciknoweval/openrft/adding"
    task = load_task(name, DataRequest(data=str(folder)))
    assert task.notes["overlaps"] == {"exact": 1, "text": 1, "shuffled": 1, "data": 1, "question": 1}
    in_train, in_test = ({s.id: s.meta["row"] for s in side} for side in (task.train, task.test))
    rows_of = {kind: [(in_train[a], in_test[b]) for a, b in p] for kind, p in task.notes["overlap_pairs"].items()}
    kinds = ("exact", "text", "shuffled", "question", "data")
    assert rows_of == {kind: [(11 + number, 1 + number)] for number, kind in enumerate(kinds)}
    dropped = load_task(name, DataRequest(data=str(folder), drop_leaks=True))
    assert [s.meta["row"] for s in dropped.train] == list(range(1, 11))
    assert dropped.test == task.test
    assert dropped.notes["dropped_leaks"] == 5
    assert not any(find_overlaps(dropped.train, dropped.test).values())


def test_a_drawn_split_has_no_leaks_of_any_kind(choice: Any, write: Any) -> None:
    twins = [choice(n // 2, choices={"text": [str(n), "b", "c", "d"], "label": [*"ABCD"]}) for n in range(40)]
    folder = write(f"{L3}/adding.jsonl", twins)
    task = load_task("sciknoweval/L3/adding", DataRequest(data=str(folder), train=20, test=20))
    assert (len(task.train), len(task.test)) == (20, 20)
    assert not {sample.question for sample in task.train} & {sample.question for sample in task.test}
    assert sum(task.notes["overlaps"].values()) == 0


def test_bad_rows_refuse_the_run_or_are_counted(choice: Any, write: Any, rows: Any, load: Any) -> None:
    bad = [choice(answerKey="E"), {"question": "?"}, 5, *rows(choice, 4, type="essay")]
    folder = write(f"{L3}/adding.jsonl", [*rows(choice), *bad])
    with pytest.raises(DataError) as refusal:
        load("sciknoweval/L3/adding", folder)
    for part in ("adding.jsonl, line 13: answerKey 'E'", "line 14: the field 'type'", "line 15:", "and 2 more"):
        assert part in refusal.value.message
    assert "\n" not in str(refusal.value)
    task = load("sciknoweval/L3/adding", folder, skip_bad_rows=True)
    counted = {"key not among labels": 1, "missing field": 1, "not an object": 1, "unknown type": 4}
    assert task.notes["bad_rows"] == counted
    assert len(task.train) + len(task.test) == 12
