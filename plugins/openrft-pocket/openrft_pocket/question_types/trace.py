"""How a solution trace is written, right or with errors, and its second style.

A question type asks the `TraceWriter` for every number and choice of its solution. With an error rate of 0 the writer
gives the truth. Otherwise it sometimes gives a plausible error, and the solution goes on from there, so errors spread
as they do in a model's reasoning. The writer knows how a line goes wrong. It knows no question type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

LETTERS = "ABCD"
NUMBER_ERRORS = (1, -1, 1, -1, 1, -1, 10, -10, 2, -2)  # mostly off by one: a low temperature does not remove that
_OPTION = re.compile(r"^([A-D])\. (.*)$")


class TraceWriter:
    """Collects the lines of one trace. `error_rate` is the chance that a requested value comes out wrong."""

    def __init__(self, rng: Random | None = None, error_rate: float = 0.0) -> None:
        self.rng = rng or Random(0)
        self.error_rate = error_rate
        self.lines: list[str] = []
        self.has_errors = False
        self.boxed_letter = ""

    def write(self, line: str) -> None:
        """Append a line as it is."""
        self.lines.append(line)

    def perturb_number(self, truth: int) -> int:
        """The result of a calculation: the truth, or a number near it."""
        if not self._draw_error():
            return truth
        return max(0, truth + self.rng.choice(NUMBER_ERRORS)) if truth else 1

    def perturb_choice(self, truth: str, others: Sequence[str], share: float = 1.0) -> str:
        """Something read or recalled: the truth, or one of `others`. A step that reads several values gives each a
        `share` of the error rate. Otherwise most errors would be in values that decide nothing."""
        others = [other for other in others if other != truth]
        return self.rng.choice(others) if others and self._draw_error(share) else truth

    def write_answer(self, options: Sequence[str], value: str) -> None:
        """Write the option that equals `value` with its letter, then the boxed letter. If there is none, guess."""
        if value in options:
            letter = self.perturb_choice(LETTERS[list(options).index(value)], LETTERS)
        else:
            letter = self.rng.choice(LETTERS)
        self.write(f"{letter}. {options[LETTERS.index(letter)]}")
        self.write_boxed(letter)

    def write_guess(self, options: Sequence[str]) -> None:
        """Any option, marked as a guess, and its letter. No reasoning."""
        i = self.rng.randrange(len(LETTERS))
        self.write(f"guess {options[i]}")
        self.write(f"{LETTERS[i]}. {options[i]}")
        self.write_boxed(LETTERS[i])

    def write_boxed(self, letter: str) -> None:
        """Write the final answer."""
        self.boxed_letter = letter
        self.write("\\boxed{" + letter + "}")

    def _draw_error(self, share: float = 1.0) -> bool:
        wrong = self.error_rate > 0 and self.rng.random() < self.error_rate * share
        self.has_errors = self.has_errors or wrong
        return wrong


def rewrite_as_prose(line: str) -> str:
    """The same line in the second, wordier style; the boxed answer stays.

    This style belongs to a teacher whose steps differ from the student's (the QwQ case in the paper's Table 2).
    """
    if line.startswith("\\boxed"):
        return line
    option = _OPTION.match(line)
    if option:
        return f"option {option[1]}, {_rewrite_step(option[2])}"
    return _rewrite_step(line)


def _rewrite_step(text: str) -> str:
    if "=" in text:
        calculation, result = text.rsplit("=", 1)
        calculation, result = calculation.strip(), result.strip()
        return f"from {calculation} we get {result}" if calculation else f"so we get {result}"
    head, _, last = text.rpartition(" ")
    return f"for {head} it is {last}" if head else f"it says {last}"
