"""T3 in miniature: the molar mass of a two-element compound, from atomic masses that must be known."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.question_types.question_type import Facts, QuestionType, draw_number_options
from openrft_pocket.question_types.trace import TraceWriter

MASSES = {"H": 1, "Li": 7, "B": 11, "C": 12, "N": 14, "O": 16, "F": 19, "Na": 23, "Al": 27, "S": 32}


def draw_facts(rng: Random) -> Facts:
    """Two elements, one to four atoms of each, at most 99 in all."""
    while True:
        parts = [[atom, rng.randint(1, 4)] for atom in rng.sample(list(MASSES), 2)]
        if 5 <= compute_mass(parts) <= 99:
            return {"parts": parts}


def compute_mass(parts: Sequence[Sequence]) -> int:
    return sum(MASSES[atom] * count for atom, count in parts)


def get_slots(facts: Facts) -> dict[str, object]:
    return {"formula": "".join(atom + (str(count) if count > 1 else "") for atom, count in facts["parts"])}


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    weights = []
    for atom, count in facts["parts"]:
        mass = int(writer.perturb_choice(str(MASSES[atom]), [str(m) for m in MASSES.values()]))
        weights.append(writer.perturb_number(mass * count))
        writer.write(f"{atom} {mass}*{count}={weights[-1]}")
    result = writer.perturb_number(sum(weights))
    writer.write(f"{weights[0]}+{weights[1]}={result}")
    writer.write_answer(options, str(result))


MOLAR_MASS = QuestionType(
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
    training_wordings=(
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
    draw_facts=draw_facts,
    problem_key=lambda facts: "".join(f"{atom}{count}" for atom, count in sorted(facts["parts"])),
    get_slots=get_slots,
    draw_options=lambda facts, rng: draw_number_options(compute_mass(facts["parts"]), rng),
    write_solution=write_solution,
    list_optional_lines=lambda facts, options: [
        f"{atom} {MASSES[atom]}*{count}={MASSES[atom] * count}" for atom, count in facts["parts"]
    ],
)
