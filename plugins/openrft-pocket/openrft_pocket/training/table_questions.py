"""Questions about tables: the lowest or the highest of four listed values, in long and unfamiliar words.

This is the skill that real data tables need. Options stand in another order than the rows. Often the question states
the column and the end that count. Otherwise it only asks for the best, and any rule is right: a reward can teach which.
The exercises practise parts of such a question: find a value, find the extreme, copy a long name.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from openrft_pocket.question_types.diffusion_barrier import HOSTS
from openrft_pocket.question_types.trace import LETTERS, TraceWriter
from openrft_pocket.question_types.wording import invent_word
from openrft_pocket.training.encoding import ASSISTANT, BEGIN, USER, Segment, render_conversation
from openrft_pocket.training.tables import (
    HEADINGS,
    MIXED_STYLE,
    SEPARATORS,
    SYMBOLS,
    TableStyle,
    draw_heading,
    draw_table,
    draw_values,
    render_table,
)

LOW = ("lowest", "smallest", "least", "minimum")
HIGH = ("highest", "largest", "greatest", "maximum")
ENDS = ("lowest", "highest")


@dataclass(frozen=True)
class Rule:
    """Which value decides, and whether the question states it."""

    column: int  # 0 or 1; taken modulo the number of columns
    end: str  # one of ENDS
    stated: bool
    followed: bool = True  # False: the question names either end, at random


def draw_rule(rng: Random, style: TableStyle = MIXED_STYLE) -> Rule:
    """A random rule, stated and followed as often as the style says."""
    column, end = rng.randrange(2), rng.choice(ENDS)
    return Rule(column, end, rng.random() < style.rule_stated, rng.random() < style.rule_followed)


def draw_table_question(
    rng: Random, writer: TraceWriter, rule: Rule, filler: int, guess: bool = False, style: TableStyle = MIXED_STYLE
) -> tuple[str, str]:
    """A question with its options, and its solution, or a guess. At most `filler` sentences carry no meaning."""
    table = draw_table(rng, style)
    headings = [
        draw_heading(rng, style) if rng.random() < 0.6 else f"{invent_word(rng)} {invent_word(rng)}".capitalize()
        for _ in table.values[0]
    ]
    column = rule.column % len(headings)
    head, tail = _draw_request(rng, rule, headings, style.shared_words), _draw_filler(rng, 1)
    if rng.random() < 0.7:
        head, tail = _draw_filler(rng, filler), head
    data = render_table(rng, table, headings, style)
    stem = rng.choice(
        (f"{head} {tail}\n\n{data}\n", f"{head} {tail}\n{data}", f"{data}. {head} {tail}", f"{head} {data}. {tail}")
    ).strip()
    order = rng.sample(range(4), 4)
    options = [table.names[i] for i in order]
    question = "\n".join([stem, *(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=True))])
    if guess:
        writer.write_guess(options)
    else:
        write_table_solution(writer, options, [table.values[i] for i in order], column, rule.end)
    return question, "\n".join(writer.lines)


def _draw_request(rng: Random, rule: Rule, headings: list[str], shared_words: float) -> str:
    """What the question asks for. Sometimes it names something that no column is called, "heat gain" beside a column
    "heat loss". Then it says nothing about the rule."""
    if rule.stated or rng.random() < 0.5:
        end = rule.end if rule.stated and rule.followed else rng.choice(ENDS)
        word = rng.choice(LOW if end == "lowest" else HIGH)
        if rule.stated:
            name = headings[rule.column % len(headings)]
        else:
            name = _draw_other_name(rng, rng.choice(headings), shared_words)
        request = rng.choice(("Which has the", "Choose the", "Name the one with the", "Find the")) + f" {word} {name}"
    else:
        verb = rng.choice(("Which is best", "Choose one", "Select the most", "Which is", "Pick the"))
        request = f"{verb} {invent_word(rng)}"
    return request + rng.choice((".", "?", " from the options."))


def _draw_other_name(rng: Random, heading: str, shared_words: float) -> str:
    """Two words that are not a column's name. With chance `shared_words` the first is a word of `heading`."""
    first = rng.choice(heading.replace("_", " ").split()).lower() if rng.random() < shared_words else invent_word(rng)
    return f"{first} {rng.choice((invent_word(rng), rng.choice(HEADINGS)))}"


def write_table_solution(
    writer: TraceWriter, options: list[str], values: list[list[str]], column: int, end: str
) -> None:
    """The trace: the rule, each option's value, the extreme value, its option."""
    end = writer.perturb_choice(end, ENDS)
    writer.write(f"{end} {column + 1}")
    read = [writer.perturb_choice(row[column], [other[column] for other in values], 1 / len(values)) for row in values]
    for letter, option, value in zip(LETTERS, options, read, strict=True):
        writer.write(f"{letter}. {option} {value}")
    best = writer.perturb_choice(find_extreme(read, end), read)
    writer.write(f"= {best}")
    letter = writer.perturb_choice(LETTERS[read.index(best)], LETTERS)
    writer.write(f"{letter}. {options[LETTERS.index(letter)]}")
    writer.write_boxed(letter)


def find_extreme(values: list[str], end: str) -> str:
    """The lowest or highest value, as written."""
    return (min if end == "lowest" else max)(values, key=float)


def _draw_filler(rng: Random, most: int) -> str:
    """Up to `most` sentences without meaning, of known and invented words."""
    sentences = []
    for _ in range(rng.randint(0, most)):
        words = [invent_word(rng) if rng.random() < 0.5 else rng.choice(HEADINGS) for _ in range(rng.randint(2, 12))]
        sentences.append(" ".join(words).capitalize() + rng.choice((".", ".", "?", ":")))
    return " ".join(sentences)


def draw_table_conversation(
    rng: Random,
    filler: int,
    few_shot: float = 0.0,
    error_rate: float = 0.0,
    guesses: float = 0.0,
    style: TableStyle = MIXED_STYLE,
) -> list[Segment]:
    """One conversation about a table. With chance `few_shot` a demonstration comes first, which follows the same rule
    and guesses if the answer does."""
    rule, guess = draw_rule(rng, style), rng.random() < guesses
    turns = [
        draw_table_question(rng, TraceWriter(rng, error_rate), rule, filler, guess, style)
        for _ in range(2 if rng.random() < few_shot else 1)
    ]
    return render_conversation(turns, system=rng.random() < 0.8)


def draw_extremes(rng: Random) -> list[Segment]:
    """An exercise: values that are already read, then their extreme with its letter and name; three times."""
    row: list[Segment] = [(BEGIN + ASSISTANT, False)]
    for _ in range(3):
        names = rng.sample(SYMBOLS, 4) if rng.random() < 0.7 else rng.sample(HOSTS, 4)
        end, values = rng.choice(ENDS), draw_values(rng)
        lines = "".join(f"{letter}. {name} {v}\n" for letter, name, v in zip(LETTERS, names, values, strict=True))
        best = find_extreme(values, end)
        i = values.index(best)
        row.append((f"{end} {rng.choice('12')}\n{lines}", False))
        row.append((f"= {best}\n{LETTERS[i]}. {names[i]}\n", True))
    return row


def draw_option_names(rng: Random) -> list[Segment]:
    """An exercise: options with long or similar names, each copied after its letter."""
    names = rng.sample(draw_table(rng).names, 4)
    options = "\n".join(f"{letter}. {name}" for letter, name in zip(LETTERS, names, strict=True))
    row: list[Segment] = [(BEGIN + USER + "?\n" + options + ASSISTANT, False)]
    for i in rng.sample(range(4), 4):
        row += [(f"{LETTERS[i]}. ", False), (f"{names[i]}\n", True)]
    return row


def draw_short_table_lookup(rng: Random, style: TableStyle = MIXED_STYLE) -> list[Segment]:
    """An exercise: a small table whose values stand a few words after their names, then each name with its value.

    Whole questions alone did not teach to look past the words in between. With this it took a thousand steps.
    """
    two_parts = rng.random() < style.two_part_names
    names = rng.sample(HOSTS, 4) if not two_parts and rng.random() < 0.5 else rng.sample(SYMBOLS, 4)
    common = rng.choice(SYMBOLS)
    first_parts = [common if rng.random() < 0.7 else rng.choice(SYMBOLS) for _ in names]
    headings = [
        rng.choice(HEADINGS) if rng.random() < 0.5 else invent_word(rng)
        for _ in range(2 if rng.random() < style.two_columns else 1)
    ]
    values = [list(row) for row in zip(*(draw_values(rng) for _ in headings), strict=True)]
    lead = rng.choice(("", "", draw_heading(rng, style) + ": "))
    numbered, between = rng.random() < 0.5, rng.choice((", ", ", " + draw_heading(rng, style) + ": "))
    lines = []
    for i, (first, name, row_values) in enumerate(zip(first_parts, names, values, strict=True), 1):
        number = f" {i}" if numbered else ""
        named = lead + (first + between if two_parts else "") + name
        valued = [f"{heading}{number}: {value}" for heading, value in zip(headings, row_values, strict=True)]
        lines.append(", ".join([named, *valued]))
    column, separator = rng.randrange(len(headings)), rng.choice(SEPARATORS)
    data = rng.choice(("\n", "; ")).join(lines)
    row: list[Segment] = [(BEGIN + USER + data + ASSISTANT + f"{rng.choice(ENDS)} {column + 1}\n", False)]
    for letter, i in zip(LETTERS, rng.sample(range(4), 4), strict=True):
        name = first_parts[i] + separator + names[i] if two_parts else names[i]
        row += [(f"{letter}. {name} ", False), (values[i][column], True), ("\n", False)]
    return row


def draw_table_lookup(rng: Random, style: TableStyle = MIXED_STYLE) -> list[Segment]:
    """An exercise: a table as in whole questions, then each name with its value, twice."""
    table = draw_table(rng, style)
    headings = [draw_heading(rng, style) for _ in table.values[0]]
    row: list[Segment] = [(BEGIN + USER + render_table(rng, table, headings, style) + ASSISTANT, False)]
    for column in rng.sample((0, len(headings) - 1), 2):
        row.append((f"{rng.choice(ENDS)} {column + 1}\n", False))
        for letter, i in zip(LETTERS, rng.sample(range(4), 4), strict=True):
            row += [(f"{letter}. {table.names[i]} ", False), (table.values[i][column], True), ("\n", False)]
    return row
