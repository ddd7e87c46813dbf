"""T8 in miniature: the one neutral ABO3 among four formulas, from ion charges that must be known."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.question_types.question_type import Facts, QuestionType, shuffle_options
from openrft_pocket.question_types.trace import LETTERS, TraceWriter

A_SITE = {"Na": 1, "K": 1, "Rb": 1, "Ag": 1, "Ca": 2, "Sr": 2, "Ba": 2, "Pb": 2, "La": 3, "Nd": 3, "Bi": 3, "Y": 3}
B_SITE = {"Al": 3, "Fe": 3, "Ga": 3, "Cr": 3, "Ti": 4, "Zr": 4, "Sn": 4, "Hf": 4, "Nb": 5, "Ta": 5, "V": 5, "Sb": 5}
NEUTRAL = 6  # three oxide ions of charge -2


def draw_facts(rng: Random) -> Facts:
    """Four A/B pairs, exactly one of them neutral; all formulas distinct."""
    pairs = [(a, b) for a in A_SITE for b in B_SITE]
    gold = rng.choice([p for p in pairs if add_charges(p) == NEUTRAL])
    others = rng.sample([p for p in pairs if add_charges(p) != NEUTRAL], 3)
    return {"pairs": sorted(map(list, [gold, *others]))}


def add_charges(pair: Sequence[str]) -> int:
    return A_SITE[pair[0]] + B_SITE[pair[1]]


def format_formula(pair: Sequence[str]) -> str:
    return f"{pair[0]}{pair[1]}O3"


def draw_options(facts: Facts, rng: Random) -> tuple[list[str], int]:
    gold = next(pair for pair in facts["pairs"] if add_charges(pair) == NEUTRAL)
    return shuffle_options([format_formula(pair) for pair in facts["pairs"]], format_formula(gold), rng)


def write_solution(facts: Facts, options: Sequence[str], writer: TraceWriter) -> None:
    pairs = {format_formula(pair): pair for pair in facts["pairs"]}
    for letter, text in zip(LETTERS, options, strict=True):
        a, b = pairs[text]
        left = int(writer.perturb_choice(str(A_SITE[a]), "123"))
        right = int(writer.perturb_choice(str(B_SITE[b]), "345"))
        total = writer.perturb_number(left + right)
        writer.write(f"{letter}. {text} {left}+{right}={total}")
        if total == NEUTRAL:
            return writer.write_boxed(letter)
    writer.write_boxed(writer.rng.choice(LETTERS))


def list_option_lines(facts: Facts, options: Sequence[str]) -> list[str]:
    """The line of every option. A trace stops at the neutral one, but the lines after it would also be true."""
    pairs = {format_formula(pair): pair for pair in facts["pairs"]}
    return [
        f"{letter}. {text} {A_SITE[pairs[text][0]]}+{B_SITE[pairs[text][1]]}={add_charges(pairs[text])}"
        for letter, text in zip(LETTERS, options, strict=True)
    ]


PEROVSKITE = QuestionType(
    name="perovskite",
    paper="T8",
    domain="Material",
    summary="the charge-balanced ABO3 perovskite among four formulas",
    wordings=(
        "Which composition can form a stable charge-neutral perovskite?",
        "Only one of these perovskite compositions is electrically neutral. Select it.",
        "Judge by charge neutrality which perovskite is stable.",
    ),
    rewordings=(
        "Select the perovskite whose ionic charges cancel.",
        "A stable perovskite must be electrically neutral. Which composition qualifies?",
        "Considering ionic charges alone, which perovskite composition is stable?",
        "Identify the neutral perovskite.",
        "Which perovskite below fulfils charge neutrality?",
        "One perovskite composition obeys charge neutrality. Identify it.",
    ),
    training_wordings=(
        "[Which|What] [oxide|compound|solid|crystal] [is balanced|has no charge|balances|is in balance]?",
        "[Pick|Choose|Find|Name] the [oxide|compound|solid] with [balanced|matching] [charges|ions].",
        "ABO3: A and B [must|should] [add up|sum|come] to 6. [Which|Who|What] does?",
        "[Balance|Charges add to 6|Sum 6]: [which|what] [oxide|formula|one]?",
        "[In|For] [which|what] [oxide|formula|solid] do the [ions|charges] [balance|even out|sum to 6]?",
        "[The metals|Both metals|Two metals] [carry|bring|hold] 6 [charges|plus] [in|for] [which|what] [oxide|formula]?",
        "[Find|Spot|Mark] the [oxide|solid|formula] [where|in which] [the sum is 6|all is balanced|plus equals minus].",
        "[Oxygen takes|O3 takes|O takes] 6 [in all|together]. [Which|What] [oxide|pair|formula] [gives|pays] [just that|6]?",
        "[One|A single] [oxide|solid] [here|of these] [balances|is right|can exist]. [Which|Name it|Find it].",
        "[Balanced|Possible|Correct] [oxide|formula|solid]?",
    ),
    draw_facts=draw_facts,
    problem_key=lambda facts: ",".join(format_formula(pair) for pair in facts["pairs"]),
    get_slots=lambda facts: {},
    draw_options=draw_options,
    write_solution=write_solution,
    list_optional_lines=list_option_lines,
)
