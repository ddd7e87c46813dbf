"""Small invented data tables: four rows of a name and one or two values, and their forms as text.

Every name, heading and number is invented here. Nothing is read from data.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from string import ascii_lowercase

from openrft_pocket.question_types.diffusion_barrier import HOSTS
from openrft_pocket.question_types.wording import invent_word

SYMBOLS = (
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "K", "Ca",
    "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",
    "Zr", "Nb", "Mo", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe", "Cs", "Ba", "La", "Ce", "Pr",
    "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au",
    "Hg", "Tl", "Pb", "Bi",
)  # fmt: skip
HEADINGS = (
    "cost", "wall", "hill", "price", "weight", "depth", "strength", "level", "energy", "density", "potential", "gap",
    "charge per site", "first step", "mean height", "free work", "heat", "rate", "loss", "gain", "distance", "pressure",
)  # fmt: skip
UNITS = ("", "", "", " eV", " V", " g", " meV", " kJ/mol", " nm")
SEPARATORS = (" in ", " in ", " in ", " on ", "-", " / ", " ")  # between the two parts of a name


@dataclass(frozen=True)
class TableStyle:
    """What tables look like and what questions say about them. All fields are shares between 0 and 1."""

    two_part_names: float = 0.4  # of tables: names have two parts, "Fe in Al"
    two_columns: float = 0.5  # of tables: a second column of values
    long_headings: float = 0.0  # of headings: many words; of tables: values of many digits
    rule_stated: float = 0.6  # of questions: they say which column and which end is meant
    rule_followed: float = 1.0  # of these: the solution follows the end that the question names
    shared_words: float = 0.0  # of questions that name something else than a column: it shares a word with a column


MIXED_STYLE = TableStyle()


@dataclass(frozen=True)
class Table:
    """Four rows: the name of each in the options, the parts of that name in the table, and its values as text."""

    names: list[str]
    parts: list[tuple[str, ...]]  # of the name: one, or two with a separator between them
    values: list[list[str]]  # by row, by column


def draw_values(rng: Random, decimals: int | None = None) -> list[str]:
    """Four different values, half of the time with different first digits, which makes the rule easy to see."""
    if rng.random() < 0.5:
        return _draw_distinct_values(rng, decimals or rng.choice((1, 2, 2, 3, 4, 5)))
    return _draw_close_values(rng, decimals or rng.choice((1, 2, 2, 3, 4, 5, 5, 6, 9)))


def _draw_distinct_values(rng: Random, decimals: int) -> list[str]:
    """Values of one length that differ in their first digit, or in the first after "0."."""
    negative, low = rng.choice((0.0, 0.0, 0.5, 1.0)), rng.random() < 0.5
    signs = ["-" if rng.random() < negative else "" for _ in range(4)]
    firsts = rng.sample(range(0 if low else 1, 10), 4)
    if low:
        tails = [str(rng.randrange(10 ** (decimals - 1))).zfill(decimals - 1) if decimals > 1 else "" for _ in range(4)]
        return [f"{sign}0.{first}{tail}" for sign, first, tail in zip(signs, firsts, tails, strict=True)]
    tails = [str(rng.randrange(10**decimals)).zfill(decimals) for _ in range(4)]
    return [f"{sign}{first}.{tail}" for sign, first, tail in zip(signs, firsts, tails, strict=True)]


def _draw_close_values(rng: Random, decimals: int) -> list[str]:
    """Values of one size and number of decimals, as in a column of real data. Sometimes they are close together."""
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


def draw_table(rng: Random, style: TableStyle = MIXED_STYLE) -> Table:
    """Four rows with one sort of name and one or two columns."""
    sort = rng.random()
    if sort < 0.1:
        parts: list[tuple[str, ...]] = [(name,) for name in rng.sample(HOSTS, 4)]
    elif sort < 0.2:
        parts = [(name,) for name in rng.sample(SYMBOLS, 4)]
    elif sort < 0.3:
        parts = [(invent_word(rng),) for _ in range(4)]
    elif sort < 0.3 + style.two_part_names:
        first = rng.choice(SYMBOLS)
        parts = [(first if rng.random() < 0.6 else rng.choice(SYMBOLS), host) for host in rng.sample(SYMBOLS, 4)]
    else:
        parts = [(name,) for name in _draw_formulas(rng)]
    between = rng.choice(SEPARATORS)
    names = [between.join(part) for part in parts]
    if len(set(names)) < 4:
        return draw_table(rng, style)
    decimals = rng.choice((4, 5, 5, 6)) if rng.random() < style.long_headings else None
    columns = [draw_values(rng, decimals) for _ in range(2 if rng.random() < style.two_columns else 1)]
    return Table(names, parts, [list(row) for row in zip(*columns, strict=True)])


def _draw_formulas(rng: Random) -> list[str]:
    """Four formulas that differ in one or two atoms, like the compounds of one study."""
    size = rng.randint(2, 4)
    atoms = rng.sample(SYMBOLS, size)
    counts = [rng.choice(("", "2", "3", "4", "8", str(rng.randint(1, 9)))) for _ in atoms]
    tail = rng.choice(("", "O3", "O24", f"O{rng.randint(2, 30)}"))
    varied = rng.randrange(size)
    found: list[str] = []
    while len(found) < 4:
        new_atoms, new_counts = list(atoms), list(counts)
        new_atoms[varied] = rng.choice(SYMBOLS) if rng.random() < 0.7 else new_atoms[varied]
        new_counts[varied] = rng.choice((new_counts[varied], str(rng.randint(1, 8))))
        if rng.random() < 0.2:
            new_counts[rng.randrange(size)] = str(rng.randint(1, 8))
        text = "".join(atom + count for atom, count in zip(new_atoms, new_counts, strict=True)) + tail
        if text not in found:
            found.append(text)
    return found


def draw_heading(rng: Random, style: TableStyle) -> str:
    """The heading of a column or of a part of a name: a word or two, or a long row of odd words."""
    if rng.random() < style.long_headings:
        words = [
            invent_word(rng) if rng.random() < 0.4 else "".join(rng.choices(ascii_lowercase, k=rng.randint(2, 8)))
            for _ in range(rng.randint(1, 3))
        ]
        return rng.choice((" ", " ", "_")).join(word.capitalize() for word in words)
    return rng.choice(HEADINGS) if rng.random() < 0.5 else invent_word(rng).capitalize()


def render_table(rng: Random, table: Table, headings: list[str], style: TableStyle) -> str:
    """The table as text: one line for each row with its headings, or all rows in one line."""
    units = [rng.choice(UNITS) for _ in headings]
    if len(headings) == 1 and len(table.parts[0]) == 1 and rng.random() < 0.35:
        between = rng.choice((" ", ": ", " = "))
        return rng.choice((", ", "; ", "\n")).join(
            f"{name}{between}{values[0]}{units[0]}" for name, values in zip(table.names, table.values, strict=True)
        )
    name_headings = [draw_heading(rng, style) for _ in table.parts[0]]
    numbered, whole_names = rng.random() < 0.6, rng.random() < 0.3
    lines = []
    for i, (name, parts, values) in enumerate(zip(table.names, table.parts, table.values, strict=True), 1):
        number = f" {i}" if numbered else ""
        named = [f"{name_headings[0]}{number}: {name}"]
        if not whole_names:
            named = [f"{head}{number}: {part}" for head, part in zip(name_headings, parts, strict=True)]
        cells = zip(headings, values, units, strict=True)
        valued = [f"{heading}{number}: {value}{unit}" for heading, value, unit in cells]
        lines.append(", ".join([*named, *valued]))
    return "\n".join(lines)
