"""Samples: as many as asked, the same for the same seed, train and test without a common exercise."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_pocket import Pocket
from openrft_pocket.family import name_of
from openrft_pocket.kinds import KINDS, LEVELS

from openrft import DataRequest, UsageError

family = Pocket().tasks()


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_no_seed_leaks_into_another(one, other):
    for name in KINDS:
        kind = KINDS[name]
        train = family.load(name_of(KINDS[name]), DataRequest(train=40, test=1, seed=one)).train
        test = family.load(name_of(KINDS[name]), DataRequest(train=1, test=40, seed=other)).test
        assert not {kind.key(s.meta["facts"]) for s in train} & {kind.key(s.meta["facts"]) for s in test}


def test_the_pool_takes_turns():
    task = family.load("pocket/L3", DataRequest(train=20, test=9))
    assert [s.task for s in task.train[:8]] == [f"pocket/L3/{name}" for name in LEVELS["L3"]]
    assert len(task.train) == 20
    assert len(task.test) == 9
    assert max(Counter(s.task for s in task.train).values()) == 3
    assert {s.task for s in family.load("pocket/L1", DataRequest(train=6, test=3)).train} == {
        f"pocket/L1/{name}" for name in LEVELS["L1"]
    }


@pytest.mark.parametrize("name", KINDS)
def test_small_worlds_still_give_many_samples(name):
    task = family.load(name_of(KINDS[name]), DataRequest(train=400, test=400))
    assert len({s.id for s in (*task.train, *task.test)}) == 800


def test_a_question_is_the_same_exercise_with_its_factors_exchanged():
    key = KINDS["final_speed"].key
    assert key({"v": 26, "a": 9, "t": 6}) == key({"v": 26, "a": 6, "t": 9})
    assert key({"v": 26, "a": 9, "t": 6}) != key({"v": 27, "a": 9, "t": 6})


def test_more_than_there_are_is_refused():
    with pytest.raises(UsageError, match=r"pocket/L1/valence has only \d+ different test samples"):
        family.load("pocket/L1/valence", DataRequest(train=1, test=10_000))


def test_same_seed_same_samples_and_a_larger_draw_begins_with_the_smaller():
    small = family.load("pocket/L3/molar_mass", DataRequest(train=10, test=10, seed=4))
    large = family.load("pocket/L3/molar_mass", DataRequest(train=30, test=10, seed=4))
    assert large.train[:10] == small.train
    assert large.test == small.test


def test_listing_names_every_task_that_loads():
    for info in family.names():
        assert family.load(info.name, DataRequest(train=1, test=1)).name == info.name


def test_wrong_names_and_sources_are_refused():
    with pytest.raises(UsageError, match="molar_mass"):
        family.load("pocket/L3/molar_mas", DataRequest())
    with pytest.raises(UsageError, match="generated"):
        family.load("pocket/L3", DataRequest(data="somewhere"))
