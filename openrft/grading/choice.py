"""Which option, or yes or no, an answer names. None if it names none or several."""

from __future__ import annotations

import re

from openrft.grading.text import normalise, remove_markup
from openrft.types import LETTERS, Sample

# "b", "(B)", "b) text", "B because ..."; not "a mess": a small letter before a space is a word.
_LETTER = re.compile(r"^\(?\s*(?:([A-Za-z])\s*([).:,].*)?|([A-Z])(\s.*))$", re.DOTALL)
_PUNCTUATION = " \n\t().:,;=*-\u2013\u2014"
# An option named by its letter alone: "C", "(c)", "c,"; not "a mess", nor within CC(C)=O.
_NAMED_OPTION = re.compile(r"(?:^|[\s,/&])\(?(?:([A-Z])\)?(?=[\s,.:;/&)]|$)|([a-z])(?:\)|(?=[,.:;/&]|$)))")
# A reason is no part of the answer, and may name what else there is; what takes an answer back, or upholds it.
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
    """An option's letter, or the letter of the option whose whole text was given."""
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
    """Is an option's letter with `rest` behind it one answer? No if that names another option or takes this one back.

    Behind a mark any other words may stand; behind a space alone the option's text, or why it is chosen.
    """
    marked = bool(rest.strip()) and rest.strip()[0] in _PUNCTUATION
    texts = [" ".join(remove_markup(text).split()).strip(_PUNCTUATION).lower() for text in sample.options]
    notices, own = " ".join(rest.split()).strip(_PUNCTUATION), texts[chosen]
    if _longest_prefix(notices, texts) == own:
        notices, marked = notices[len(own) :].strip(_PUNCTUATION), True
    notices = _REASON.sub("", notices).strip(_PUNCTUATION)
    others = {*LETTERS[: len(texts)]} - {LETTERS[chosen]}
    if _longest_prefix(notices, texts) or others & {
        (big or small).upper() for big, small in _NAMED_OPTION.findall(notices)
    }:
        return False
    return not _RETRACTED.match(notices) and (marked or not notices or _CONFIRMED.match(notices) is not None)


def _longest_prefix(notices: str, texts: list[str]) -> str | None:
    """The longest of the texts that `said` begins with, as whole words."""
    found = [text for text in texts if text and re.match(re.escape(text) + r"(?!\w|\.\d)", notices.lower())]
    return max(found, key=len, default=None)


_BOOLEANS = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}
# "true", "or false, perhaps"; not "there is no barrier", "the true value", "not always true".
_BOOLEAN_WORD = re.compile(
    r"(?:(?<=or )|(?<=and )|(?<=/))(?:yes|no|true|false)\b|\b(?:yes|no|true|false)\b(?!\s+\w)", re.IGNORECASE
)
_NEGATED = re.compile(r"(?:\bnot|n't|\bnever)\b[^.,;]*", re.IGNORECASE)


def read_boolean(sample: Sample, raw: str) -> str | None:
    word = re.match(r"[A-Za-z]+", raw)
    verdict = _BOOLEANS.get(word.group(0).lower()) if word else None
    if not word or not verdict:
        return None
    notices = _REASON.sub("", raw[word.end() :]).strip(_PUNCTUATION)
    denied = re.match(r"(?:is|was)\b", notices) is not None and _RETRACTED.match(notices) is not None
    both = {_BOOLEANS[found.lower()] for found in _BOOLEAN_WORD.findall(_NEGATED.sub("", notices))} - {verdict}
    return None if both or denied else verdict
