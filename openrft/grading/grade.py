"""Whether an answer is right: option letters, yes/no, numbers and text. `unparsed` is never the same as `wrong`.

Only the completion is read. This file knows no task's own metrics; a task may bring its own grader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from openrft.grading.choice import read_boolean, read_choice
from openrft.grading.expression import is_same_expression, read_expression
from openrft.grading.extract import final_answer
from openrft.grading.markup import remove_markup
from openrft.grading.number import is_same_number, read_number
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.grading.text import is_accepted_text, normalise, read_text
from openrft.types import Rollout, Sample


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict on one completion."""

    answer: str | None  # what was read; None = unparsed
    correct: bool | None  # None = not scored, because only a judge could tell; never counted as wrong
    score: float | None = None  # in [0, 1], where an answer can be partly right
    lenient: Grade | None = None  # the verdict of the lenient reading; None = the same as this one
    reason: str = ""  # why, in a few words for people

    @property
    def value(self) -> float | None:
        """The score of the answer, from 0 to 1; None = not scored."""
        if self.score is not None or self.correct is None:
            return self.score
        return float(self.correct)


def grade(sample: Sample, completion: str, rules: GradingRules = DEFAULT_RULES) -> Grade:
    """Grade a completion against the sample's gold answer. Never raises on any completion text."""
    raw = final_answer(completion)
    if raw is None:
        return Grade(None, False)
    read = _READERS[sample.kind](sample, remove_markup(raw))
    if read is None:
        return Grade(None, False)
    if sample.kind in ("number", "expression"):
        is_same = is_same_number if sample.kind == "number" else is_same_expression
        gold = (sample.answer, *sample.accepted)
        return Grade(read, any(is_same(read, answer, rules, sample.question) for answer in gold))
    if sample.kind == "text":
        return Grade(read, is_accepted_text(read, sample))
    return Grade(read, normalise(read) == normalise(remove_markup(sample.answer)))


def apply_grade(rollout: Rollout, verdict: Grade) -> Rollout:
    """The rollout with the verdict on its completion written into it."""
    lenient = verdict.lenient or verdict
    return replace(
        rollout,
        answer=verdict.answer,
        correct=verdict.correct,
        score=verdict.score,
        lenient_answer=lenient.answer,
        lenient_correct=lenient.correct,
    )


_READERS = {
    "choice": read_choice,
    "boolean": read_boolean,
    "number": read_number,
    "expression": read_expression,
    "text": read_text,
}
