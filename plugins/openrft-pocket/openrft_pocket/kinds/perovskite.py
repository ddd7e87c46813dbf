"""T8 in miniature: the one neutral ABO3 among four formulas, from ion charges that must be known."""
# ruff: noqa: E501 -- a wording is one line

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from openrft_pocket.kinds.hand import LETTERS, Hand
from openrft_pocket.kinds.kind import Facts, Kind, shuffled

A_SITE = {"Na": 1, "K": 1, "Rb": 1, "Ag": 1, "Ca": 2, "Sr": 2, "Ba": 2, "Pb": 2, "La": 3, "Nd": 3, "Bi": 3, "Y": 3}
B_SITE = {"Al": 3, "Fe": 3, "Ga": 3, "Cr": 3, "Ti": 4, "Zr": 4, "Sn": 4, "Hf": 4, "Nb": 5, "Ta": 5, "V": 5, "Sb": 5}
NEUTRAL = 6  # three oxide ions of charge -2


def draw(rng: Random) -> Facts:
    """Four A/B pairs, exactly one of them neutral; all formulas distinct."""
    pairs = [(a, b) for a in A_SITE for b in B_SITE]
    gold = rng.choice([p for p in pairs if charge(p) == NEUTRAL])
    others = rng.sample([p for p in pairs if charge(p) != NEUTRAL], 3)
    return {"pairs": sorted(map(list, [gold, *others]))}


def charge(pair: Sequence[str]) -> int:
    return A_SITE[pair[0]] + B_SITE[pair[1]]


def formula(pair: Sequence[str]) -> str:
    return f"{pair[0]}{pair[1]}O3"


def options(facts: Facts, rng: Random) -> tuple[list[str], int]:
    gold = next(pair for pair in facts["pairs"] if charge(pair) == NEUTRAL)
    return shuffled([formula(pair) for pair in facts["pairs"]], formula(gold), rng)


def solve(facts: Facts, options: Sequence[str], hand: Hand) -> None:
    pairs = {formula(pair): pair for pair in facts["pairs"]}
    for letter, text in zip(LETTERS, options, strict=True):
        a, b = pairs[text]
        left = int(hand.choice(str(A_SITE[a]), "123"))
        right = int(hand.choice(str(B_SITE[b]), "345"))
        total = hand.number(left + right)
        hand.write(f"{letter}. {text} {left}+{right}={total}")
        if total == NEUTRAL:
            return hand.box(letter)
    hand.box(hand.rng.choice(LETTERS))


def scan(facts: Facts, options: Sequence[str]) -> list[str]:
    """The line of every option: a trace stops at the neutral one, but the lines after it would be true."""
    pairs = {formula(pair): pair for pair in facts["pairs"]}
    return [
        f"{letter}. {text} {A_SITE[pairs[text][0]]}+{B_SITE[pairs[text][1]]}={charge(pairs[text])}"
        for letter, text in zip(LETTERS, options, strict=True)
    ]


PEROVSKITE = Kind(
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
    lessons=(
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
    draw=draw,
    key=lambda facts: ",".join(formula(pair) for pair in facts["pairs"]),
    slots=lambda facts: {},
    options=options,
    solve=solve,
    asides=scan,
)
