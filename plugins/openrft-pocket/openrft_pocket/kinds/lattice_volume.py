"""T6 in miniature: the volume of a right-angled unit cell."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement, permutations
from math import prod
from random import Random

from openrft_pocket.kinds.hand import Hand
from openrft_pocket.kinds.kind import Facts, Kind, ring_around, shuffled, split_of

CELLS: dict[int, list[tuple[int, ...]]] = {}  # edges of 2-9 by volume, under 200: what three digits begin with 1
for cell in combinations_with_replacement(range(2, 10), 3):
    if prod(cell) < 200:
        CELLS.setdefault(prod(cell), []).append(cell)


def key(cell: Sequence[int]) -> str:
    return "*".join(map(str, sorted(cell)))


VOLUMES = sorted(  # with cells in train and in test: another would be gold in one of them and never in the other
    volume for volume, cells in CELLS.items() if len({split_of("lattice_volume", key(cell)) for cell in cells}) == 2
)


def draw(rng: Random) -> Facts:
    """Three edges; every volume is as likely as another."""
    edges = list(rng.choice(CELLS[rng.choice(VOLUMES)]))
    rng.shuffle(edges)
    return dict(zip("abc", edges, strict=True))


def practice(rng: Random) -> Facts:
    """Three edges with any volume under 200."""
    while True:
        facts = {edge: rng.randint(2, 9) for edge in "abc"}
        if volume(facts) in CELLS:
            return facts


def options(facts: Facts, rng: Random) -> tuple[list[str], int]:
    """Volumes that such a cell can have, all of them: what is no product of three edges would give itself away."""
    gold = volume(facts)
    possible = VOLUMES if gold in VOLUMES else sorted(CELLS)
    return shuffled([str(other) for other in ring_around(gold, possible, rng)], str(gold), rng)


def asides(facts: Facts, options: Sequence[str]) -> list[str]:
    """The same product by way of any two edges."""
    whole, lines = volume(facts), []
    for left, right, last in permutations(facts[edge] for edge in "abc"):
        lines += [f"{left}*{right}={left * right}", f"{left * right}*{last}={whole}"]
    return [*lines, "{a}*{b}*{c}=".format(**facts) + str(whole)]


def volume(facts: Facts) -> int:
    return facts["a"] * facts["b"] * facts["c"]


def solve(facts: Facts, options: Sequence[str], hand: Hand) -> None:
    base = hand.number(facts["a"] * facts["b"])
    hand.write(f"{facts['a']}*{facts['b']}={base}")
    result = hand.number(base * facts["c"])
    hand.write(f"{base}*{facts['c']}={result}")
    hand.settle(options, str(result))


LATTICE_VOLUME = Kind(
    name="lattice_volume",
    paper="T6",
    domain="Material",
    summary="volume of an orthorhombic unit cell",
    wordings=(
        "An orthorhombic crystal has lattice constants a={a}, b={b} and c={c} angstrom. Calculate its cell volume.",
        "Lattice parameters of an orthorhombic phase: {a}, {b}, {c} angstrom. What volume has the unit cell?",
        "X-ray diffraction gives an orthorhombic lattice of {a} x {b} x {c} angstrom. Determine the volume.",
    ),
    rewordings=(
        "Calculate the unit cell volume of an orthorhombic mineral with constants {a}, {b} and {c} angstrom.",
        "All angles of a lattice are right angles and a={a}, b={b}, c={c} angstrom. Its volume?",
        "How many cubic angstrom does the orthorhombic lattice {a} x {b} x {c} enclose?",
        "A perovskite film shows lattice parameters {a}, {b} and {c} angstrom along its axes. Determine the cell volume.",
        "Diffraction yields a={a}, b={b}, c={c} for an orthorhombic phase. Which cell volume follows?",
        "Compute V for an orthorhombic cell with lattice constants {a}, {b}, {c}.",
    ),
    lessons=(
        "[Volume|Size|Space] of a [box|block|brick|cell] [of|with] [edges|sides] {a}, {b}, {c}?",
        "A [box|room|crate|tank|block] is {a} by {b} by {c}. [Volume|How big is it|How many unit cubes fit]?",
        "[Product|Multiply|Times] {a}, {b} and {c}.",
        "[Edges|Sides|Lengths]: {a}, {b}, {c}. [Volume|Space inside|Product]?",
        "a={a}, b={b}, c={c}: [volume|product|abc]?",
        "{a} x {b} x {c} [is|gives|makes]?",
        "[Width|Length] {a}, [depth|breadth] {b}, height {c}. [Volume|What space|Cubes inside]?",
        "[How much space|What volume] [is in|does it take|fills] a [solid|crystal|grain|slab] with [edges|sides] {a}, {b} and {c}?",
        "A [crystal|grain|solid] [repeats|comes] in [boxes|bricks] {a} by {b} by {c}. [Space of one box|Volume of a brick]?",
        "[Stack|Pile] {a} x {b} cubes in {c} [layers|levels]. [How many|Total] cubes?",
    ),
    draw=draw,
    key=lambda facts: key([facts[edge] for edge in "abc"]),
    slots=lambda facts: facts,
    options=options,
    solve=solve,
    stratum=volume,
    asides=asides,
    practice=practice,
)
