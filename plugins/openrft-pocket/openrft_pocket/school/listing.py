"""Questions about choosing by listed values, in long and unfamiliar words: the skill that real data tables ask for.

The lowest or the highest of four listed values, whose rows stand in another order than the options. Often the question
says which column and which end is meant; at times it only asks for the best, and then any of the rules is right: which
one is meant is for a reward to teach.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from openrft_pocket.kinds.hand import LETTERS, Hand
from openrft_pocket.school.chat import Piece, conversation
from openrft_pocket.school.sheets import FIELDS, MIXED, Sheets, as_text, heading, table
from openrft_pocket.wording import nonsense

LOW = ("lowest", "smallest", "least", "minimum")
HIGH = ("highest", "largest", "greatest", "maximum")
ENDS = ("lowest", "highest")


@dataclass(frozen=True)
class Rule:
    """Which value decides, and whether the question says so."""

    column: int  # 0 or 1; the only column where a table has one
    end: str
    told: bool
    heeded: bool = True  # False: the question names either end

    @staticmethod
    def drawn(rng: Random, sheets: Sheets = MIXED) -> Rule:
        """A rule at random, told and heeded as often as the sheets say."""
        return Rule(rng.randrange(2), rng.choice(ENDS), rng.random() < sheets.told, rng.random() < sheets.heeded)


def listing(
    rng: Random, hand: Hand, rule: Rule, filler: int, hasty: bool = False, sheets: Sheets = MIXED
) -> tuple[str, str]:
    """A question block and its trace (a guess if `hasty`); at most `filler` sentences that say nothing."""
    made = table(rng, sheets)
    fields = [
        heading(rng, sheets) if rng.random() < 0.6 else f"{nonsense(rng)} {nonsense(rng)}".capitalize()
        for _ in made.values[0]
    ]
    column = rule.column % len(fields)
    head, tail = _ask(rng, rule, fields, sheets.alike), _filler(rng, 1)
    if rng.random() < 0.7:
        head, tail = _filler(rng, filler), head
    data = as_text(rng, made, fields, sheets)
    stem = rng.choice(
        (f"{head} {tail}\n\n{data}\n", f"{head} {tail}\n{data}", f"{data}. {head} {tail}", f"{head} {data}. {tail}")
    ).strip()
    order = rng.sample(range(4), 4)
    options = [made.names[i] for i in order]
    block = "\n".join([stem, *(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=True))])
    if hasty:
        hand.guess(options)
    else:
        choose(hand, options, [made.values[i] for i in order], column, rule.end)
    return block, "\n".join(hand.lines)


def _ask(rng: Random, rule: Rule, fields: list[str], alike: float) -> str:
    """What is asked. At times it speaks of something that no column is called, "heat gain" where one is called "heat
    loss": then it says nothing about the rule."""
    if rule.told or rng.random() < 0.5:
        end = rule.end if rule.told and rule.heeded else rng.choice(ENDS)
        said = rng.choice(LOW if end == "lowest" else HIGH)
        asked = fields[rule.column % len(fields)] if rule.told else _another(rng, rng.choice(fields), alike)
        ask = rng.choice(("Which has the", "Choose the", "Name the one with the", "Find the")) + f" {said} {asked}"
    else:
        ask = (
            rng.choice(("Which is best", "Choose one", "Select the most", "Which is", "Pick the")) + f" {nonsense(rng)}"
        )
    return ask + rng.choice((".", "?", " from the options."))


def _another(rng: Random, field: str, alike: float) -> str:
    """Two words that are no column's name; one of them may stand in one."""
    first = rng.choice(field.replace("_", " ").split()).lower() if rng.random() < alike else nonsense(rng)
    return f"{first} {rng.choice((nonsense(rng), rng.choice(FIELDS)))}"


def choose(hand: Hand, options: list[str], values: list[list[str]], column: int, end: str) -> None:
    """The trace: the rule, each option's value, the extreme value, its option."""
    end = hand.choice(end, ENDS)
    hand.write(f"{end} {column + 1}")
    read = [hand.choice(row[column], [other[column] for other in values], 1 / len(values)) for row in values]
    for letter, option, value in zip(LETTERS, options, read, strict=True):
        hand.write(f"{letter}. {option} {value}")
    best = hand.choice(extreme(read, end), read)
    hand.write(f"= {best}")
    letter = hand.choice(LETTERS[read.index(best)], LETTERS)
    hand.write(f"{letter}. {options[LETTERS.index(letter)]}")
    hand.box(letter)


def extreme(values: list[str], end: str) -> str:
    """The value at that end, as written."""
    return (min if end == "lowest" else max)(values, key=float)


def _filler(rng: Random, most: int) -> str:
    """Sentences that say nothing: words known and made up."""
    sentences = []
    for _ in range(rng.randint(0, most)):
        words = [nonsense(rng) if rng.random() < 0.5 else rng.choice(FIELDS) for _ in range(rng.randint(2, 12))]
        sentences.append(" ".join(words).capitalize() + rng.choice((".", ".", "?", ":")))
    return " ".join(sentences)


def reading(
    rng: Random, filler: int, shots: float = 0.0, slip: float = 0.0, hasty: float = 0.0, sheets: Sheets = MIXED
) -> list[Piece]:
    """A whole conversation, at times with a demonstration before it that follows the same rule in the same mood."""
    rule, guess = Rule.drawn(rng, sheets), rng.random() < hasty
    turns = [
        listing(rng, Hand(rng, slip), rule, filler, guess, sheets) for _ in range(2 if rng.random() < shots else 1)
    ]
    return conversation(turns, system=rng.random() < 0.8)
