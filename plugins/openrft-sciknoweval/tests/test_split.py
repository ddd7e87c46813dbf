"""Splits are the seed's alone, proportional, honest about shortage, and never part kin."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_sciknoweval.kin import families
from openrft_sciknoweval.split import draw, split

from openrft import Sample


def item(question: str, *options: str, task: str = "t", answer: str = "A") -> Sample:
    return Sample(question, answer, options or ("x", "y"), task=task)


def many(count: int, task: str = "t") -> list[Sample]:
    return [item(f"{task} question {i}", task=task) for i in range(count)]


def ids(samples: list[Sample]) -> set[str]:
    return {sample.id for sample in samples}


def test_seed_decides_not_the_order_of_rows() -> None:
    samples = many(50)
    first, again, other = split(samples, 10, 10, 1), split(samples[::-1], 10, 10, 1), split(samples, 10, 10, 2)
    assert first == again
    assert ids(first[1]) != ids(other[1])
    assert not ids(first[0]) & ids(first[1])


def test_test_items_stay_when_train_grows() -> None:
    assert split(many(50), 5, 10, 0)[1] == split(many(50), 40, 10, 0)[1]


def test_strata_are_proportional() -> None:
    train, test = split(many(60, "a") + many(30, "b") + many(10, "c"), 20, 20, 0)
    for side in (train, test):
        assert Counter(sample.task for sample in side) == {"a": 12, "b": 6, "c": 2}


def test_shortage_is_shared_in_proportion() -> None:
    train, test = split(many(20), 100, 100, 0)
    assert (len(train), len(test)) == (10, 10)
    train, test = split(many(9), 100, 50, 0)
    assert (len(train), len(test)) == (6, 3)


def test_draw_keeps_everything_if_there_is_no_more() -> None:
    samples = many(5)
    assert draw(samples, 9, 0) == samples
    assert len(draw(samples, 3, 0)) == 3


def test_subtasks_are_strata_too() -> None:
    samples = [
        Sample(f"{subtask} question {i}", "A", ("x", "y"), task="t", meta={"subtask": subtask})
        for subtask, count in (("s", 30), ("r", 10))
        for i in range(count)
    ]
    for side in split(samples, 12, 8, 0):
        assert Counter(sample.meta["subtask"] for sample in side) == {"s": 0.75 * len(side), "r": 0.25 * len(side)}


def test_shortage_leaves_nobody_out() -> None:
    """Families of three do not fit every side's share, and still each sample stands on one side."""
    samples = [item(f"question {i // 3}", "x", f"y{i}") for i in range(21)]
    train, test = split(samples, 100, 100, 0)
    assert len(train) + len(test) == 21


def test_what_one_stratum_cannot_fill_another_does() -> None:
    twins = [item(f"{task} question {i // 2}", "x", f"y{i}", task=task) for task in "abc" for i in range(20)]
    train, test = split(twins, 10, 10, 0)
    assert (len(train), len(test)) == (10, 10)


PARTS = st.tuples(st.integers(0, 8), st.integers(0, 3), st.booleans(), st.sampled_from("ab"), st.integers(0, 6))


@settings(deadline=None)
@given(st.lists(PARTS, min_size=2, max_size=40), st.integers(1, 30), st.integers(1, 30), st.integers(0, 5))
def test_sides_are_disjoint_and_no_kind_of_kin_straddles(
    parts: list[tuple[int, int, bool, str, int]], train: int, test: int, seed: int
) -> None:
    """Checked with rules written out anew, not with the module's own keys."""
    made = [
        item(f"q{q} {word}?\nx: {block}\ny = {block}", *(("u", f"v{o}")[:: -1 if flip else 1]), task=task)
        for q, o, flip, task, block in parts
        for word in (("Which", "which")[flip],)
    ]
    samples = list({s.id: s for s in made}.values())
    left, right = split(samples, train, test, seed)
    assert len(left) <= train
    assert len(right) <= test
    assert not ids(left) & ids(right)
    for one in left:
        for other in right:
            same_options = {o.lower() for o in one.options} == {o.lower() for o in other.options}
            same_question = one.question.lower() == other.question.lower()
            assert not (same_question and same_options)
            assert one.question.splitlines()[1:] != other.question.splitlines()[1:]
    for family in families(samples):
        assert not (ids(family) & ids(left) and ids(family) & ids(right))
