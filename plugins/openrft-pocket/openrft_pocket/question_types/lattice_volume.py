"""T6 in miniature: the volume of a right-angled unit cell."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement, permutations
from math import prod
from random import Random

from openrft_pocket.question_types.question_type import (
    Facts,
    QuestionType,
    assign_split,
    draw_neighbours,
    shuffle_options,
)
from openrft_pocket.question_types.trace import TraceWriter

CELLS: dict[
    int, list[tuple[int, ...]]
] = {}  # edges of 2-9 by volume, under 200: a number of three digits begins with 1
for cell in combinations_with_replacement(range(2, 10), 3):
    if prod(cell) < 200:
        CELLS.setdefault(prod(cell), []).append(cell)


def cell_key(cell: Sequence[int]) -> str:
    return "*".join(map(str, sorted(cell)))


VOLUMES = sorted(  # with cells in both splits: any other volume would be gold in one split only
    volume
    for volume, cells in CELLS.items()
    if len({assign_split("lattice_volume", cell_key(cell)) for cell in cells}) == 2
)


def draw_facts(rng: Random) -> Facts:
    """Three edges. Every volume is equally likely."""
    edges = list(rng.choice(CELLS[rng.choice(VOLUMES)]))
    rng.shuffle(edges)
    return dict(zip("abc", edges, strict=True))


def draw_training_facts(rng: Random) -> Facts:
    """Three edges with any volume under 200."""
    while True:
        facts = {edge: rng.randint(2, 9) for edge in "abc"}
        if compute_volume(facts) in CELLS:
            return facts


def draw_options(facts: Facts, rng: Random) -> tuple[list[str], int]:
    """Four volumes that such a cell can have. Any other number could be ruled out without the question."""
    gold = compute_volume(facts)
    possible = VOLUMES if gold in VOLUMES else sorted(CELLS)
    return shuffle_options([str(other) for other in draw_neighbours(gold, possible, rng)], str(gold), rng)


def list_optional_lines(facts: Facts, options: Sequence[str]) -> list[str]:
    """The same product, beginning with any two edges."""
    whole, lines = compute_volume(facts), []
    for left, right, last in permutations(facts[edge] for edge in "abc"):
        lines += [f"{left}*{right}={left * right}", f"{left * right}*{last}={whole}"]
    return [*lines, "{a}*{b}*{c}=".format(**facts) + str(whole)]


def compute_volume(facts: Facts) -> int:
    return facts["a"] * facts["b"] * facts["c"]


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    base = writer.perturb_number(facts["a"] * facts["b"])
    writer.write(f"{facts['a']}*{facts['b']}={base}")
    result = writer.perturb_number(base * facts["c"])
    writer.write(f"{base}*{facts['c']}={result}")
    writer.write_answer(options, str(result))


LATTICE_VOLUME = QuestionType(
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
    training_wordings=(
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
    draw_facts=draw_facts,
    problem_key=lambda facts: cell_key([facts[edge] for edge in "abc"]),
    get_slots=lambda facts: facts,
    draw_options=draw_options,
    write_solution=write_solution,
    stratum=compute_volume,
    list_optional_lines=list_optional_lines,
    draw_training_facts=draw_training_facts,
)
