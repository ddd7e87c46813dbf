"""Which option, or yes or no, an answer names. None if it names none, or more than one."""

from __future__ import annotations

import re

from openrft.grading.markup import remove_markup
from openrft.grading.text import normalise
from openrft.types import LETTERS, Sample

# "b", "(B)", "b) text", "B because ...". Not "a mess": a lower-case letter before a space is a word.
_LETTER = re.compile(r"^\(?\s*(?:([A-Za-z])\s*([).:,].*)?|([A-Z])(\s.*))$", re.DOTALL)
_PUNCTUATION = " \n\t().:,;=*-\u2013\u2014"
# An option named by its letter alone: "C", "(c)", "c,". Not "a mess", and not inside CC(C)=O.
_NAMED_OPTION = re.compile(r"(?:^|[\s,/&])\(?(?:([A-Z])\)?(?=[\s,.:;/&)]|$)|([a-z])(?:\)|(?=[,.:;/&]|$)))")
# A reason is not part of the answer and may name other options. The next two take an answer back, or confirm it.
_REASON = re.compile(
    r"\b(?:because|since|due to|as (?:it|its|the|this|that|they|these))\b.*"
    r"|\b(?:options?\s+)?\(?[A-Z]\)?(?:\s*(?:,|and|or)\s*\(?[A-Z]\)?)*\s+(?:is|are)\s+(?:not|wrong|incorrect|false)\b.*",
    re.DOTALL | re.IGNORECASE,
)
_RETRACTED = re.compile(
    r"(?:(?:it|that|this)(?:'s|\s+is)\s+|is\s+|was\s+)?(?:not|isn't|wrong|incorrect|false|or|nor|and|maybe|perhaps|but)\b|&",
    re.IGNORECASE,
)
_CONFIRMED = re.compile(r"(?:is\s+(?:the\s+)?(?:correct|right|best|true|answer)|which|with|where)\b", re.IGNORECASE)


def read_choice(sample: Sample, raw: str) -> str | None:
    """The letter of the option that the answer names, by its letter or by its whole text."""
    labels = LETTERS[: len(sample.options)]
    texts = [normalise(remove_markup(text)) for text in sample.options]
    if texts.count(normalise(raw)) == 1 and not (len(raw) == 1 and raw.upper() in labels):
        return labels[texts.index(normalise(raw))]
    found = _LETTER.match(raw)
    letter = (found.group(1) or found.group(3)).upper() if found else ""
    if not found or letter not in labels:
        return None
    return letter if _is_one_answer(sample, labels.index(letter), found.group(2) or found.group(4) or "") else None


def _is_one_answer(sample: Sample, chosen: int, rest: str) -> bool:
    """Whether an option's letter followed by `rest` is one answer: `rest` names no other option and takes nothing back.

    After a punctuation mark, any other words may follow. After a space alone, only the option's text or a reason may.
    """
    marked = bool(rest.strip()) and rest.strip()[0] in _PUNCTUATION
    texts = [" ".join(remove_markup(text).split()).strip(_PUNCTUATION).lower() for text in sample.options]
    remainder, own = " ".join(rest.split()).strip(_PUNCTUATION), texts[chosen]
    if _longest_prefix(remainder, texts) == own:
        remainder, marked = remainder[len(own) :].strip(_PUNCTUATION), True
    remainder = _REASON.sub("", remainder).strip(_PUNCTUATION)
    others = {*LETTERS[: len(texts)]} - {LETTERS[chosen]}
    if _longest_prefix(remainder, texts) or others & {
        (big or small).upper() for big, small in _NAMED_OPTION.findall(remainder)
    }:
        return False
    return not _RETRACTED.match(remainder) and (marked or not remainder or _CONFIRMED.match(remainder) is not None)


def _longest_prefix(remainder: str, texts: list[str]) -> str | None:
    """The longest of the texts that `remainder` begins with, as whole words."""
    found = [text for text in texts if text and re.match(re.escape(text) + r"(?!\w|\.\d)", remainder.lower())]
    return max(found, key=len, default=None)


_BOOLEANS = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}
# "true", "or false, perhaps". Not "there is no barrier", "the true value", "not always true".
_BOOLEAN_WORD = re.compile(
    r"(?:(?<=or )|(?<=and )|(?<=/))(?:yes|no|true|false)\b|\b(?:yes|no|true|false)\b(?!\s+\w)", re.IGNORECASE
)
_NEGATED = re.compile(r"(?:\bnot|n't|\bnever)\b[^.,;]*", re.IGNORECASE)


def read_boolean(sample: Sample, raw: str) -> str | None:
    """Yes or No, if the answer says one of them (true and false count) and does not also say the other."""
    word = re.match(r"[A-Za-z]+", raw)
    verdict = _BOOLEANS.get(word.group(0).lower()) if word else None
    if not word or not verdict:
        return None
    remainder = _REASON.sub("", raw[word.end() :]).strip(_PUNCTUATION)
    denied = re.match(r"(?:is|was)\b", remainder) is not None and _RETRACTED.match(remainder) is not None
    both = {_BOOLEANS[found.lower()] for found in _BOOLEAN_WORD.findall(_NEGATED.sub("", remainder))} - {verdict}
    return None if both or denied else verdict
