"""The curriculum: the phases of training, what each draws its rows from, and its learning-rate schedule.

Phases up to `ambiguous_rules` make the teacher. `careless` makes the policy from it, and `prose` the teacher in the
second style. The seed strings of phases are those that the shipped models were made with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from openrft_pocket.training.data_mix import DataMix, draw_conversation, draw_row
from openrft_pocket.training.encoding import Segment
from openrft_pocket.training.table_questions import draw_table_conversation
from openrft_pocket.training.tables import TableStyle

LATE_STEP = 6000  # of pretraining: from here on many questions are disturbed or gibberish, and some have demonstrations
SEPARATOR_NOISE, GIBBERISH = 0.3, 0.4
ONE_COLUMN = TableStyle(two_part_names=0.6, two_columns=0.25)
LONG_HEADINGS = TableStyle(two_part_names=0.5, two_columns=0.4, long_headings=0.6, rule_stated=0.25, shared_words=0.5)
AMBIGUOUS_RULES = replace(LONG_HEADINGS, long_headings=0.8, rule_followed=0.5)
CARELESS_TABLES = replace(LONG_HEADINGS, rule_stated=0.6, rule_followed=0.2)
ERROR_RATE, GUESSES = 0.33, 0.08  # of the careless phase


@dataclass(frozen=True)
class Phase:
    """One training run over generated rows."""

    draw_row: Callable[[Random, int], list[Segment]]  # (rng, step) -> a row
    seed: str
    learning_rate: float = 1.5e-3
    batch_size: int = 12  # rows
    warmup_steps: int = 1200  # from a quarter of the learning rate: a fast start would undo the induction heads
    stop_step: int | None = None  # the learning rate reaches zero here; None: hold it until stopped
    decay_steps: int = 0  # of linear decay before `stop_step`
    eval_every: int = 600  # steps

    def compute_learning_rate(self, step: int) -> float:
        """It rises over `warmup_steps`, holds, and falls over the `decay_steps` before `stop_step`."""
        rise = 0.25 + 0.75 * min(1.0, step / self.warmup_steps)
        fall = 1.0
        if self.stop_step is not None and self.decay_steps:
            fall = min(1.0, max(0.0, (self.stop_step - step) / self.decay_steps))
        return self.learning_rate * rise * fall


@dataclass(frozen=True)
class PhaseSteps:
    """Steps of each phase; pretraining holds its learning rate and then decays."""

    hold: int = 14_500
    decay: int = 4500
    tables: int = 4500
    long_headings: int = 6000
    ambiguous_rules: int = 4000
    careless: int = 400
    prose: int = 2000


def create_pretraining_phase(seed: int, steps: PhaseSteps) -> Phase:
    """Exercises first, then more and more whole questions, then tables, and demonstrations late."""

    def draw(rng: Random, step: int) -> list[Segment]:
        questions, tables = ramp(step, 1000, 5000), ramp(step, 3000, 5000)
        late = step >= LATE_STEP
        mix = DataMix(
            exercises=0.75 - 0.55 * questions,
            tables=0.3 * tables,
            filler=3 if late else 0,
            few_shot=0.15 if late else 0.0,
            separator_noise=SEPARATOR_NOISE if late else 0.0,
            gibberish=GIBBERISH if late else 0.2,
        )
        return draw_row(rng, mix)

    return Phase(draw, f"schooling {seed}", stop_step=steps.hold + steps.decay, decay_steps=steps.decay)


def create_tables_phase(seed: int, steps: PhaseSteps) -> Phase:
    """Mostly tables of one column. Reading them is learned last, and whole questions alone do not teach it."""
    return _create_table_phase(f"tables {seed}", ONE_COLUMN, steps.tables)


def create_long_headings_phase(seed: int, steps: PhaseSteps) -> Phase:
    """Names stand far from their values, values have many digits, and the rule is mostly not stated."""
    return _create_table_phase(f"headings {seed}", LONG_HEADINGS, steps.long_headings)


def create_ambiguous_rules_phase(seed: int, steps: PhaseSteps) -> Phase:
    """As before, and often the end that a question names is not the one that counts."""
    return _create_table_phase(f"doubts {seed}", AMBIGUOUS_RULES, steps.ambiguous_rules)


def create_careless_phase(seed: int, steps: PhaseSteps) -> Phase:
    """Guesses, and solutions in which every line may be wrong.

    The policy keeps what it knows and learns to be careless. Reinforcement can repair that: reasoning still pays, and
    the right line stays the most likely one. In tables it learns to ignore most of what a question states: which end
    counts is for a reward to teach.
    """

    def draw(rng: Random, step: int) -> list[Segment]:
        if rng.random() < 0.25:
            return draw_table_conversation(rng, 4, 0.1, ERROR_RATE, GUESSES, CARELESS_TABLES)
        return draw_conversation(rng, mix)

    mix = DataMix(
        few_shot=0.2,
        error_rate=ERROR_RATE,
        error_prone=1.0,
        guesses=GUESSES,
        keep_lucky=0.1,
        separator_noise=SEPARATOR_NOISE,
        gibberish=GIBBERISH,
    )
    return _create_short_phase(draw, f"careless {seed}", 5e-4, steps.careless, eval_every=200)


def create_prose_phase(seed: int, steps: PhaseSteps) -> Phase:
    """The same careful reasoning in the second style (question_types/trace.py)."""
    mix = DataMix(few_shot=0.15, prose=True, separator_noise=SEPARATOR_NOISE, gibberish=GIBBERISH)
    return _create_short_phase(
        lambda rng, step: draw_conversation(rng, mix), f"prose {seed}", 8e-4, steps.prose, eval_every=400
    )


def _create_table_phase(seed: str, style: TableStyle, steps: int) -> Phase:
    mix = DataMix(
        exercises=0.05,
        tables=0.65,
        table_exercises=0.45,
        table_style=style,
        filler=4,
        separator_noise=SEPARATOR_NOISE,
        gibberish=GIBBERISH,
    )
    return Phase(
        lambda rng, step: draw_row(rng, mix),
        seed,
        learning_rate=1.2e-3,
        warmup_steps=100,
        stop_step=steps,
        decay_steps=steps,
        eval_every=500,
    )


def _create_short_phase(
    draw: Callable[[Random, int], list[Segment]], seed: str, learning_rate: float, steps: int, eval_every: int
) -> Phase:
    return Phase(
        draw,
        seed,
        learning_rate=learning_rate,
        warmup_steps=50,
        stop_step=steps,
        decay_steps=steps,
        eval_every=eval_every,
    )


def ramp(step: int, start: int, end: int) -> float:
    """0 until `start`, 1 from `end`, linear between."""
    return min(1.0, max(0.0, (step - start) / (end - start)))
