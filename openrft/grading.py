"""Is this answer right? Option letters, yes/no, numbers and strings; `unparsed` is never the same as `wrong`.

Reads the completion only. Knows nothing of tasks' own metrics: a task may bring a grader of its own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from openrft.prompt import bare, final_answer
from openrft.sample import LETTERS, Rollout, Sample

_MATH = re.compile(r"\$|\\[()]")
# "b", "(B)", "b) text", "B because ..."; not "a mess": a small letter before a space is a word.
_LETTER = re.compile(r"^\(?\s*(?:([A-Za-z])\s*([).:,].*)?|([A-Z])(\s.*))$", re.DOTALL)
_MARKS = " \n\t().:,;=*-\u2013\u2014"
# An option named by its letter alone: "C", "(c)", "c,"; not "a mess", nor within CC(C)=O.
_NAMED = re.compile(r"(?:^|[\s,/&])\(?(?:([A-Z])\)?(?=[\s,.:;/&)]|$)|([a-z])(?:\)|(?=[,.:;/&]|$)))")
# A reason is no part of the answer, and may name what else there is; what takes an answer back, or upholds it.
_REASON = re.compile(
    r"\b(?:because|since|due to|as (?:it|its|the|this|that|they|these))\b.*"
    r"|\b(?:options?\s+)?\(?[A-Z]\)?(?:\s*(?:,|and|or)\s*\(?[A-Z]\)?)*\s+(?:is|are)\s+(?:not|wrong|incorrect|false)\b.*",
    re.DOTALL | re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"(?:(?:it|that|this)(?:'s|\s+is)\s+|is\s+|was\s+)?(?:not|isn't|wrong|incorrect|false|or|nor|and|maybe|perhaps|but)\b|&",
    re.IGNORECASE,
)
_UPHELD = re.compile(r"(?:is\s+(?:the\s+)?(?:correct|right|best|true|answer)|which|with|where)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-+\u2212]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_YES = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}
# "true", "or false, perhaps"; not "there is no barrier", "the true value", "not always true".
_VERDICT = re.compile(
    r"(?:(?<=or )|(?<=and )|(?<=/))(?:yes|no|true|false)\b|\b(?:yes|no|true|false)\b(?!\s+\w)", re.IGNORECASE
)
_DENIED = re.compile(r"(?:\bnot|n't|\bnever)\b[^.,;]*", re.IGNORECASE)


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
    read = _READERS[sample.kind](sample, _plain(raw))
    if read is None:
        return Grade(None, False)
    if sample.kind == "number":
        return Grade(read, _same_number(read, sample.answer))
    return Grade(read, _normal(read) == _normal(_plain(sample.answer)))


def graded(rollout: Rollout, verdict: Grade) -> Rollout:
    """The rollout with the verdict on its completion written into it."""
    return replace(rollout, answer=verdict.answer, correct=verdict.correct, score=verdict.score)


def _letter(sample: Sample, raw: str) -> str | None:
    """An option's letter, or the letter of the option whose whole text was given."""
    labels = LETTERS[: len(sample.options)]
    texts = [_normal(_plain(text)) for text in sample.options]
    if texts.count(_normal(raw)) == 1 and not (len(raw) == 1 and raw.upper() in labels):
        return labels[texts.index(_normal(raw))]
    found = _LETTER.match(raw)
    letter = (found.group(1) or found.group(3)).upper() if found else ""
    if not found or letter not in labels:
        return None
    return letter if _settled(sample, labels.index(letter), found.group(2) or found.group(4) or "") else None


def _settled(sample: Sample, chosen: int, rest: str) -> bool:
    """Is an option's letter with `rest` behind it one answer? No if that names another option or takes this one back.

    Behind a mark any other words may stand; behind a space alone the option's text, or why it is chosen.
    """
    marked = bool(rest.strip()) and rest.strip()[0] in _MARKS
    texts = [" ".join(_plain(text).split()).strip(_MARKS).lower() for text in sample.options]
    said, own = " ".join(rest.split()).strip(_MARKS), texts[chosen]
    if _opens(said, texts) == own:
        said, marked = said[len(own) :].strip(_MARKS), True
    said = _REASON.sub("", said).strip(_MARKS)
    others = {*LETTERS[: len(texts)]} - {LETTERS[chosen]}
    if _opens(said, texts) or others & {(big or small).upper() for big, small in _NAMED.findall(said)}:
        return False
    return not _TAKEN_BACK.match(said) and (marked or not said or _UPHELD.match(said) is not None)


def _opens(said: str, texts: list[str]) -> str | None:
    """The longest of the texts that `said` begins with, as whole words."""
    found = [text for text in texts if text and re.match(re.escape(text) + r"(?!\w|\.\d)", said.lower())]
    return max(found, key=len, default=None)


def _yes_no(sample: Sample, raw: str) -> str | None:
    word = re.match(r"[A-Za-z]+", raw)
    verdict = _YES.get(word.group(0).lower()) if word else None
    if not word or not verdict:
        return None
    said = _REASON.sub("", raw[word.end() :]).strip(_MARKS)
    denied = re.match(r"(?:is|was)\b", said) is not None and _TAKEN_BACK.match(said) is not None
    both = {_YES[found.lower()] for found in _VERDICT.findall(_DENIED.sub("", said))} - {verdict}
    return None if both or denied else verdict


def _number(sample: Sample, raw: str) -> str | None:
    found = _NUMBER.search(raw)
    return found.group(0) if found else None


def _text(sample: Sample, raw: str) -> str | None:
    return raw or None


_READERS = {"choice": _letter, "boolean": _yes_no, "number": _number, "text": _text}


def _plain(text: str) -> str:
    """The text without what may stand around it or its parts: Markdown, LaTeX."""
    return _MATH.sub("", bare(text)).strip()


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
    try:
        unit = 10.0 ** (int(exponent or 0) - digits)
    except OverflowError:  # a gold beyond all numbers: nothing is equal to it
        return False
    value = float(read.replace(",", "").replace("\u2212", "-"))
    # The tolerance's own rounding must not decide a tie, hence the last factor.
    return math.isfinite(value) and abs(value - float(text)) <= 0.5 * unit * (1 + 1e-9)
