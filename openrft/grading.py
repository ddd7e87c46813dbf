"""Is this answer right? Option letters, yes/no, numbers and strings; `unparsed` is never the same as `wrong`.

Reads the completion only. Knows nothing of tasks' own metrics: a task may bring a grader of its own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from openrft.prompt import final_answer
from openrft.sample import LETTERS, Sample

_WRAP = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")
# "b", "(B)", "b) text", "B because ..."; not "a mess": a small letter before a space is a word.
_LETTER = re.compile(r"^\(?\s*(?:([A-Za-z])\s*(?:[).:,].*)?|([A-Z])\s.*)$", re.DOTALL)
_NUMBER = re.compile(r"[-+\u2212]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_YES = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict on one completion."""

    answer: str | None  # what was read; None = nothing that could be an answer (unparsed)
    correct: bool | None  # None = not scored: nobody can tell without a judge. Never counted as wrong
    score: float | None = None  # in [0, 1], where an answer can be right in part

    @property
    def value(self) -> float | None:
        """What the answer is worth, from 0 to 1; None = not scored."""
        if self.score is not None or self.correct is None:
            return self.score
        return float(self.correct)


def grade(sample: Sample, completion: str) -> Grade:
    """Grade a completion against the sample's gold answer. Never raises on any completion text."""
    raw = final_answer(completion)
    if raw is None:
        return Grade(None, False)
    read = _READERS[sample.kind](sample, _WRAP.sub(r"\1", raw).replace("$", "").strip())
    if read is None:
        return Grade(None, False)
    if sample.kind == "number":
        return Grade(read, _same_number(read, sample.answer))
    return Grade(read, _normal(read) == _normal(sample.answer))


def _letter(sample: Sample, raw: str) -> str | None:
    """An option's letter, or the letter of the option whose whole text was given."""
    labels = LETTERS[: len(sample.options)]
    texts = [_normal(text) for text in sample.options]
    if texts.count(_normal(raw)) == 1 and not (len(raw) == 1 and raw.upper() in labels):
        return labels[texts.index(_normal(raw))]
    found = _LETTER.match(raw)
    letter = (found.group(1) or found.group(2)).upper() if found else ""
    return letter if letter and letter in labels else None


def _yes_no(sample: Sample, raw: str) -> str | None:
    word = re.match(r"[A-Za-z]+", raw)
    return _YES.get(word.group(0).lower()) if word else None


def _number(sample: Sample, raw: str) -> str | None:
    found = _NUMBER.search(raw)
    return found.group(0) if found else None


def _text(sample: Sample, raw: str) -> str | None:
    return raw or None


_READERS = {"choice": _letter, "boolean": _yes_no, "number": _number, "text": _text}


def _normal(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".")


def _same_number(read: str, gold: str) -> bool:
    """Equal within half a unit of the gold's last given digit, so 3.14159 matches a gold of 3.14."""
    found = _NUMBER.search(gold)
    if not found:
        return False
    text = found.group(0).replace(",", "").replace("\u2212", "-")
    mantissa, _, exponent = text.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - digits)
    value = float(read.replace(",", "").replace("\u2212", "-"))
    # The tolerance's own rounding must not decide a tie, hence the last factor.
    return math.isfinite(value) and abs(value - float(text)) <= 0.5 * unit * (1 + 1e-9)
