"""What is taught when: the courses of pre-training, and the last one, which teaches carelessness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from openrft_pocket.school.chat import Piece
from openrft_pocket.school.lessons import Diet, lesson, row
from openrft_pocket.school.listing import reading
from openrft_pocket.school.pretrain import Course
from openrft_pocket.school.sheets import Sheets

LATE = 6000  # the step of schooling from which questions are long and loose, and many stems make no sense
LOOSE, GIBBERISH = 0.3, 0.4
ONE_COLUMN = Sheets(paired=0.6, double=0.25)
LONG = Sheets(paired=0.5, double=0.4, long=0.6, told=0.25, alike=0.5)
DOUBTFUL = replace(LONG, long=0.8, heeded=0.5)
HEEDLESS = replace(LONG, told=0.6, heeded=0.2)
SLIP, HASTY = 0.33, 0.08  # of the careless course: chance that a line is flawed, share of guesses


@dataclass(frozen=True)
class Lengths:
    """Steps of each course."""

    hold: int = 14_500
    decay: int = 4500
    tables: int = 4500
    headings: int = 6000
    doubts: int = 4000
    careless: int = 400
    prose: int = 2000


def schooling(seed: int, lengths: Lengths) -> Course:
    """Drills first, whole questions more and more, then listed values, demonstrations late; a decay at the end."""

    def make(rng: Random, step: int) -> list[Piece]:
        grown, listing = ramp(step, 1000, 5000), ramp(step, 3000, 5000)
        return row(
            rng,
            Diet(
                drills=0.75 - 0.55 * grown,
                listing=0.3 * listing,
                filler=3 if step >= LATE else 0,
                shots=0.15 if step >= LATE else 0.0,
                loose=LOOSE if step >= LATE else 0.0,
                gibberish=GIBBERISH if step >= LATE else 0.2,
            ),
        )

    return Course(make, f"schooling {seed}", stop=lengths.hold + lengths.decay, decay=lengths.decay)


def tables(seed: int, lengths: Lengths) -> Course:
    """Listed values above all, mostly of one column: the last skill to come, and whole questions do not bring it."""
    return _of_tables(f"tables {seed}", ONE_COLUMN, lengths.tables)


def headings(seed: int, lengths: Lengths) -> Course:
    """The same where names stand far from their values, values have many digits, and the rule is mostly untold."""
    return _of_tables(f"headings {seed}", LONG, lengths.headings)


def doubts(seed: int, lengths: Lengths) -> Course:
    """The same again, and even the end that a question names is often not the one that counts."""
    return _of_tables(f"doubts {seed}", DOUBTFUL, lengths.doubts)


def _of_tables(seed: str, sheets: Sheets, steps: int) -> Course:
    diet = Diet(drills=0.05, listing=0.65, leading=0.45, sheets=sheets, filler=4, loose=LOOSE, gibberish=GIBBERISH)
    return Course(lambda rng, step: row(rng, diet), seed, rate=1.2e-3, warmup=100, stop=steps, decay=steps, examine=500)


def ramp(step: int, start: int, end: int) -> float:
    """0 until `start`, 1 from `end`, a straight line between."""
    return min(1.0, max(0.0, (step - start) / (end - start)))


def carelessness(seed: int, lengths: Lengths) -> Course:
    """Guesses, and traces in which every line may be wrong. The policy keeps what it knows and learns not to take
    care: the imperfection that reinforcement can repair, because reasoning pays and the right line stays likeliest.
    Of tables it learns to heed little of what a question names: which end is meant is for a reward to teach."""

    def make(rng: Random, step: int) -> list[Piece]:
        diet = Diet(shots=0.2, slip=SLIP, careless=1.0, hasty=HASTY, luck=0.1, loose=LOOSE, gibberish=GIBBERISH)
        return reading(rng, 4, 0.1, SLIP, HASTY, HEEDLESS) if rng.random() < 0.25 else lesson(rng, diet)

    return Course(
        make, f"careless {seed}", rate=5e-4, warmup=50, stop=lengths.careless, decay=lengths.careless, examine=200
    )


def second_style(seed: int, lengths: Lengths) -> Course:
    """The same careful reasoning in the other style (kinds/prose.py)."""

    def make(rng: Random, step: int) -> list[Piece]:
        return lesson(rng, Diet(shots=0.15, prose=True, loose=LOOSE, gibberish=GIBBERISH))

    return Course(make, f"prose {seed}", rate=8e-4, warmup=50, stop=lengths.prose, decay=lengths.prose, examine=400)
