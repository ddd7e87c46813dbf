"""Small made-up data tables: four rows of a name and one or two values, and how they stand in a text.

Every name, heading and number is made up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from string import ascii_lowercase

from openrft_pocket.kinds.diffusion_barrier import HOSTS
from openrft_pocket.wording import nonsense

SYMBOLS = (
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "K", "Ca",
    "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",
    "Zr", "Nb", "Mo", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pr",
    "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au",
    "Hg", "Tl", "Pb", "Bi",
)  # fmt: skip
FIELDS = (
    "cost", "wall", "hill", "price", "weight", "depth", "strength", "level", "energy", "density", "potential", "gap",
    "charge per site", "first step", "mean height", "free work", "heat", "rate", "loss", "gain", "distance", "pressure",
)  # fmt: skip
UNITS = ("", "", "", " eV", " V", " g", " meV", " kJ/mol", " nm")
BETWEEN = (" in ", " in ", " in ", " on ", "-", " / ", " ")  # between the two parts of a name


@dataclass(frozen=True)
class Sheets:
    """What tables look like, and what questions say about them."""

    paired: float = 0.4  # share whose names have two parts, "Fe in Al"
    double: float = 0.5  # share with a second column of values
    long: float = 0.0  # share with headings of many words and values of many digits
    told: float = 0.6  # share of questions that say which column and which end is meant
    heeded: float = 1.0  # share of those whose trace heeds the end that is named
    alike: float = 0.0  # share of questions that leave it open and yet name something like a column


MIXED = Sheets()


@dataclass(frozen=True)
class Table:
    """Four rows: how each is called among the options, how the table names it, and its values as written."""

    names: list[str]
    parts: list[tuple[str, ...]]  # what the name is made of: one word, or two with a word between them
    values: list[list[str]]  # by row, by column


def numbers(rng: Random, decimals: int | None = None) -> list[str]:
    """Four different values, half of the time with different first digits, so that the rule shows itself."""
    if rng.random() < 0.5:
        return plain(rng, decimals or rng.choice((1, 2, 2, 3, 4, 5)))
    return written(rng, decimals or rng.choice((1, 2, 2, 3, 4, 5, 5, 6, 9)))


def plain(rng: Random, decimals: int) -> list[str]:
    """Values of one length that differ in their first digit, or in the first behind "0."."""
    negative, low = rng.choice((0.0, 0.0, 0.5, 1.0)), rng.random() < 0.5
    signs = ["-" if rng.random() < negative else "" for _ in range(4)]
    firsts = rng.sample(range(0 if low else 1, 10), 4)
    if low:
        tails = [str(rng.randrange(10 ** (decimals - 1))).zfill(decimals - 1) if decimals > 1 else "" for _ in range(4)]
        return [f"{sign}0.{first}{tail}" for sign, first, tail in zip(signs, firsts, tails, strict=True)]
    tails = [str(rng.randrange(10**decimals)).zfill(decimals) for _ in range(4)]
    return [f"{sign}{first}.{tail}" for sign, first, tail in zip(signs, firsts, tails, strict=True)]


def written(rng: Random, decimals: int) -> list[str]:
    """Values as a table writes them: same sign rule, size and number of decimals; at times close."""
    size = rng.choice((0.5, 1.5, 1.5, 10, 10, 100, 250))
    negative = rng.choice((0.0, 0.0, 0.3, 0.6, 1.0))
    centre, width = rng.uniform(0, size), size * rng.choice((1.0, 1.0, 0.2, 0.03))
    found: dict[str, float] = {}
    while len(found) < 4:
        value = abs(rng.uniform(centre - width, centre + width)) * (-1 if rng.random() < negative else 1)
        text = f"{value:.{decimals}f}"
        if rng.random() < 0.2:
            text = text.rstrip("0").rstrip(".") if "." in text else text
        if all(abs(float(text) - other) > 1e-12 for other in found.values()):
            found[text] = float(text)
        elif decimals < 3:
            width *= 1.3
    return list(found)


def table(rng: Random, sheets: Sheets = MIXED) -> Table:
    """Rows of one sort of name and one or two columns."""
    sort = rng.random()
    if sort < 0.1:
        parts: list[tuple[str, ...]] = [(name,) for name in rng.sample(HOSTS, 4)]
    elif sort < 0.2:
        parts = [(name,) for name in rng.sample(SYMBOLS, 4)]
    elif sort < 0.3:
        parts = [(nonsense(rng),) for _ in range(4)]
    elif sort < 0.3 + sheets.paired:
        first = rng.choice(SYMBOLS)
        parts = [(first if rng.random() < 0.6 else rng.choice(SYMBOLS), host) for host in rng.sample(SYMBOLS, 4)]
    else:
        parts = [(name,) for name in _formulas(rng)]
    between = rng.choice(BETWEEN)
    names = [between.join(part) for part in parts]
    if len(set(names)) < 4:
        return table(rng, sheets)
    decimals = rng.choice((4, 5, 5, 6)) if rng.random() < sheets.long else None
    columns = [numbers(rng, decimals) for _ in range(2 if rng.random() < sheets.double else 1)]
    return Table(names, parts, [list(row) for row in zip(*columns, strict=True)])


def _formulas(rng: Random) -> list[str]:
    """Four formulas that differ in one or two atoms, as compounds of one study do."""
    size = rng.randint(2, 4)
    atoms = rng.sample(SYMBOLS, size)
    counts = [rng.choice(("", "2", "3", "4", "8", str(rng.randint(1, 9)))) for _ in atoms]
    tail = rng.choice(("", "O3", "O24", f"O{rng.randint(2, 30)}"))
    varied = rng.randrange(size)
    found: list[str] = []
    while len(found) < 4:
        mine, many = list(atoms), list(counts)
        mine[varied] = rng.choice(SYMBOLS) if rng.random() < 0.7 else mine[varied]
        many[varied] = rng.choice((many[varied], str(rng.randint(1, 8))))
        if rng.random() < 0.2:
            many[rng.randrange(size)] = str(rng.randint(1, 8))
        text = "".join(atom + count for atom, count in zip(mine, many, strict=True)) + tail
        if text not in found:
            found.append(text)
    return found


def heading(rng: Random, sheets: Sheets) -> str:
    """What a part of a name or a column is called: a word or two, or a long row of odd words."""
    if rng.random() < sheets.long:
        odd = [
            nonsense(rng) if rng.random() < 0.4 else "".join(rng.choices(ascii_lowercase, k=rng.randint(2, 8)))
            for _ in range(rng.randint(1, 3))
        ]
        return rng.choice((" ", " ", "_")).join(word.capitalize() for word in odd)
    return rng.choice(FIELDS) if rng.random() < 0.5 else nonsense(rng).capitalize()


def as_text(rng: Random, made: Table, fields: list[str], sheets: Sheets) -> str:
    """The table as text: one row a line with its fields named, or all rows in one line."""
    units = [rng.choice(UNITS) for _ in fields]
    if len(fields) == 1 and len(made.parts[0]) == 1 and rng.random() < 0.35:
        between = rng.choice((" ", ": ", " = "))
        return rng.choice((", ", "; ", "\n")).join(
            f"{name}{between}{values[0]}{units[0]}" for name, values in zip(made.names, made.values, strict=True)
        )
    heads = [heading(rng, sheets) for _ in made.parts[0]]
    numbered, whole = rng.random() < 0.6, rng.random() < 0.3
    lines = []
    for i, (name, parts, values) in enumerate(zip(made.names, made.parts, made.values, strict=True), 1):
        number = f" {i}" if numbered else ""
        named = [f"{heads[0]}{number}: {name}"]
        if not whole:
            named = [f"{head}{number}: {part}" for head, part in zip(heads, parts, strict=True)]
        valued = [f"{f}{number}: {v}{u}" for f, v, u in zip(fields, values, units, strict=True)]
        lines.append(", ".join([*named, *valued]))
    return "\n".join(lines)
