"""A curriculum: RL begins with the easiest questions, and the others join step by step."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import openrft
from openrft import Sample


class Curriculum(openrft.Plugin):
    """Draws from a share of the questions that grows linearly (competence-based curriculum, arXiv 1903.09848)."""

    requires = ("rl",)

    @dataclass(frozen=True)
    class Options:
        begin: float = openrft.option(0.3, help="Share of the questions that the first step draws from.", gt=0, le=1)
        end: float = openrft.option(0.5, help="Share of RL's steps after which all questions take part.", gt=0, le=1)
        field: str = openrft.option(
            "", help="Field of a question's meta that says how hard it is; empty: the number of its characters."
        )

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def draw_questions(
        self, samples: Sequence[Sample], count: int, step: int, steps: int, seed: int
    ) -> list[Sample] | None:
        done = step / (self.options.end * steps)
        if done >= 1:
            return None  # from here on every question comes once an epoch, as without a curriculum
        share = self.options.begin + (1 - self.options.begin) * done
        ranked = sorted(samples, key=self._rate)
        return random.Random(seed).sample(ranked[: max(count, round(share * len(ranked)))], count)

    def _rate(self, sample: Sample) -> float:
        if not self.options.field:
            return len(sample.question)
        try:
            return float(sample.meta[self.options.field])
        except (KeyError, TypeError, ValueError):
            raise openrft.UsageError(
                f"curriculum.field={self.options.field}: the question {sample.question[:40]!r} has no such number.",
                "Name a field of its meta that holds one.",
            ) from None
