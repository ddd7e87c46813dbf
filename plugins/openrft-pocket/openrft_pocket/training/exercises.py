"""Short exercises of single skills: sums, products, copying, look-up, matching a value to its option, the lowest value.

They practise in few tokens what a solution needs. Without them, binding a value to a name and a name to a letter is
learned late.
"""

from __future__ import annotations

from random import Random

from openrft_pocket.question_types import mutant_fitness, perovskite
from openrft_pocket.question_types.diffusion_barrier import HOSTS
from openrft_pocket.question_types.molar_mass import MASSES
from openrft_pocket.question_types.question_type import draw_number_options
from openrft_pocket.question_types.retrosynthesis import format_formula
from openrft_pocket.question_types.structure_count import VALENCES
from openrft_pocket.question_types.trace import LETTERS
from openrft_pocket.training.encoding import ASSISTANT, BEGIN, END, USER, Segment


def draw_products(rng: Random) -> list[Segment]:
    """Products under 200, two-digit times one-digit among them."""
    row: list[Segment] = []
    while len(row) < 16:
        a = rng.choice((rng.randint(1, 9), rng.randint(2, 9) * rng.randint(2, 9), rng.choice([*MASSES.values()])))
        b = rng.randint(1, 9)
        if a * b < 200:
            row += [(f"{a}*{b}=", False), (f"{a * b}\n", True)]
    return [(BEGIN, False), *row]


def draw_sums(rng: Random) -> list[Segment]:
    """Sums of two numbers up to 60."""
    row: list[Segment] = []
    for _ in range(8):
        a, b = rng.randint(1, 60), rng.randint(1, 60)
        row += [(f"{a}+{b}=", False), (f"{a + b}\n", True)]
    return [(BEGIN, False), *row]


def draw_small_calculations(rng: Random) -> list[Segment]:
    """One-digit sums of three, small differences, valences minus bonds, ion charges."""
    row: list[Segment] = []
    for _ in range(6):
        form = rng.randrange(4)
        if form == 0:
            a, b, c = (rng.randint(0, 3) for _ in range(3))
            row += [(f"{a}+{b}+{c}=", False), (f"{a + b + c}\n", True)]
        elif form == 1:
            b, c = rng.randint(2, 9), rng.randint(2, 9)
            row += [(f"{b + c}-{b}=", False), (f"{c}\n", True)]
        elif form == 2:
            atom, bonds = rng.choice([*VALENCES]), rng.randint(1, 2)
            row += [
                (f"{atom} ", False),
                (f"{VALENCES[atom]}", True),
                (f"-{bonds}=", False),
                (f"{VALENCES[atom] - bonds}\n", True),
            ]
        else:
            metal, other = rng.choice([*perovskite.A_SITE]), rng.choice([*perovskite.B_SITE])
            left, right = perovskite.A_SITE[metal], perovskite.B_SITE[other]
            row += [(f"{metal}{other}O3 ", False), (f"{left}+{right}={left + right}\n", True)]
    return [(BEGIN, False), *row]


def draw_masses(rng: Random) -> list[Segment]:
    """Formulas of one element, each with its line of a molar-mass solution."""
    row: list[Segment] = []
    for atom in rng.sample([*MASSES], 6):
        count = rng.randint(1, 4)
        formula = atom + (str(count) if count > 1 else "")
        row += [(f"{formula} ", False), (f"{atom} {MASSES[atom]}*{count}={MASSES[atom] * count}\n", True)]
    return [(BEGIN, False), *row]


def draw_copying(rng: Random) -> list[Segment]:
    """A text and its copy: the basis of every look-up."""
    words = [rng.choice(_draw_vocabulary(rng)) for _ in range(rng.randint(3, 8))]
    text = rng.choice((" ", ", ")).join(words)
    return [(BEGIN + USER + text + ASSISTANT, False), (text + END, True)]


def _draw_vocabulary(rng: Random) -> list[str]:
    return rng.choice(
        (
            [*HOSTS],
            [str(rng.randint(1, 199))],
            [rng.choice("ABCDEFGH")],
            [*MASSES],
            [f"{rng.randint(0, 9)}.{rng.randint(0, 9)}"],
        )
    )


def _draw_keys(rng: Random, n: int) -> list[str]:
    if rng.random() < 0.5:
        return rng.sample(HOSTS, n)
    afters = rng.sample(mutant_fitness.RESIDUES, n)
    return [f"{rng.choice(mutant_fitness.RESIDUES)}{rng.randint(2, 9)}{after}" for after in afters]


def _draw_value(rng: Random) -> str:
    return rng.choice((str(rng.randint(11, 49)), f"{rng.randint(0, 9)}.{rng.randint(0, 9)}"))


def draw_lookup(rng: Random) -> list[Segment]:
    """A table, then its keys in another order with their values."""
    entries = [(key, _draw_value(rng)) for key in _draw_keys(rng, rng.randint(2, 5))]
    between = rng.choice((" ", " ", ": "))
    table = ", ".join(key + between + value for key, value in entries)
    row: list[Segment] = [(BEGIN + USER + table + ASSISTANT, False)]
    rng.shuffle(entries)
    for key, value in entries:
        row += [(f"{key} ", False), (f"{value}\n", True)]
    return row


def draw_option_matching(rng: Random) -> list[Segment]:
    """Each option's text, then its line with the letter, in random order. The letter is what is learned late."""
    texts = _draw_options(rng)
    row: list[Segment] = [(BEGIN + USER + "?\n" + _format_options(texts) + ASSISTANT, False)]
    for i in rng.sample(range(4), 4):
        sign = rng.choice(("=", "lowest ", ""))
        row += [(f"{sign}{texts[i]}\n", False), (f"{LETTERS[i]}. {texts[i]}\n", True)]
    return row


def draw_final_answer(rng: Random) -> list[Segment]:
    """The end of a solution: from the value to the boxed letter."""
    texts, gold = _draw_options(rng), rng.randrange(4)
    answer = f"{LETTERS[gold]}. {texts[gold]}\n" + "\\boxed{" + LETTERS[gold] + "}" + END
    prompt = BEGIN + USER + "?\n" + _format_options(texts) + ASSISTANT + "=" + texts[gold] + "\n"
    return [(prompt, False), (answer, True)]


def _format_options(texts: list[str]) -> str:
    return "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, texts, strict=True))


def _draw_options(rng: Random) -> list[str]:
    """Four options of one sort: names, digits, numbers or formulas."""
    sort = rng.randrange(7)
    if sort < 2:
        return rng.sample(HOSTS, 4)
    if sort == 2:
        return [str(n) for n in rng.sample(range(10), 4)]
    if sort < 5:
        return rng.sample([format_formula((c, h)) for c in range(3, 8) for h in range(3, 10)], 4)
    return draw_number_options(rng.choice((rng.randint(3, 99), rng.randint(3, 199))), rng)[0]


def draw_lowest(rng: Random) -> list[Segment]:
    """The row with the lowest value. Half of the time all first digits differ, which makes the rule easy to see."""
    first = rng.sample(range(10), 4) if rng.random() < 0.5 else [rng.randint(0, 9) for _ in range(4)]
    values = [f"{a}.{rng.randint(0, 9)}" for a in first]
    if len(set(values)) < 4:
        return draw_lowest(rng)
    entries = [*zip(rng.sample(HOSTS, 4), values, strict=True)]
    best = min(entries, key=lambda entry: float(entry[1]))
    text = "".join(f"{letter}. {host} {value}\n" for letter, (host, value) in zip(LETTERS, entries, strict=True))
    return [
        (BEGIN + ASSISTANT + text, False),
        (f"lowest {best[0]} {best[1]}\n{LETTERS[entries.index(best)]}. {best[0]}\n", True),
    ]


EXERCISES = {  # with their weights
    draw_products: 2,
    draw_sums: 3,
    draw_small_calculations: 2,
    draw_masses: 1,
    draw_copying: 1,
    draw_lookup: 2,
    draw_lowest: 2,
    draw_final_answer: 1,
    draw_option_matching: 6,
}


def draw_exercise(rng: Random) -> list[Segment]:
    """One exercise, drawn by the weights in EXERCISES."""
    return rng.choices([*EXERCISES], [*EXERCISES.values()])[0](rng)
