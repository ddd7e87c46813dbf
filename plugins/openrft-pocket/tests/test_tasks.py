"""The task family: samples by seed, splits without a common problem, the step checker and the rewriter."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_pocket import Pocket
from openrft_pocket.question_types import LEVELS, QUESTION_TYPES
from openrft_pocket.question_types.trace import TraceWriter
from openrft_pocket.tasks import check_steps, task_name

from openrft import DataRequest, Sample, UsageError

family = Pocket().tasks()
SPEED = Sample(
    "A cyclist rides at 7 m/s and accelerates at 3 m/s2 for 8 s. Calculate the final velocity in m/s.",
    answer="B",
    options=("30", "31", "32", "41"),
    meta={"kind": "final_speed", "facts": {"v": 7, "a": 3, "t": 8}},
)


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_splits_of_any_two_seeds_share_no_problem(one, other):
    for question_type in QUESTION_TYPES.values():
        name, key = task_name(question_type), question_type.problem_key
        train = family.load(name, DataRequest(train=40, test=1, seed=one)).train
        test = family.load(name, DataRequest(train=1, test=40, seed=other)).test
        assert not {key(s.meta["facts"]) for s in train} & {key(s.meta["facts"]) for s in test}


def test_the_pool_takes_turns():
    task = family.load("pocket/L3", DataRequest(train=20, test=9))
    assert [s.task for s in task.train[:8]] == [f"pocket/L3/{name}" for name in LEVELS["L3"]]
    assert len(task.train) == 20
    assert len(task.test) == 9
    assert max(Counter(s.task for s in task.train).values()) == 3
    assert {s.task for s in family.load("pocket/L1", DataRequest(train=6, test=3)).train} == {
        f"pocket/L1/{name}" for name in LEVELS["L1"]
    }


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_types_with_few_problems_still_give_many_samples(name):
    task = family.load(task_name(QUESTION_TYPES[name]), DataRequest(train=400, test=400))
    assert len({s.id for s in (*task.train, *task.test)}) == 800


def test_exchanged_factors_are_the_same_problem():
    key = QUESTION_TYPES["final_speed"].problem_key
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


def test_true_lines():
    steps = ["3*8=24", "8*3=24", "7+24=31", "24+7=31", "B. 31", "\\boxed{B}"]
    assert check_steps(SPEED, steps) == [True] * 6


@pytest.mark.parametrize("line", ["3*8=25", "7+25=32", "3*7=21", "C. 32", "\\boxed{C}", "B. 30", "", "so what"])
def test_false_lines(line):
    assert check_steps(SPEED, [line]) == [False]


@pytest.mark.parametrize(
    ("type_name", "facts", "options", "answer", "lines"),
    [
        ("structure_count", {"chain": ["S", "S", "O"]}, "5326", "C", ["1+0+1=2", "0+1+1=2", "1+1+0=2", "C. 2"]),
        ("lattice_volume", {"a": 2, "b": 3, "c": 4}, ("24", "32", "36", "48"), "A",
         ["2*3=6", "3*4=12", "12*2=24", "4*2=8", "3*8=24", "4*3*2=24"]),
        ("perovskite", {"pairs": [["Bi", "V"], ["Bi", "Zr"], ["Sr", "Cr"], ["Sr", "Zr"]]},
         ("SrCrO3", "BiZrO3", "SrZrO3", "BiVO3"), "C", ["C. SrZrO3 2+4=6", "C. SrZrO3 4+2=6", "C. SrZrO3"]),
        ("ion_charge", {"names": ["Ga", "Na", "Sb", "Zr"], "asked": 5}, ("Na", "Sb", "Ga", "Zr"), "B", ["B. Sb"]),
    ],
)  # fmt: skip
def test_true_lines_in_other_orders_and_by_other_ways(type_name, facts, options, answer, lines):
    sample = Sample("q", answer, tuple(options), meta={"kind": type_name, "facts": facts})
    assert check_steps(sample, lines) == [True] * len(lines)
    assert check_steps(sample, ["1+0+1=3", "2*3=7", "12*3=36", "D. " + options[3]]) == [False] * 4


def test_true_arithmetic_on_a_wrong_operand_is_unsound():
    assert check_steps(SPEED, ["3*8=25", "7+25=32"]) == [False, False]


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_the_true_solution_of_a_sample_is_sound(name):
    for sample in Pocket().tasks().load(task_name(QUESTION_TYPES[name]), DataRequest(train=30, test=1)).train:
        writer = TraceWriter()
        QUESTION_TYPES[name].write_solution(sample.meta["facts"], sample.options, writer)
        assert all(check_steps(sample, writer.lines))
        assert writer.lines[-1] == "\\boxed{" + sample.answer + "}"


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_rewriting_keeps_the_facts(name):
    task = Pocket().tasks().load(task_name(QUESTION_TYPES[name]), DataRequest(train=5, test=1))
    for sample in task.train:
        stems = task.rewrite(sample, 5, 0)
        assert len(set(stems)) == 5
        assert sample.question not in stems
        assert task.rewrite(sample, 5, 0) == stems
        for value in _list_values(sample):
            assert all(value in stem for stem in stems)


def _list_values(sample: Sample) -> list[str]:
    """The numbers and names that every stem must state."""
    slots = QUESTION_TYPES[sample.meta["kind"]].get_slots(sample.meta["facts"])
    table = str(slots.get("table", ""))
    return (
        [part for row in table.split(", ") for part in row.split()]
        if table
        else [str(value) for name, value in slots.items() if name not in ("first", "middle", "last")]
    )
