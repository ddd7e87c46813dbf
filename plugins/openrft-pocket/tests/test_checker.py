"""The exact step checker and the rewriter, on samples."""

from random import Random

import pytest
from openrft_pocket import Pocket
from openrft_pocket.checker import check_steps
from openrft_pocket.family import name_of
from openrft_pocket.kinds import KINDS
from openrft_pocket.kinds.hand import Hand

from openrft import DataRequest, Sample

SPEED = Sample(
    "A cyclist rides at 7 m/s and accelerates at 3 m/s2 for 8 s. Calculate the final velocity in m/s.",
    answer="B",
    options=("30", "31", "32", "41"),
    meta={"kind": "final_speed", "facts": {"v": 7, "a": 3, "t": 8}},
)


def test_lines_by_hand():
    steps = ["3*8=24", "8*3=24", "7+24=31", "24+7=31", "B. 31", "\\boxed{B}"]
    assert check_steps(SPEED, steps) == [True] * 6


@pytest.mark.parametrize("line", ["3*8=25", "7+25=32", "3*7=21", "C. 32", "\\boxed{C}", "B. 30", "", "so what"])
def test_false_lines_by_hand(line):
    assert check_steps(SPEED, [line]) == [False]


@pytest.mark.parametrize(
    ("kind", "facts", "options", "answer", "lines"),
    [
        ("structure_count", {"chain": ["S", "S", "O"]}, "5326", "C", ["1+0+1=2", "0+1+1=2", "1+1+0=2", "C. 2"]),
        ("lattice_volume", {"a": 2, "b": 3, "c": 4}, ("24", "32", "36", "48"), "A",
         ["2*3=6", "3*4=12", "12*2=24", "4*2=8", "3*8=24", "4*3*2=24"]),
        ("perovskite", {"pairs": [["Bi", "V"], ["Bi", "Zr"], ["Sr", "Cr"], ["Sr", "Zr"]]},
         ("SrCrO3", "BiZrO3", "SrZrO3", "BiVO3"), "C", ["C. SrZrO3 2+4=6", "C. SrZrO3 4+2=6", "C. SrZrO3"]),
        ("ion_charge", {"names": ["Ga", "Na", "Sb", "Zr"], "asked": 5}, ("Na", "Sb", "Ga", "Zr"), "B", ["B. Sb"]),
    ],
)  # fmt: skip
def test_true_lines_in_other_orders_and_by_other_ways(kind, facts, options, answer, lines):
    sample = Sample("q", answer, tuple(options), meta={"kind": kind, "facts": facts})
    assert check_steps(sample, lines) == [True] * len(lines)
    assert check_steps(sample, ["1+0+1=3", "2*3=7", "12*3=36", "D. " + options[3]]) == [False] * 4


def test_true_arithmetic_on_a_wrong_operand_is_unsound():
    assert check_steps(SPEED, ["3*8=25", "7+25=32"]) == [False, False]


@pytest.mark.parametrize("name", KINDS)
def test_samples_carry_their_facts(name):
    for sample in Pocket().tasks().load(name_of(KINDS[name]), DataRequest(train=30, test=1)).train:
        hand = Hand()
        KINDS[name].solve(sample.meta["facts"], sample.options, hand)
        assert all(check_steps(sample, hand.lines))
        assert hand.lines[-1] == "\\boxed{" + sample.answer + "}"


@pytest.mark.parametrize("name", KINDS)
def test_rewording_keeps_the_facts(name):
    task = Pocket().tasks().load(name_of(KINDS[name]), DataRequest(train=5, test=1))
    for sample in task.train:
        stems = task.rewrite(sample, 5, 0)
        assert len(set(stems)) == 5
        assert sample.question not in stems
        assert task.rewrite(sample, 5, 0) == stems
        for value in _values(sample):
            assert all(value in stem for stem in stems)


def _values(sample: Sample) -> list[str]:
    """The numbers and names that every stem must state."""
    slots = KINDS[sample.meta["kind"]].slots(sample.meta["facts"])
    table = str(slots.get("table", ""))
    return (
        [part for row in table.split(", ") for part in row.split()]
        if table
        else [str(value) for name, value in slots.items() if name not in ("first", "middle", "last")]
    )


def test_a_slipping_hand_is_reproducible():
    one, two = Hand(Random(3), 0.4), Hand(Random(3), 0.4)
    for hand in (one, two):
        KINDS["final_speed"].solve(SPEED.meta["facts"], SPEED.options, hand)
    assert one.lines == two.lines
