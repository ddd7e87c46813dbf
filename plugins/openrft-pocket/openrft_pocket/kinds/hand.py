"""The hand that writes a trace: it knows how a line goes wrong, not what any task is about.

A solver asks the hand for every number and every choice it writes. A steady hand gives the truth; a slipping one
now and then gives a plausible error, and the solver goes on from there, so that flaws spread as they do in a
reasoner.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

LETTERS = "ABCD"
SLIPS = (1, -1, 1, -1, 1, -1, 10, -10, 2, -2)  # mostly off by one: an error that low temperature does not remove


class Hand:
    """Collects the lines of one trace; `slip` is the chance that an asked-for value comes out wrong."""

    def __init__(self, rng: Random | None = None, slip: float = 0.0) -> None:
        self.rng = rng or Random(0)
        self.slip = slip
        self.lines: list[str] = []
        self.slipped = False
        self.boxed = ""

    def write(self, line: str) -> None:
        self.lines.append(line)

    def number(self, truth: int) -> int:
        """The result of a calculation or a fact recalled."""
        if not self._slips():
            return truth
        return max(0, truth + self.rng.choice(SLIPS)) if truth else 1

    def choice(self, truth: str, others: Sequence[str], share: float = 1.0) -> str:
        """Something read off the question: the truth, or one of what stands beside it. Where a step reads several
        things, each has its `share` of the chance to slip: else most flaws would be in values that decide nothing."""
        others = [other for other in others if other != truth]
        return self.rng.choice(others) if others and self._slips(share) else truth

    def settle(self, options: Sequence[str], value: str) -> None:
        """Copy the option that says `value` with its letter, and box the letter; guess where none says it."""
        if value in options:
            letter = self.choice(LETTERS[list(options).index(value)], LETTERS)
        else:
            letter = self.rng.choice(LETTERS)
        self.write(f"{letter}. {options[LETTERS.index(letter)]}")
        self.box(letter)

    def guess(self, options: Sequence[str]) -> None:
        """No reasoning at all: any option, owned to be a guess, and its letter."""
        i = self.rng.randrange(len(LETTERS))
        self.write(f"guess {options[i]}")
        self.write(f"{LETTERS[i]}. {options[i]}")
        self.box(LETTERS[i])

    def box(self, letter: str) -> None:
        self.boxed = letter
        self.write("\\boxed{" + letter + "}")

    def _slips(self, share: float = 1.0) -> bool:
        wrong = self.slip > 0 and self.rng.random() < self.slip * share
        self.slipped = self.slipped or wrong
        return wrong
