"""T4 in miniature: hydrogens of a three-atom chain, from valences that must be known and bonds that must be counted."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.question_types.question_type import Facts, QuestionType, shuffle_options
from openrft_pocket.question_types.trace import TraceWriter

VALENCES = {"C": 4, "Si": 4, "N": 3, "P": 3, "B": 3, "O": 2, "S": 2}
BONDS = (1, 2, 1)  # an end atom holds one bond of the chain, the middle one two
COUNTS = range(2, 9)  # from O-O-O to C-C-C


def draw_facts(rng: Random) -> Facts:
    """Three atoms. Every count of hydrogens is equally likely."""
    count = rng.choice(COUNTS)
    while True:
        chain = [rng.choice(list(VALENCES)) for _ in BONDS]
        if count_hydrogens(chain) == count:
            return {"chain": chain}


def draw_options(facts: Facts, rng: Random) -> tuple[list[str], int]:
    """Gold and three other possible counts from the same range, so that none can be ruled out."""
    gold = count_hydrogens(facts["chain"])
    others = rng.sample([count for count in COUNTS if count != gold], 3)
    return shuffle_options([str(count) for count in (gold, *others)], str(gold), rng)


def count_hydrogens(chain: Sequence[str]) -> int:
    return sum(VALENCES[atom] - bonds for atom, bonds in zip(chain, BONDS, strict=True))


def get_slots(facts: Facts) -> dict[str, object]:
    first, middle, last = facts["chain"]
    return {"chain": "-".join(facts["chain"]), "first": first, "middle": middle, "last": last}


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    free = []
    for atom, bonds in zip(facts["chain"], BONDS, strict=True):
        valence = int(writer.perturb_choice(str(VALENCES[atom]), "234"))
        free.append(writer.perturb_number(max(0, valence - bonds)))
        writer.write(f"{atom} {valence}-{bonds}={free[-1]}")
    result = writer.perturb_number(sum(free))
    writer.write("+".join(map(str, free)) + f"={result}")
    writer.write_answer(options, str(result))


STRUCTURE_COUNT = QuestionType(
    name="structure_count",
    paper="T4",
    domain="Chemistry",
    summary="hydrogens that saturate a chain of three atoms",
    wordings=(
        "Every free valence of the skeleton {chain} is saturated. How many hydrogen atoms does the molecule contain?",
        "The structure {chain} shows only heavy atoms. Count its implicit hydrogens.",
        "A molecule has the backbone {chain}. How many hydrogens complete it?",
    ),
    rewordings=(
        "Complete the skeleton {chain} with hydrogen. How many atoms of it are required?",
        "How many implicit hydrogens belong to the structure {chain}?",
        "Single bonds link {chain}. Determine the number of hydrogens in the saturated molecule.",
        "The heavy atoms of a molecule form {chain}. What is its hydrogen count?",
        "In the saturated compound with backbone {chain}, count the hydrogens.",
        "Fill the open valences of {chain}. The number of hydrogens is?",
    ),
    training_wordings=(
        "[How many|Number of] H [on|in|for|at] the [chain|line|row] {chain}?",
        "{chain}: [H needed|free bonds|open bonds|empty places]?",
        "[Free|Open|Unused] [bonds|hands|arms] [of|in|left on] {chain}?",
        "[Three|The] atoms [stand|sit|hang] in a [row|line]: {chain}. [Put|Place|Stick] H on [all|each] [free|open|empty] [bonds|arms]. [How many|What number] H?",
        "[Add|Attach|Hang] H to {chain} [until full|until no bond is free|everywhere]. [How many|The count is]?",
        "[Fill up|Cap] {chain} with H. [How many|What number] [go in|fit|are used]?",
        "[The chain|A chain] {chain} [takes|holds|carries|accepts] [how many|what number of] H?",
        "[Count|Tell] the H [that fit on|of|for] {chain}.",
        "[Bonds|Arms] [still free|left over|not used] in {chain}: [how many|what number]?",
        "[If|When] {chain} is [full|complete|closed with H], [how many H are there|the number of H is]?",
    ),
    draw_facts=draw_facts,
    problem_key=lambda facts: min("-".join(facts["chain"]), "-".join(reversed(facts["chain"]))),
    get_slots=get_slots,
    stratum=lambda facts: count_hydrogens(facts["chain"]),  # otherwise some counts, and so some ranks, would be rarer
    draw_options=draw_options,
    write_solution=write_solution,
)
