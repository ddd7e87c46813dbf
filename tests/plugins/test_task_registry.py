"""Selectors, leaks, and tasks that are kept while their rows stay the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openrft.errors import DataError, UnknownName
from openrft.plugins.task_registry import check_split_leakage, expand_selector, load_task
from openrft.tasks.leakage import find_overlaps
from openrft.tasks.task import DataRequest, Task, TaskInfo
from openrft.testing import toy_task
from openrft.types import Sample


class Family:
    family = "f"

    def names(self, data=None):
        names = [TaskInfo(n, "") for n in ("f/L1", "f/L3", "f/L3/alpha", "f/L3/beta", "f/Deep/L3/alpha")]
        absent = TaskInfo("f/L3/gamma", "", absent=data is None)
        return [*names, TaskInfo("f/L3/first", "", alias_of="f/L3/alpha"), absent]


FAMILIES = {"f": Family()}


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("f/L3", ["f/L3"]),
        ("f/l3/ALPHA", ["f/L3/alpha"]),
        ("f/L3/*", ["f/L3/alpha", "f/L3/beta"]),
        ("f/L?", ["f/L1", "f/L3"]),
        ("f/l3/A*", ["f/L3/alpha"]),
        ("f/L3/first", ["f/L3/first"]),
        ("f/L3/gamma", ["f/L3/gamma"]),
    ],
)
def test_selectors(selector, names):
    assert expand_selector(selector, FAMILIES) == names


def test_a_glob_stands_for_what_the_source_has():
    assert expand_selector("f/L3/*", FAMILIES, "elsewhere") == ["f/L3/alpha", "f/L3/beta", "f/L3/gamma"]


def test_an_unknown_task_gets_the_nearest_names():
    with pytest.raises(UnknownName, match="Did you mean f/L3/alpha"):
        expand_selector("f/L3/alhpa", FAMILIES)


def test_overlaps_by_kind():
    test = [Sample("What is it?", "A", ("x", "y")), Sample("Other?", "A", ("x", "y"))]
    train = [
        Sample("What is it?", "A", ("x", "y")),  # exact
        Sample("what  is it", "B", ("X", "Y.")),  # the same text after normalising
        Sample("What is it?", "B", ("y", "x")),  # options in another order
        Sample("New?", "A", ("x", "y")),
    ]
    found = find_overlaps(train, test)
    assert {kind: [a for a, _ in pairs] for kind, pairs in found.items()} == {
        "exact": [train[0].id],
        "text": [train[1].id],
        "shuffled": [train[2].id],
    }


def test_a_sign_or_a_decimal_point_makes_another_question():
    one, other = Sample("Lowest?", "A", ("-0.2", "1.5")), Sample("Lowest?", "A", ("0.2", "15"))
    assert not any(find_overlaps([one], [other]).values())


def test_what_the_family_knows_to_be_kin_overlaps_too():
    def sample(number, *groups):
        return Sample(f"Question {number}?", "A", ("x", "y"), meta={"leakage_groups": groups})

    train = [sample(1, "data:a", "q:1"), sample(2, "data:b"), sample(3), sample(9, "data:z")]
    test = [sample(4, "data:a"), sample(5, "data:b", "data:a"), sample(6, "q:1", "data:c"), sample(9, "data:z")]
    found = find_overlaps(train, test)
    assert found == {
        "exact": [(train[3].id, test[3].id)],
        "text": [],
        "shuffled": [],
        "data": [(train[0].id, test[0].id), (train[0].id, test[1].id), (train[1].id, test[1].id)],
        "q": [(train[0].id, test[2].id)],
    }
    notes = check_split_leakage(Task("t", tuple(train), tuple(test)), DataRequest()).notes
    assert notes["overlaps"] == {"exact": 1, "text": 0, "shuffled": 0, "data": 3, "q": 1}
    assert notes["overlap_pairs"]["q"] == [[train[0].id, test[2].id]]
    assert check_split_leakage(Task("t", tuple(train), tuple(test)), DataRequest(drop_leaks=True)).train == (train[2],)


def test_a_task_without_train_can_be_checked_and_one_without_test_cannot():
    task = toy_task(4, 4)
    assert check_split_leakage(replace(task, train=()), DataRequest(drop_leaks=True)).train == ()
    with pytest.raises(DataError, match="4 train and 0 test"):
        check_split_leakage(replace(task, test=()), DataRequest())


def test_leaks_are_counted_and_dropped_on_request():
    clean = toy_task(6, 4)
    leaky = replace(clean, train=(*clean.train, clean.test[0]))
    assert check_split_leakage(leaky, DataRequest()).notes["overlaps"]["exact"] == 1
    assert len(check_split_leakage(leaky, DataRequest()).train) == 7
    dropped = check_split_leakage(leaky, DataRequest(drop_leaks=True))
    assert dropped.train == clean.train
    assert dropped.notes["dropped_leaks"] == 1
    with pytest.raises(DataError, match="every train sample overlaps"):
        check_split_leakage(replace(clean, train=clean.test), DataRequest(drop_leaks=True))


def test_a_task_is_kept_in_memory_until_its_rows_change(tmp_path):
    def write(answer):
        rows = [f'{{"question": "What is {n} + {n}?", "answer": "{answer * n}"}}' for n in range(20)]
        (tmp_path / "sums.jsonl").write_text("\n".join(rows))

    request = DataRequest(train=4, test=4, data=str(tmp_path))
    write(2)
    first = load_task("questions/all", request)
    assert load_task("questions/all", request) is first
    write(3)
    again = load_task("questions/all", request)
    for factor, task in ((2, first), (3, again)):
        assert all(s.question == f"What is {int(s.answer) // factor} + {int(s.answer) // factor}?" for s in task.test)


def test_the_default_source_of_a_family_is_watched_too(tmp_path, monkeypatch):
    pytest.importorskip("openrft_sciknoweval")
    from openrft_sciknoweval.sources import VARIABLE, find_source_path

    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert find_source_path(None) == tmp_path
    assert find_source_path("hub:v2") is None
    assert find_source_path(str(tmp_path / "nowhere")) is None
