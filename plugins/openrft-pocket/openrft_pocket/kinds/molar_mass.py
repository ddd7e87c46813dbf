"""T3 in miniature: the molar mass of a two-element compound, from atomic masses that must be known."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.kinds.hand import Hand
from openrft_pocket.kinds.kind import Facts, Kind, numbers_around

MASSES = {"H": 1, "Li": 7, "B": 11, "C": 12, "N": 14, "O": 16, "F": 19, "Na": 23, "Al": 27, "S": 32}


def draw(rng: Random) -> Facts:
    """Two elements, one to four atoms of each, at most 99 in all."""
    while True:
        parts = [[atom, rng.randint(1, 4)] for atom in rng.sample(list(MASSES), 2)]
        if 5 <= total(parts) <= 99:
            return {"parts": parts}


def total(parts: Sequence[Sequence]) -> int:
    return sum(MASSES[atom] * count for atom, count in parts)


def slots(facts: Facts) -> dict[str, object]:
    return {"formula": "".join(atom + (str(count) if count > 1 else "") for atom, count in facts["parts"])}


def solve(facts: Facts, options: Sequence[str], hand: Hand) -> None:
    weights = []
    for atom, count in facts["parts"]:
        mass = int(hand.choice(str(MASSES[atom]), [str(m) for m in MASSES.values()]))
        weights.append(hand.number(mass * count))
        hand.write(f"{atom} {mass}*{count}={weights[-1]}")
    result = hand.number(sum(weights))
    hand.write(f"{weights[0]}+{weights[1]}={result}")
    hand.settle(options, str(result))


MOLAR_MASS = Kind(
    name="molar_mass",
    paper="T3",
    domain="Chemistry",
    summary="molar mass of a binary compound from remembered atomic masses",
    wordings=(
        "Calculate the molar mass of {formula} in g/mol.",
        "How many grams does one mole of {formula} weigh?",
        "One mole of the compound {formula} is put on a balance. What does it read in grams?",
    ),
    rewordings=(
        "Determine the molecular weight of {formula}.",
        "What mass in grams corresponds to exactly one mole of {formula}?",
        "State M({formula}) in g/mol, with integer atomic masses.",
        "A chemist weighs out a mole of {formula}. How many grams are needed?",
        "Using rounded atomic masses, compute the molar mass of {formula}.",
        "Which molar mass belongs to {formula}?",
    ),
    lessons=(
        "[Weight|Mass] of [a|one|the] [molecule|unit|particle] {formula}?",
        "[How heavy|What weight] is {formula} [in units|in u|in daltons]?",
        "{formula}: [sum of atoms|weight|total weight]?",
        "[Add|Sum] the [weights|atoms] [in|of] {formula}.",
        "[Find|Give|Work out|Tell] [the weight|the mass number|how heavy it is]: {formula}",
        "[A|The] [gas|salt|liquid|solid|substance] [has|with] formula {formula}. [Its weight|Its mass|The total] is?",
        "[All|The] atoms of {formula} [together|in sum] [weigh|come to|make]?",
        "[Which number|What] is the [formula weight|weight in u] [of|for] {formula}?",
        "[Weigh|Count up] {formula} [atom by atom|element by element].",
        "{formula} [weighs|has a mass of|comes to] [how much|what]?",
    ),
    draw=draw,
    key=lambda facts: "".join(f"{atom}{count}" for atom, count in sorted(facts["parts"])),
    slots=slots,
    options=lambda facts, rng: numbers_around(total(facts["parts"]), rng),
    solve=solve,
    asides=lambda facts, options: [
        f"{atom} {MASSES[atom]}*{count}={MASSES[atom] * count}" for atom, count in facts["parts"]
    ],
)
