"""Splits are the seed's alone, proportional, honest about shortage, and never part kin."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from openrft_sciknoweval.split import draw, families, kin_in_train, split

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


def test_question_that_carries_the_data_binds() -> None:
    twins = [item(f"question {i // 2}", "x", f"y{i}") for i in range(20)]
    train, test = split(twins, 10, 10, 0)
    assert not {s.question for s in train} & {s.question for s in test}
    assert (len(train), len(test)) == (10, 10)


def test_one_wording_for_all_items_does_not_bind() -> None:
    same = [item("Which fluoresces?", f"x{i}", f"y{i}") for i in range(20)]
    train, test = split(same, 10, 10, 0)
    assert (len(train), len(test)) == (10, 10)


def test_a_question_that_lacks_its_data_does_not_bind() -> None:
    lacking = [Sample("Compare.", "A", (f"x{i}", "y"), task="t", meta={"defects": ["data_missing"]}) for i in range(4)]
    assert len(families([*lacking, *many(9)])) == 13


def test_shuffled_options_and_data_blocks_bind() -> None:
    assert len(families([item("Same?", "x", "y"), item("same", "Y", "x"), item("Same?", "x", "z"), *many(9)])) == 10
    first, second = item("Pick. Given data:\nA: 1\nB: 2"), item("Choose. Given data:\nB: 2\n\nA: 1")
    assert len(families([first, second, item("Given data:\nA: 1")])) == 2


def test_kin_across_a_given_split_are_counted() -> None:
    train = [item("Same?", "x", "y"), *many(9)]
    test = [item("same", "y", "x"), train[1], item("Another?"), item("SAME", "x", "z")]
    assert kin_in_train(train, test, [*train, *test]) == 3
    assert kin_in_train(train, [item("Another?")], train) == 0


def test_draw_keeps_everything_if_there_is_no_more() -> None:
    samples = many(5)
    assert draw(samples, 9, 0) == samples
    assert len(draw(samples, 3, 0)) == 3


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3), st.sampled_from("ab")), min_size=2, max_size=40),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(0, 5),
)
def test_sides_are_disjoint_and_kin_stay_together(
    parts: list[tuple[int, int, str]], train: int, test: int, seed: int
) -> None:
    samples = list({s.id: s for s in (item(f"q {q}", "x", f"y{o}", task=t) for q, o, t in parts)}.values())
    left, right = split(samples, train, test, seed)
    assert len(left) <= train
    assert len(right) <= test
    assert not ids(left) & ids(right)
    for family in families(samples):
        assert not (ids(family) & ids(left) and ids(family) & ids(right))
