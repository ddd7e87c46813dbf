"""What a row of pre-training holds: an exercise, a question about a table, or a question of one of the types.

Questions use the training wordings, sometimes with demonstrations before them. The tasks' own wordings and the
rewriter's are not used here. Only their single words occur, as stray words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random

from openrft_pocket.question_types import LEVELS, QUESTION_TYPES, QuestionType
from openrft_pocket.question_types.trace import LETTERS, TraceWriter, rewrite_as_prose
from openrft_pocket.question_types.wording import fill_template, list_words
from openrft_pocket.training.encoding import Segment, render_conversation
from openrft_pocket.training.exercises import draw_exercise
from openrft_pocket.training.table_questions import (
    draw_extremes,
    draw_option_names,
    draw_short_table_lookup,
    draw_table_conversation,
    draw_table_lookup,
)
from openrft_pocket.training.tables import MIXED_STYLE, TableStyle

L1_SHARE = 0.12  # of level L1 among the questions of the types
_TRAINING_WORDS = {
    word for entry in QUESTION_TYPES.values() for template in entry.training_wordings for word in list_words(template)
}
_TASK_WORDS = {
    word
    for entry in QUESTION_TYPES.values()
    for template in (*entry.wordings, *entry.rewordings)
    for word in list_words(template)
}
ALL_WORDS = tuple(sorted(_TRAINING_WORDS | _TASK_WORDS))
# Words that only the tasks' wordings use. They are met as stray words alone, so they must be met often.
TASK_ONLY_WORDS = tuple(word for word in ALL_WORDS if word not in _TRAINING_WORDS)


@dataclass(frozen=True)
class DataMix:
    """The shares of each kind of row, and how rows look. Numbers are shares or chances unless they say otherwise."""

    exercises: float = 0.2  # of rows
    tables: float = 0.0  # of rows: questions about tables, and exercises for them
    table_exercises: float = 0.55  # of these
    table_style: TableStyle = MIXED_STYLE
    filler: int = 0  # at most so many sentences without meaning in a question about a table
    few_shot: float = 0.15  # of conversations: one to three demonstrations first
    error_rate: float = 0.0  # chance that a value of a solution is wrong, in solutions that may have errors
    error_prone: float = 0.0  # of solutions: may have errors
    guesses: float = 0.0  # of conversations: guess instead of reasoning
    keep_lucky: float = 1.0  # of solutions with errors that still end at the gold option: kept as they are
    noise: float = 0.15  # of words: disturbed, in three questions of ten
    gibberish: float = 0.2  # of questions: most words are disturbed
    separator_noise: float = 0.0  # chance that a stray word or another mark follows a number
    prose: bool = False  # solutions in the second style (question_types/trace.py)


def draw_question(
    question_type: QuestionType, rng: Random, mix: DataMix, template: str | None = None, guess: bool = False
) -> tuple[str, str, str]:
    """A question with its options, its solution (or a guess) and the gold letter."""
    facts = (question_type.draw_training_facts or question_type.draw_facts)(rng)
    options, gold = question_type.draw_options(facts, rng)
    noise = _draw_noise(rng, mix, question_type) if template is None else 0.0
    stray_words = TASK_ONLY_WORDS if rng.random() < 0.5 else ALL_WORDS
    template = template or rng.choice(question_type.training_wordings)
    stem = fill_template(template, question_type.get_slots(facts), rng, noise, stray_words, mix.separator_noise)
    writer = TraceWriter(rng, mix.error_rate if rng.random() < mix.error_prone else 0.0)
    if guess:
        writer.write_guess(options)
    else:
        question_type.write_solution(facts, options, writer)
        while writer.has_errors and writer.boxed_letter == LETTERS[gold] and rng.random() >= mix.keep_lucky:
            writer = TraceWriter(rng, writer.error_rate)
            question_type.write_solution(facts, options, writer)
    question = "\n".join([stem, *(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=True))])
    lines = [rewrite_as_prose(line) for line in writer.lines] if mix.prose else writer.lines
    return question, "\n".join(lines), LETTERS[gold]


def _draw_noise(rng: Random, mix: DataMix, question_type: QuestionType) -> float:
    """The share of disturbed words. A question with hardly a meaningful word teaches to rely on numbers, units and
    formulas. Level L1 has no such questions, since only their words say what is asked."""
    draw = rng.random()
    if draw < mix.gibberish:
        return rng.uniform(0.4, 0.95) if question_type.level == "L3" else 0.0
    return mix.noise if draw < mix.gibberish + 0.3 else 0.0


def draw_conversation(rng: Random, mix: DataMix) -> list[Segment]:
    """One conversation about one question type, whose answers all reason or all guess.

    Demonstrations show a solution, or the boxed letter alone. With letters the loss covers the last answer only.
    """
    question_type = QUESTION_TYPES[rng.choice(LEVELS["L1" if rng.random() < L1_SHARE else "L3"])]
    demonstrations = rng.randint(1, 3) if rng.random() < mix.few_shot else 0
    template = rng.choice(question_type.training_wordings) if rng.random() < 0.5 else None
    letters_only, guess = rng.random() < 0.5, rng.random() < mix.guesses
    turns = []
    for turn in range(demonstrations + 1):
        question, solution, gold = draw_question(question_type, rng, mix, template if demonstrations else None, guess)
        turns.append((question, "\\boxed{" + gold + "}" if letters_only and turn < demonstrations else solution))
    segments = render_conversation(turns, system=rng.random() < 0.8)
    if not letters_only or not demonstrations:
        return segments
    return [(text, learned and i == len(segments) - 1) for i, (text, learned) in enumerate(segments)]


def draw_row(rng: Random, mix: DataMix) -> list[Segment]:
    """One row of pre-training, of the kinds and shares that the mix says."""
    draw = rng.random()
    if draw < mix.exercises:
        return draw_exercise(rng)
    if draw < mix.exercises + mix.tables:
        if rng.random() < mix.table_exercises:
            return _draw_table_exercise(rng, mix.table_style)
        error_rate = mix.error_rate if rng.random() < mix.error_prone else 0.0
        return draw_table_conversation(rng, mix.filler, mix.few_shot, error_rate, mix.guesses, mix.table_style)
    return draw_conversation(rng, mix)


def _draw_table_exercise(rng: Random, style: TableStyle) -> list[Segment]:
    long = style.long_headings
    draws = (
        partial(draw_short_table_lookup, style=style),
        partial(draw_table_lookup, style=style),
        draw_option_names,
        draw_extremes,
    )
    return rng.choices(draws, (4 * (1 - long), 4 * long, 1, 3))[0](rng)
