"""Splits depend on the seed alone, are proportional, say what is short, and never part a leakage group.

A leakage group shares a question, a set of options, or a block of data; other samples share nothing.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_sciknoweval.splits import TEMPLATE, LeakageGroups, draw, group_samples, split

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
    for family in group_samples(samples):
        assert not (ids(family) & ids(left) and ids(family) & ids(right))


def test_question_that_carries_the_data_binds() -> None:
    twins = [item(f"question {i // 2}", "x", f"y{i}") for i in range(20)]
    assert [len(family) for family in group_samples(twins)] == [2] * 10


def test_one_wording_for_all_items_does_not_bind() -> None:
    same = [item("Which fluoresces?", f"x{i}", f"y{i}") for i in range(20)]
    assert len(group_samples(same)) == 20


def test_a_wording_is_a_template_where_more_rows_share_it_than_could_be_kin() -> None:
    """Whatever the task's other questions are, and though the row is known to lack its data."""
    few, many_ = ([item("Compare.", f"x{i}", "y") for i in range(TEMPLATE + more)] for more in (0, 1))
    assert len(group_samples([*few, *many(9)])) == 10
    assert len(group_samples([*many_, *many(9)])) == TEMPLATE + 1 + 9
    assert len(group_samples([*many_, item("compare", "y", "x0")])) == TEMPLATE + 1  # the same item all the same
    repeated = [item(f"question {i // 5}", f"x{i}", "y") for i in range(50)]
    assert [len(family) for family in group_samples(repeated)] == [5] * 10
    lacking = [Sample("Compare.", "A", (f"x{i}", "y"), task="t", meta={"defects": ["data_missing"]}) for i in range(4)]
    assert len(group_samples([*lacking, *many(9)])) == 10


def test_shuffled_options_and_data_blocks_bind() -> None:
    assert (
        len(group_samples([item("Same?", "x", "y"), item("same", "Y", "x"), item("Same?", "x", "z"), *many(9)])) == 10
    )
    first, second = item("Pick. Given data:\nA: 1\nB: 2"), item("Choose. Given data:\nB: 2\n\nA: 1")
    assert len(group_samples([first, second, item("Given data:\nA: 1")])) == 2


def test_blocks_bind_whatever_stands_around_them() -> None:
    first = item("Which is lowest?\n\nGiven data:\n\nBarrier 1: -0.2 eV\nBarrier 2: 3 eV")
    second = item("Based on the values\nbarrier 2:  3 eV\nbarrier 1: -0.2 eV\nchoose the lowest.")
    third = item("Which is lowest?\n\nBarrier 1: -0.2 eV\nBarrier 2: 4 eV")
    assert [len(family) for family in group_samples([first, second, third, *many(9)])].count(2) == 1
    assert len(group_samples([item("q1\ng = 9.81"), item("q2\ng = 9.81"), *many(9)])) == 11  # a constant is no block


def test_numbers_of_a_block_count_by_value_and_underscores_are_spaces() -> None:
    first = item("Q1.\nSrTiO3, energy_above_hull (meV/atom): 90.00\nBaO2, energy_above_hull: 1e2")
    second = item("Q2?\nbao2; Energy above hull = 100\nSrTiO3; energy above hull (meV/atom): 90.0")
    other = item("Q3?\nBaO2, energy_above_hull: -1e2\nSrTiO3, energy_above_hull (meV/atom): 90")
    assert [len(family) for family in group_samples([first, second, other, *many(9)])].count(2) == 1


def test_signs_and_decimal_points_tell_questions_apart() -> None:
    cold, warm = item("What boils at -0.2 degrees?"), item("What boils at 0.2 degrees?")
    assert len(group_samples([cold, warm, item("What boils at \u22120.2 degrees?!"), *many(9)])) == 11


def test_one_wording_in_one_task_and_a_telling_one_in_another() -> None:
    """The same item binds across tasks, though only in one of them the question alone would."""
    loose = [item("Which fluoresces?", f"x{i}", f"y{i}", task="loose") for i in range(TEMPLATE + 1)]
    twin = item("which fluoresces", "y3", "x3", task="telling")
    assert [len(f) for f in group_samples([*loose, twin, *many(9, "telling")])].count(2) == 1


def test_marks_are_equal_for_kin_alone() -> None:
    block = "\nA: 1\nB: 2"
    one, two, three = item("Pick." + block), item("Choose." + block), item("Choose!" + block, "u", "v")
    kinship = LeakageGroups([one, two, three, *many(9)])
    marks = [set(kinship.group_keys(sample)) for sample in (one, two, three)]
    assert {mark.partition(":")[0] for mark in marks[0]} == {"question", "data"}
    assert {mark.partition(":")[0] for mark in marks[0] & marks[1]} == {"data"}
    assert marks[1] == marks[2]
