"""Kin share a question, a set of options, or a block of data; strangers share nothing, however alike they look."""

from __future__ import annotations

from openrft_sciknoweval.kin import TEMPLATE, Kinship, families

from openrft import Sample


def item(question: str, *options: str, task: str = "t", answer: str = "A") -> Sample:
    return Sample(question, answer, options or ("x", "y"), task=task)


def many(count: int, task: str = "t") -> list[Sample]:
    return [item(f"{task} question {i}", task=task) for i in range(count)]


def test_question_that_carries_the_data_binds() -> None:
    twins = [item(f"question {i // 2}", "x", f"y{i}") for i in range(20)]
    assert [len(family) for family in families(twins)] == [2] * 10


def test_one_wording_for_all_items_does_not_bind() -> None:
    same = [item("Which fluoresces?", f"x{i}", f"y{i}") for i in range(20)]
    assert len(families(same)) == 20


def test_a_wording_is_a_template_where_more_rows_share_it_than_could_be_kin() -> None:
    """Whatever the task's other questions are, and though the row is known to lack its data."""
    few, many_ = ([item("Compare.", f"x{i}", "y") for i in range(TEMPLATE + more)] for more in (0, 1))
    assert len(families([*few, *many(9)])) == 10
    assert len(families([*many_, *many(9)])) == TEMPLATE + 1 + 9
    assert len(families([*many_, item("compare", "y", "x0")])) == TEMPLATE + 1  # the same item all the same
    repeated = [item(f"question {i // 5}", f"x{i}", "y") for i in range(50)]
    assert [len(family) for family in families(repeated)] == [5] * 10
    lacking = [Sample("Compare.", "A", (f"x{i}", "y"), task="t", meta={"defects": ["data_missing"]}) for i in range(4)]
    assert len(families([*lacking, *many(9)])) == 10


def test_shuffled_options_and_data_blocks_bind() -> None:
    assert len(families([item("Same?", "x", "y"), item("same", "Y", "x"), item("Same?", "x", "z"), *many(9)])) == 10
    first, second = item("Pick. Given data:\nA: 1\nB: 2"), item("Choose. Given data:\nB: 2\n\nA: 1")
    assert len(families([first, second, item("Given data:\nA: 1")])) == 2


def test_blocks_bind_whatever_stands_around_them() -> None:
    first = item("Which is lowest?\n\nGiven data:\n\nBarrier 1: -0.2 eV\nBarrier 2: 3 eV")
    second = item("Based on the values\nbarrier 2:  3 eV\nbarrier 1: -0.2 eV\nchoose the lowest.")
    third = item("Which is lowest?\n\nBarrier 1: -0.2 eV\nBarrier 2: 4 eV")
    assert [len(family) for family in families([first, second, third, *many(9)])].count(2) == 1
    assert len(families([item("q1\ng = 9.81"), item("q2\ng = 9.81"), *many(9)])) == 11  # a constant is no block


def test_numbers_of_a_block_count_by_value_and_underscores_are_spaces() -> None:
    first = item("Q1.\nSrTiO3, energy_above_hull (meV/atom): 90.00\nBaO2, energy_above_hull: 1e2")
    second = item("Q2?\nbao2; Energy above hull = 100\nSrTiO3; energy above hull (meV/atom): 90.0")
    other = item("Q3?\nBaO2, energy_above_hull: -1e2\nSrTiO3, energy_above_hull (meV/atom): 90")
    assert [len(family) for family in families([first, second, other, *many(9)])].count(2) == 1


def test_signs_and_decimal_points_tell_questions_apart() -> None:
    cold, warm = item("What boils at -0.2 degrees?"), item("What boils at 0.2 degrees?")
    assert len(families([cold, warm, item("What boils at \u22120.2 degrees?!"), *many(9)])) == 11


def test_one_wording_in_one_task_and_a_telling_one_in_another() -> None:
    """The same item binds across tasks, though only in one of them the question alone would."""
    loose = [item("Which fluoresces?", f"x{i}", f"y{i}", task="loose") for i in range(TEMPLATE + 1)]
    twin = item("which fluoresces", "y3", "x3", task="telling")
    assert [len(f) for f in families([*loose, twin, *many(9, "telling")])].count(2) == 1


def test_marks_are_equal_for_kin_alone() -> None:
    block = "\nA: 1\nB: 2"
    one, two, three = item("Pick." + block), item("Choose." + block), item("Choose!" + block, "u", "v")
    kinship = Kinship([one, two, three, *many(9)])
    marks = [set(kinship.marks(sample)) for sample in (one, two, three)]
    assert {mark.partition(":")[0] for mark in marks[0]} == {"question", "data"}
    assert {mark.partition(":")[0] for mark in marks[0] & marks[1]} == {"data"}
    assert marks[1] == marks[2]
