"""Selectors and leaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openrft.errors import DataError, UnknownName
from openrft.overlap import overlaps
from openrft.sample import Sample
from openrft.task import DataRequest, TaskInfo, checked, expand
from openrft.testing import toy_task


class Family:
    family = "f"

    def names(self, data=None):
        names = [TaskInfo(n, "") for n in ("f/L1", "f/L3", "f/L3/alpha", "f/L3/beta", "f/Deep/L3/alpha")]
        return [*names, TaskInfo("f/L3/first", "", alias_of="f/L3/alpha")]


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
    ],
)
def test_selectors(selector, names):
    assert expand(selector, FAMILIES) == names


def test_an_unknown_task_gets_the_nearest_names():
    with pytest.raises(UnknownName, match="Did you mean f/L3/alpha"):
        expand("f/L3/alhpa", FAMILIES)


def test_overlaps_by_kind():
    test = [Sample("What is it?", "A", ("x", "y")), Sample("Other?", "A", ("x", "y"))]
    train = [
        Sample("What is it?", "A", ("x", "y")),  # exact
        Sample("what  is it", "B", ("X", "Y.")),  # the same text after normalising
        Sample("What is it?", "B", ("y", "x")),  # options in another order
        Sample("New?", "A", ("x", "y")),
    ]
    found = overlaps(train, test)
    assert {kind: [a for a, _ in pairs] for kind, pairs in found.items()} == {
        "exact": [train[0].id],
        "text": [train[1].id],
        "shuffled": [train[2].id],
    }


def test_a_sign_or_a_decimal_point_makes_another_question():
    one, other = Sample("Lowest?", "A", ("-0.2", "1.5")), Sample("Lowest?", "A", ("0.2", "15"))
    assert not any(overlaps([one], [other]).values())


def test_leaks_are_counted_and_dropped_on_request():
    clean = toy_task(6, 4)
    leaky = replace(clean, train=(*clean.train, clean.test[0]))
    assert checked(leaky, DataRequest()).notes["overlaps"]["exact"] == 1
    assert len(checked(leaky, DataRequest()).train) == 7
    dropped = checked(leaky, DataRequest(drop_leaks=True))
    assert dropped.train == clean.train
    assert dropped.notes["dropped_leaks"] == 1
    with pytest.raises(DataError, match="every train sample overlaps"):
        checked(replace(clean, train=clean.test), DataRequest(drop_leaks=True))
