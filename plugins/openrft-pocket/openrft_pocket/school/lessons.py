"""Whole questions of pre-training: the kinds in words of their own, at times with demonstrations before them.

The tasks' own wordings and the rewriter's are not used here; their single words occur as stray words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random

from openrft_pocket.kinds import KINDS, LEVELS, Kind
from openrft_pocket.kinds.hand import LETTERS, Hand
from openrft_pocket.kinds.prose import retold
from openrft_pocket.school.chat import Piece, conversation
from openrft_pocket.school.drills import drill
from openrft_pocket.school.listing import reading
from openrft_pocket.school.looking import extremes, finding, naming, seeking
from openrft_pocket.school.sheets import MIXED, Sheets
from openrft_pocket.wording import phrase, words_of

KNOWLEDGE = 0.12  # share of level L1 among the questions
BANK = tuple(
    sorted(
        {w for kind in KINDS.values() for t in (*kind.wordings, *kind.rewordings, *kind.lessons) for w in words_of(t)}
    )
)
TAUGHT = {word for kind in KINDS.values() for t in kind.lessons for word in words_of(t)}
STRANGE = tuple(word for word in BANK if word not in TAUGHT)  # met as stray words alone, so they must be met often


@dataclass(frozen=True)
class Diet:
    """What share of rows is what."""

    drills: float = 0.2
    listing: float = 0.0  # questions about listed values, and the drills that lead to them
    leading: float = 0.55  # share of the drills among them
    sheets: Sheets = MIXED  # what their tables look like
    filler: int = 0  # sentences in those that say nothing, at most
    shots: float = 0.15  # rows with one to three demonstrations
    slip: float = 0.0  # chance that a line is flawed, in traces that may be flawed
    careless: float = 0.0  # share of traces that may be flawed
    hasty: float = 0.0  # share of conversations that guess instead of reasoning
    luck: float = 1.0  # share of flawed traces kept although they end at the right option
    noise: float = 0.15  # share of disturbed words, in three stems of ten
    gibberish: float = 0.2  # share of stems in which most words are disturbed
    loose: float = 0.0  # chance that a stray word or another mark stands behind a number
    prose: bool = False  # traces in the second style (kinds/prose.py)


def exercise(
    kind: Kind, rng: Random, diet: Diet, template: str | None = None, hasty: bool = False
) -> tuple[str, str, str]:
    """Question block, trace (a guess if `hasty`) and gold letter."""
    facts = (kind.practice or kind.draw)(rng)
    options, gold = kind.options(facts, rng)
    noise = _noise(rng, diet, kind) if template is None else 0.0
    words = STRANGE if rng.random() < 0.5 else BANK
    stem = phrase(template or rng.choice(kind.lessons), kind.slots(facts), rng, noise, words, diet.loose)
    hand = Hand(rng, diet.slip if rng.random() < diet.careless else 0.0)
    if hasty:
        hand.guess(options)
    else:
        kind.solve(facts, options, hand)
        while hand.slipped and hand.boxed == LETTERS[gold] and rng.random() >= diet.luck:
            hand = Hand(rng, hand.slip)
            kind.solve(facts, options, hand)
    block = "\n".join([stem, *(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=True))])
    lines = [retold(line) for line in hand.lines] if diet.prose else hand.lines
    return block, "\n".join(lines), LETTERS[gold]


def _noise(rng: Random, diet: Diet, kind: Kind) -> float:
    """A stem of which hardly a word makes sense teaches to go by numbers, units and formulas, whatever the wording.
    Knowledge items are spared: there the words alone say what is asked."""
    share = rng.random()
    if share < diet.gibberish:
        return rng.uniform(0.4, 0.95) if kind.level == "L3" else 0.0
    return diet.noise if share < diet.gibberish + 0.3 else 0.0


def lesson(rng: Random, diet: Diet) -> list[Piece]:
    """One conversation about one kind, in one mood. A demonstration shows a trace, or the boxed letter alone."""
    kind = KINDS[rng.choice(LEVELS["L1" if rng.random() < KNOWLEDGE else "L3"])]
    shots = rng.randint(1, 3) if rng.random() < diet.shots else 0
    template = rng.choice(kind.lessons) if rng.random() < 0.5 else None
    bare, hasty = rng.random() < 0.5, rng.random() < diet.hasty
    turns = []
    for turn in range(shots + 1):
        block, trace, gold = exercise(kind, rng, diet, template if shots else None, hasty)
        turns.append((block, "\\boxed{" + gold + "}" if bare and turn < shots else trace))
    pieces = conversation(turns, system=rng.random() < 0.8)
    if not bare or not shots:
        return pieces
    return [(text, learn and i == len(pieces) - 1) for i, (text, learn) in enumerate(pieces)]


def row(rng: Random, diet: Diet) -> list[Piece]:
    """One row of pre-training: a drill, a question about listed values or a drill that leads to it, or a lesson."""
    share = rng.random()
    if share < diet.drills:
        return drill(rng)
    if share < diet.drills + diet.listing:
        if rng.random() < diet.leading:
            long = diet.sheets.long
            drills = (partial(finding, sheets=diet.sheets), partial(seeking, sheets=diet.sheets), naming, extremes)
            return rng.choices(drills, (4 * (1 - long), 4 * long, 1, 3))[0](rng)
        slip = diet.slip if rng.random() < diet.careless else 0.0
        return reading(rng, diet.filler, diet.shots, slip, diet.hasty, diet.sheets)
    return lesson(rng, diet)
