"""Whether an answer is right, in the strict and in the lenient reading. `unparsed` is never the same as `wrong`.

Only the completion is read. This file knows no task's own metrics; a task may bring its own grader.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from openrft.grading.expression_process import share_seconds
from openrft.grading.extract import read_strict
from openrft.grading.finding import Finding
from openrft.grading.lenient import check_later, read_lenient
from openrft.grading.readers import is_right
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.grading.thinking import split_thought
from openrft.types import Rollout, Sample


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict on one completion."""

    answer: str | None  # what was read; None = unparsed
    correct: bool | None  # None = not scored, because no rule could tell; never counted as wrong
    score: float | None = None  # in [0, 1], where an answer can be partly right
    lenient: Grade | None = None  # the verdict of the lenient reading; None = the same as this one
    reason: str = field(default="", compare=False)  # why, in a few words for people

    @property
    def value(self) -> float | None:
        """The score of the answer, from 0 to 1; None = not scored."""
        if self.score is not None or self.correct is None:
            return self.score
        return float(self.correct)


def grade(sample: Sample, completion: str, rules: GradingRules = DEFAULT_RULES) -> Grade:
    """Grade a completion against the sample's gold answer, in both readings. Never raises on any completion text.

    What the strict reading takes for the answer, the lenient one takes, too.
    """
    with share_seconds(completion):
        return _grade(sample, completion, rules)


def _grade(sample: Sample, completion: str, rules: GradingRules) -> Grade:
    parts = split_thought(completion)
    strict, end = read_strict(sample, parts.answer)
    if strict.answer is not None:
        later = check_later(sample, parts.answer, strict, end)
        if later is strict:
            return _judge(sample, strict, rules)
        strict, lenient = Finding(None, later.reason or "taken back behind it"), later
    else:
        lenient = read_lenient(sample, parts.answer)
    if parts.unfinished and lenient.answer is None:
        strict = lenient = Finding(None, "cut off inside its thought")
    verdict = _judge(sample, lenient, rules)
    return replace(_judge(sample, strict, rules), lenient=None if lenient.answer is None else verdict)


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
        reason=verdict.reason,
    )


def _judge(sample: Sample, finding: Finding, rules: GradingRules) -> Grade:
    if finding.answer is None:
        return Grade(None, False, reason=finding.reason)
    correct = is_right(sample, finding.answer, rules)
    wrong = "" if correct else f"; the right answer is {_shorten(sample.answer)}"
    return Grade(finding.answer, correct, reason=f"reads {_shorten(finding.answer)}{wrong}")


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."
