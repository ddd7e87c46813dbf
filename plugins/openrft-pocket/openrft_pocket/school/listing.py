"""Questions about choosing by listed values, in long and unfamiliar words: the skill that real data tables ask for.

The lowest or the highest of four listed values, whose rows stand in another order than the options. Often the question
says which column and which end is meant; at times it only asks for the best, and then any of the rules is right: which
one is meant is for a reward to teach. Every name, field and sentence is made up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from string import ascii_lowercase

from openrft_pocket.kinds.diffusion_barrier import HOSTS
from openrft_pocket.kinds.hand import LETTERS, Hand
from openrft_pocket.school.chat import ASSISTANT, BEGIN, USER, Piece, conversation
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
LOW = ("lowest", "smallest", "least", "minimum")
HIGH = ("highest", "largest", "greatest", "maximum")
ENDS = ("lowest", "highest")
BETWEEN = (" in ", " in ", " in ", " on ", "-", " / ", " ")  # between the two parts of a name


@dataclass(frozen=True)
class Sheets:
    """What tables look like."""

    paired: float = 0.4  # share whose names have two parts, "Fe in Al"
    double: float = 0.5  # share with a second column of values
    long: float = 0.0  # share with headings of many words and values of many digits


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
        written = f"{value:.{decimals}f}"
        if rng.random() < 0.2:
            written = written.rstrip("0").rstrip(".") if "." in written else written
        if all(abs(float(written) - other) > 1e-12 for other in found.values()):
            found[written] = float(written)
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


def _filler(rng: Random, most: int) -> str:
    """Sentences that say nothing: words known and made up."""
    sentences = []
    for _ in range(rng.randint(0, most)):
        words = [nonsense(rng) if rng.random() < 0.5 else rng.choice(FIELDS) for _ in range(rng.randint(2, 12))]
        sentences.append(" ".join(words).capitalize() + rng.choice((".", ".", "?", ":")))
    return " ".join(sentences)


def _heading(rng: Random, sheets: Sheets) -> str:
    """What a part of a name or a column is called: a word or two, or a long row of odd words."""
    if rng.random() < sheets.long:
        odd = [
            nonsense(rng) if rng.random() < 0.4 else "".join(rng.choices(ascii_lowercase, k=rng.randint(2, 8)))
            for _ in range(rng.randint(1, 3))
        ]
        return rng.choice((" ", " ", "_")).join(word.capitalize() for word in odd)
    return rng.choice(FIELDS) if rng.random() < 0.5 else nonsense(rng).capitalize()


def _rows(rng: Random, made: Table, fields: list[str], sheets: Sheets) -> str:
    """The table as text: one row a line with its fields named, or all rows in one line."""
    units = [rng.choice(UNITS) for _ in fields]
    if len(fields) == 1 and len(made.parts[0]) == 1 and rng.random() < 0.35:
        between = rng.choice((" ", ": ", " = "))
        return rng.choice((", ", "; ", "\n")).join(
            f"{name}{between}{values[0]}{units[0]}" for name, values in zip(made.names, made.values, strict=True)
        )
    heads = [_heading(rng, sheets) for _ in made.parts[0]]
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


@dataclass(frozen=True)
class Rule:
    """Which value decides, and whether the question says so."""

    column: int  # 0 or 1; the only column where a table has one
    end: str
    told: bool

    @staticmethod
    def drawn(rng: Random) -> Rule:
        return Rule(rng.randrange(2), rng.choice(ENDS), rng.random() < 0.6)


def listing(
    rng: Random, hand: Hand, rule: Rule, filler: int, hasty: bool = False, sheets: Sheets = MIXED
) -> tuple[str, str]:
    """A question block and its trace (a guess if `hasty`); at most `filler` sentences that say nothing."""
    made = table(rng, sheets)
    fields = [
        _heading(rng, sheets) if rng.random() < 0.6 else f"{nonsense(rng)} {nonsense(rng)}".capitalize()
        for _ in made.values[0]
    ]
    column = rule.column % len(fields)
    head, tail = _ask(rng, rule, fields[column]), _filler(rng, 1)
    if rng.random() < 0.7:
        head, tail = _filler(rng, filler), head
    data = _rows(rng, made, fields, sheets)
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


def _ask(rng: Random, rule: Rule, field: str) -> str:
    """What is asked. At times it speaks of something that no column is called: then it says nothing about the rule."""
    if rule.told or rng.random() < 0.5:
        said = rng.choice(LOW if (rule.end if rule.told else rng.choice(ENDS)) == "lowest" else HIGH)
        asked = field if rule.told else f"{nonsense(rng)} {rng.choice((nonsense(rng), rng.choice(FIELDS)))}"
        ask = rng.choice(("Which has the", "Choose the", "Name the one with the", "Find the")) + f" {said} {asked}"
    else:
        ask = (
            rng.choice(("Which is best", "Choose one", "Select the most", "Which is", "Pick the")) + f" {nonsense(rng)}"
        )
    return ask + rng.choice((".", "?", " from the options."))


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
    return (min if end == "lowest" else max)(values, key=float)


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
    head = rng.choice(("", "", _heading(rng, sheets) + ": "))
    numbered, between = rng.random() < 0.5, rng.choice((", ", ", " + _heading(rng, sheets) + ": "))
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


def reading(
    rng: Random, filler: int, shots: float = 0.0, slip: float = 0.0, hasty: float = 0.0, sheets: Sheets = MIXED
) -> list[Piece]:
    """A whole conversation, at times with a demonstration before it that follows the same rule in the same mood."""
    rule, guess = Rule.drawn(rng), rng.random() < hasty
    turns = [
        listing(rng, Hand(rng, slip), rule, filler, guess, sheets) for _ in range(2 if rng.random() < shots else 1)
    ]
    return conversation(turns, system=rng.random() < 0.8)
