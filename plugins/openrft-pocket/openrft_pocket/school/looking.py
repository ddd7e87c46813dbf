"""Drills of what a question about listed values is made of: find a value, find the extreme, say a long name again."""

from __future__ import annotations

from random import Random

from openrft_pocket.kinds.diffusion_barrier import HOSTS
from openrft_pocket.kinds.hand import LETTERS
from openrft_pocket.school.chat import ASSISTANT, BEGIN, USER, Piece
from openrft_pocket.school.listing import ENDS, extreme
from openrft_pocket.school.sheets import (
    BETWEEN,
    CLOSE,
    FIELDS,
    MIXED,
    SYMBOLS,
    Sheets,
    as_text,
    heading,
    numbers,
    study,
    table,
)
from openrft_pocket.wording import nonsense


def extremes(rng: Random, sheets: Sheets = MIXED) -> list[Piece]:
    """A drill: values already read, then their extreme, its letter and name; three times."""
    alike = bool(sheets.records) and rng.random() < sheets.records
    pieces: list[Piece] = [(BEGIN + ASSISTANT, False)]
    for _ in range(3):
        if alike:
            names, values = study(rng), numbers(rng, plainly=0.2, widths=CLOSE)
            end = rng.choice(ENDS)
        else:
            names = rng.sample(SYMBOLS, 4) if rng.random() < 0.7 else rng.sample(HOSTS, 4)
            end, values = rng.choice(ENDS), numbers(rng)
        told = "".join(f"{letter}. {name} {v}\n" for letter, name, v in zip(LETTERS, names, values, strict=True))
        best = extreme(values, end)
        at = values.index(best)
        pieces.append((f"{end} {rng.choice('12')}\n{told}", False))
        pieces.append((f"= {best}\n{LETTERS[at]}. {names[at]}\n", True))
    return pieces


def naming(rng: Random, sheets: Sheets = MIXED) -> list[Piece]:
    """A drill: options with long or like names, said again one by one by their letters."""
    names = rng.sample(table(rng, sheets).names, 4)
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


def binding(rng: Random, long: float = 0.0) -> list[Piece]:
    """A drill: names that are much alike, each with its values close behind it, three times over. Which row is whose
    hangs on one atom amid a name: whole tables did not teach that in thousands of steps, short values do in hundreds.
    Long values that begin alike (a share of `long`) have to be told apart by the name at every digit."""
    names, columns = study(rng), rng.choice((1, 1, 2))
    fields = [f"{heading(rng, MIXED)}: " if rng.random() < 0.5 else "" for _ in range(columns)]
    values = [list(row) for row in zip(*(_values(rng, long) for _ in fields), strict=True)]
    between = rng.choice((", ", ", ", " ")) if all(fields) else " "
    told = [
        between.join([name, *(field + value for field, value in zip(fields, row, strict=True))])
        for name, row in zip(names, values, strict=True)
    ]
    pieces: list[Piece] = [(BEGIN + USER + rng.choice(("\n", "; ")).join(told) + ASSISTANT, False)]
    for _ in range(3):
        column = rng.randrange(columns)
        pieces.append((f"{rng.choice(ENDS)} {column + 1}\n", False))
        for letter, i in zip(LETTERS, rng.sample(range(4), 4), strict=True):
            pieces += [(f"{letter}. {names[i]} ", False), (values[i][column], True), ("\n", False)]
    return pieces


def _values(rng: Random, long: float) -> list[str]:
    return numbers(rng, plainly=0.2, widths=CLOSE) if long and rng.random() < long else _short(rng)


def _short(rng: Random) -> list[str]:
    """Four values of a digit or a few."""
    if rng.random() < 0.6:
        return [str(value) for value in rng.sample(range(10), 4)]
    return [f"{rng.randint(0, 9)}.{rng.randint(0, 99):02d}" for _ in range(4)]


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
