"""What is taught when: the courses of pre-training, and the last one, which teaches carelessness."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from openrft_pocket.school.chat import Piece
from openrft_pocket.school.lessons import Diet, lesson, row
from openrft_pocket.school.pretrain import Course


@dataclass(frozen=True)
class Lengths:
    """Steps of each course."""

    hold: int = 9000
    decay: int = 3000
    careless: int = 400


def schooling(seed: int, lengths: Lengths) -> Course:
    """Drills first, whole questions more and more, demonstrations late; a decay at the end."""

    def make(rng: Random, step: int) -> list[Piece]:
        grown = min(1.0, max(0.0, (step - 1000) / 4000))
        return row(rng, Diet(drills=0.75 - 0.5 * grown, shots=0.15 if step >= 7000 else 0.0))

    return Course(make, f"schooling {seed}", stop=lengths.hold + lengths.decay, decay=lengths.decay)


def carelessness(seed: int, lengths: Lengths, slip: float = 0.18, hasty: float = 0.45) -> Course:
    """Guesses, and traces in which every line may be wrong. The policy keeps what it knows and learns not to take
    care: the imperfection that reinforcement can repair, because reasoning pays and the right line stays likeliest."""

    def make(rng: Random, step: int) -> list[Piece]:
        return lesson(rng, Diet(shots=0.2, slip=slip, careless=1.0, hasty=hasty))

    return Course(
        make, f"careless {seed}", rate=5e-4, warmup=50, stop=lengths.careless, decay=lengths.careless, examine=200
    )
