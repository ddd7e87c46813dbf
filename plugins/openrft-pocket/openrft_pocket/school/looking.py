"""Drills of what a question about listed values is made of: find a value, find the extreme, say a long name again."""

from __future__ import annotations

from random import Random

from openrft_pocket.kinds.diffusion_barrier import HOSTS
from openrft_pocket.kinds.hand import LETTERS
from openrft_pocket.school.chat import ASSISTANT, BEGIN, USER, Piece
from openrft_pocket.school.listing import ENDS, extreme
from openrft_pocket.school.sheets import BETWEEN, FIELDS, MIXED, SYMBOLS, Sheets, as_text, heading, numbers, table
from openrft_pocket.wording import nonsense


def extremes(rng: Random) -> list[Piece]:
    """A drill: values already read, then their extreme, its letter and name; three times."""
    pieces: list[Piece] = [(BEGIN + ASSISTANT, False)]
    for _ in range(3):
        names = rng.sample(SYMBOLS, 4) if rng.random() < 0.7 else rng.sample(HOSTS, 4)
        end, values = rng.choice(ENDS), numbers(rng)
        told = "".join(f"{letter}. {name} {v}\n" for letter, name, v in zip(LETTERS, names, values, strict=True))
        best = extreme(values, end)
        at = values.index(best)
        pieces.append((f"{end} {rng.choice('12')}\n{told}", False))
        pieces.append((f"= {best}\n{LETTERS[at]}. {names[at]}\n", True))
    return pieces


def naming(rng: Random) -> list[Piece]:
    """A drill: options with long or like names, said again one by one by their letters."""
    names = rng.sample(table(rng).names, 4)
    block = "\n".join(f"{letter}. {name}" for letter, name in zip(LETTERS, names, strict=True))
    pieces: list[Piece] = [(BEGIN + USER + "?\n" + block + ASSISTANT, False)]
    for i in rng.sample(range(4), 4):
        pieces += [(f"{LETTERS[i]}. ", False), (f"{names[i]}\n", True)]
    return pieces


def finding(rng: Random, sheets: Sheets = MIXED) -> list[Piece]:
    """A drill: a small table whose values stand a few words after their names, and then each name with its value.
    Without it whole questions did not teach to look past the words between; with it that came in a thousand steps."""
    two = rng.random() < sheets.paired
    names = rng.sample(HOSTS, 4) if not two and rng.random() < 0.5 else rng.sample(SYMBOLS, 4)
    first = rng.choice(SYMBOLS)
    before = [first if rng.random() < 0.7 else rng.choice(SYMBOLS) for _ in names]
    fields = [
        rng.choice(FIELDS) if rng.random() < 0.5 else nonsense(rng)
        for _ in range(2 if rng.random() < sheets.double else 1)
    ]
    values = [list(row) for row in zip(*(numbers(rng) for _ in fields), strict=True)]
    head = rng.choice(("", "", heading(rng, sheets) + ": "))
    numbered, between = rng.random() < 0.5, rng.choice((", ", ", " + heading(rng, sheets) + ": "))
    lines = []
    for i, (lead, name, row) in enumerate(zip(before, names, values, strict=True), 1):
        number = f" {i}" if numbered else ""
        named = head + (lead + between if two else "") + name
        lines.append(", ".join([named, *(f"{field}{number}: {v}" for field, v in zip(fields, row, strict=True))]))
    column, inside = rng.randrange(len(fields)), rng.choice(BETWEEN)
    told = rng.choice(("\n", "; ")).join(lines)
    pieces: list[Piece] = [(BEGIN + USER + told + ASSISTANT + f"{rng.choice(ENDS)} {column + 1}\n", False)]
    for letter, i in zip(LETTERS, rng.sample(range(4), 4), strict=True):
        name = before[i] + inside + names[i] if two else names[i]
        pieces += [(f"{letter}. {name} ", False), (values[i][column], True), ("\n", False)]
    return pieces


def seeking(rng: Random, sheets: Sheets = MIXED) -> list[Piece]:
    """A drill: a table as whole questions have it, and then each name with its value, twice over."""
    made = table(rng, sheets)
    fields = [heading(rng, sheets) for _ in made.values[0]]
    pieces: list[Piece] = [(BEGIN + USER + as_text(rng, made, fields, sheets) + ASSISTANT, False)]
    for column in rng.sample((0, len(fields) - 1), 2):
        pieces.append((f"{rng.choice(ENDS)} {column + 1}\n", False))
        for letter, i in zip(LETTERS, rng.sample(range(4), 4), strict=True):
            pieces += [(f"{letter}. {made.names[i]} ", False), (made.values[i][column], True), ("\n", False)]
    return pieces
