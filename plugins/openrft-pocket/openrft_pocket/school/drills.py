"""Short exercises of single skills: sums, products, copying, look-up, matching a value to its option, the lowest.

They teach in a few tokens what traces need; binding a value to a name and a name to a letter comes late without them.
"""

from __future__ import annotations

from random import Random

from openrft_pocket.kinds import mutant_fitness, perovskite
from openrft_pocket.kinds.diffusion_barrier import HOSTS
from openrft_pocket.kinds.hand import LETTERS
from openrft_pocket.kinds.kind import numbers_around
from openrft_pocket.kinds.molar_mass import MASSES
from openrft_pocket.kinds.retrosynthesis import formula
from openrft_pocket.kinds.structure_count import VALENCES
from openrft_pocket.school.chat import ASSISTANT, BEGIN, END, USER, Piece


def _lines(pieces: list[Piece]) -> list[Piece]:
    return [(BEGIN, False), *pieces]


def product(rng: Random) -> list[Piece]:
    """Products under 200, two-digit times one-digit among them."""
    out: list[Piece] = []
    while len(out) < 16:
        a = rng.choice((rng.randint(1, 9), rng.randint(2, 9) * rng.randint(2, 9), rng.choice([*MASSES.values()])))
        b = rng.randint(1, 9)
        if a * b < 200:
            out += [(f"{a}*{b}=", False), (f"{a * b}\n", True)]
    return _lines(out)


def total(rng: Random) -> list[Piece]:
    """Sums of two numbers up to 60."""
    out: list[Piece] = []
    for _ in range(8):
        a, b = rng.randint(1, 60), rng.randint(1, 60)
        out += [(f"{a}+{b}=", False), (f"{a + b}\n", True)]
    return _lines(out)


def little(rng: Random) -> list[Piece]:
    """One-digit sums of three, small differences, valences less bonds, ion charges."""
    out: list[Piece] = []
    for _ in range(6):
        kind = rng.randrange(4)
        if kind == 0:
            a, b, c = (rng.randint(0, 3) for _ in range(3))
            out += [(f"{a}+{b}+{c}=", False), (f"{a + b + c}\n", True)]
        elif kind == 1:
            b, c = rng.randint(2, 9), rng.randint(2, 9)
            out += [(f"{b + c}-{b}=", False), (f"{c}\n", True)]
        elif kind == 2:
            atom, bonds = rng.choice([*VALENCES]), rng.randint(1, 2)
            out += [
                (f"{atom} ", False),
                (f"{VALENCES[atom]}", True),
                (f"-{bonds}=", False),
                (f"{VALENCES[atom] - bonds}\n", True),
            ]
        else:
            metal, other = rng.choice([*perovskite.A_SITE]), rng.choice([*perovskite.B_SITE])
            left, right = perovskite.A_SITE[metal], perovskite.B_SITE[other]
            out += [(f"{metal}{other}O3 ", False), (f"{left}+{right}={left + right}\n", True)]
    return _lines(out)


def mass(rng: Random) -> list[Piece]:
    """A formula of one element, and the line of a molar-mass trace for it."""
    out: list[Piece] = []
    for atom in rng.sample([*MASSES], 6):
        count = rng.randint(1, 4)
        written = atom + (str(count) if count > 1 else "")
        out += [(f"{written} ", False), (f"{atom} {MASSES[atom]}*{count}={MASSES[atom] * count}\n", True)]
    return _lines(out)


def echo(rng: Random) -> list[Piece]:
    """Something said again: the root of every look-up."""
    words = [rng.choice(_tokens(rng)) for _ in range(rng.randint(3, 8))]
    text = rng.choice((" ", ", ")).join(words)
    return [(BEGIN + USER + text + ASSISTANT, False), (text + END, True)]


def _tokens(rng: Random) -> list[str]:
    return rng.choice(
        (
            [*HOSTS],
            [str(rng.randint(1, 199))],
            [rng.choice("ABCDEFGH")],
            [*MASSES],
            [f"{rng.randint(0, 9)}.{rng.randint(0, 9)}"],
        )
    )


def _keys(rng: Random, n: int) -> list[str]:
    if rng.random() < 0.5:
        return rng.sample(HOSTS, n)
    afters = rng.sample(mutant_fitness.RESIDUES, n)
    return [f"{rng.choice(mutant_fitness.RESIDUES)}{rng.randint(2, 9)}{after}" for after in afters]


def _value(rng: Random) -> str:
    return rng.choice((str(rng.randint(11, 49)), f"{rng.randint(0, 9)}.{rng.randint(0, 9)}"))


def lookup(rng: Random) -> list[Piece]:
    """A table, then its keys again in another order with their values."""
    rows = [(key, _value(rng)) for key in _keys(rng, rng.randint(2, 5))]
    between = rng.choice((" ", " ", ": "))
    pieces: list[Piece] = [(BEGIN + USER + ", ".join(key + between + value for key, value in rows) + ASSISTANT, False)]
    rng.shuffle(rows)
    for key, value in rows:
        pieces += [(f"{key} ", False), (f"{value}\n", True)]
    return pieces


def match(rng: Random) -> list[Piece]:
    """Which option says this? Asked of all four options, in any order: the letter is what comes late."""
    texts = _texts(rng)
    pieces: list[Piece] = [(BEGIN + USER + "?\n" + _block(texts) + ASSISTANT, False)]
    for i in rng.sample(range(4), 4):
        sign = rng.choice(("=", "lowest ", ""))
        pieces += [(f"{sign}{texts[i]}\n", False), (f"{LETTERS[i]}. {texts[i]}\n", True)]
    return pieces


def settle(rng: Random) -> list[Piece]:
    """The end of a trace: from the value to the boxed letter."""
    texts, gold = _texts(rng), rng.randrange(4)
    answer = f"{LETTERS[gold]}. {texts[gold]}\n" + "\\boxed{" + LETTERS[gold] + "}" + END
    return [(BEGIN + USER + "?\n" + _block(texts) + ASSISTANT + "=" + texts[gold] + "\n", False), (answer, True)]


def _block(texts: list[str]) -> str:
    return "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, texts, strict=True))


def _texts(rng: Random) -> list[str]:
    """Four options of one sort: names, digits, numbers, formulas."""
    sort = rng.randrange(7)
    if sort < 2:
        return rng.sample(HOSTS, 4)
    if sort == 2:
        return [str(n) for n in rng.sample(range(10), 4)]
    if sort < 5:
        return rng.sample([formula((c, h)) for c in range(3, 8) for h in range(3, 10)], 4)
    return numbers_around(rng.choice((rng.randint(3, 99), rng.randint(3, 199))), rng)[0]


def lowest(rng: Random) -> list[Piece]:
    """The row with the lowest value; half of the time first digits differ, so that the rule shows itself."""
    first = rng.sample(range(10), 4) if rng.random() < 0.5 else [rng.randint(0, 9) for _ in range(4)]
    values = [f"{a}.{rng.randint(0, 9)}" for a in first]
    if len(set(values)) < 4:
        return lowest(rng)
    rows = [*zip(rng.sample(HOSTS, 4), values, strict=True)]
    best = min(rows, key=lambda row: float(row[1]))
    text = "".join(f"{letter}. {host} {value}\n" for letter, (host, value) in zip(LETTERS, rows, strict=True))
    return [
        (BEGIN + ASSISTANT + text, False),
        (f"lowest {best[0]} {best[1]}\n{LETTERS[rows.index(best)]}. {best[0]}\n", True),
    ]


DRILLS = {product: 2, total: 3, little: 2, mass: 1, echo: 1, lookup: 2, lowest: 2, settle: 1, match: 6}


def drill(rng: Random) -> list[Piece]:
    """A row of one drill, drawn by the weights in DRILLS."""
    return rng.choices([*DRILLS], [*DRILLS.values()])[0](rng)
