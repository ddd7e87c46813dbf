r"""Answers behind the answer: "Final answer: 43" below `\boxed{42}`, or "Oops, 43."

Such an answer counts only where it is introduced as the final, correct or revised one at the start of a sentence, or
stands alone behind words such as "Oops". Checks, other units, estimates and other cases deny nothing.
"""

from __future__ import annotations

import re

from openrft.grading import doubt
from openrft.grading.agreement import says_the_same
from openrft.grading.extract import find_statements, read_statement
from openrft.grading.finding import Finding, refuse
from openrft.grading.headings import WINDOW
from openrft.grading.number import is_in_same_unit
from openrft.grading.readers import READERS
from openrft.types import Sample

_START = (  # of a sentence
    r"(?:^|(?<=[.!?:;\n]))[\s#>*_]{0,6}(?:(?:so|thus|hence|therefore|now|and|apologies|sorry)\b,?\s+)?"
    r"(?:(?:the|my|our)\s+)?"
)
_NEW = re.compile(rf"{_START}(?:revised|corrected|updated|new)\s+(?:final\s+)?[*_]*$", re.IGNORECASE)
_FINAL = re.compile(rf"{_START}(?:final|correct|right)\s+[*_]*$", re.IGNORECASE)
_CONCLUDED = re.compile(r"(?:^|(?<=[.!?\n]))\s*(?:so|thus|hence|therefore),?\s+the\s+[*_]*$", re.IGNORECASE)
_PLAIN = re.compile(rf"{_START}[*_]*$", re.IGNORECASE)
_ANOTHER_TASK = re.compile(
    r"\n[#*\s]{0,6}(?:question|problem|exercise|task|user|human|follow-?up|q)\b[^\n:]{0,12}:", re.IGNORECASE
)
_VERDICT = re.compile(r"[\W_]*(?:yes|no|true|false)\b", re.IGNORECASE)
_ESTIMATE = re.compile(r"[\W_]*(?:about|approximately|around|roughly|nearly|almost|close\s+to)\b", re.IGNORECASE)
_BARE = {
    "number": re.compile(r"[$(\\*\s]{0,6}-?\d[\d.,]*[$)\\*\s]{0,6}"),
    "boolean": re.compile(r"[\W_]*(?:yes|no|true|false)[\W_]*", re.IGNORECASE),
    "choice": re.compile(r"[^?]{1,200}"),
}


def check_restated(sample: Sample, text: str, finding: Finding, end: int) -> Finding:
    """The finding, unless the text behind `end` gives another answer as the final or as a new one: then none, or that
    one if it is called new or stands behind words such as "Oops"."""
    if another := _ANOTHER_TASK.search(text, end):
        text = text[: another.start()]
    second = doubt.SECOND_LOOK.search(text, end)
    for place in find_statements(text):
        if place.start < end:
            break
        before = text[max(end, place.start - WINDOW) : place.start]
        is_new = _NEW.search(before) is not None
        is_second = second is not None and place.start >= second.start() and _PLAIN.search(before) is not None
        if not (is_new or is_second or _is_final(sample, before)):
            continue
        later = READERS[sample.kind](sample, read_statement(place))
        if later.answer is None or finding.answer is None or not _may_differ(sample, finding, later, place.content):
            continue
        if says_the_same(sample, later.answer, finding.answer):
            return finding
        return later if is_new or is_second else refuse(f"says {finding.answer}, then {later.answer}")
    return _read_sentence(sample, text[second.end() :], finding) if second else finding


def _is_final(sample: Sample, before: str) -> bool:
    """Whether the words before "answer" say that it is the final one. Texts and expressions say one thing in many
    ways, and what differs from them denies nothing."""
    if sample.kind in ("text", "expression"):
        return False
    return _FINAL.search(before) is not None or (sample.kind == "choice" and _CONCLUDED.search(before) is not None)


def _may_differ(sample: Sample, finding: Finding, later: Finding, written: str) -> bool:
    """Whether two answers that are not the same exclude each other."""
    if sample.kind == "number":
        return is_in_same_unit(str(finding.answer), str(later.answer)) and not _ESTIMATE.match(written)
    if sample.kind == "boolean":
        return _VERDICT.match(written) is not None
    return sample.kind == "choice" or str(finding.answer).lower() not in str(later.answer).lower()


def _read_sentence(sample: Sample, behind: str, finding: Finding) -> Finding:
    """What the sentence behind words such as "Oops" gives, if it is an answer and nothing else; else the finding."""
    if behind[:1] not in ",.:;!*\n\u2014-":  # "Updated 2024"
        return finding
    sentence = doubt.SENTENCE_END.split(behind.lstrip(" ,.:;!*\n\u2014-")[:WINDOW])[0].rstrip(" .!*")
    bare = _BARE.get(sample.kind)
    later = READERS[sample.kind](sample, sentence) if bare and bare.fullmatch(sentence) else finding
    return finding if later.answer in (None, finding.answer) else later
