"""Shuffle a question's options; the gold letter follows its text.

Options that speak of their place ("all of the above", "both A and B") would change their meaning, so such a question
keeps its order.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace

from openrft import LETTERS, Sample

_PLACE = re.compile(
    r"\b(?:all|none|any|both|neither|either|some|each|one|two)\s+of\s+(?:the\s+)?"
    r"(?:above|below|these|those|them|others?|options|choices|answers|statements|following|preceding|previous)\b"
    r"|\b(?:all|none|both|neither)\s+(?:the\s+)?(?:above|(?:are\s+)?(?:in)?correct)\b"
    r"|\b(?:the\s+)?(?:above|preceding|previous|other)\s+(?:options?|choices?|answers?|statements?)\b",
    re.IGNORECASE,
)


def can_shuffle(sample: Sample) -> bool:
    """Whether the options keep their meaning in any order."""
    if sample.kind != "choice" or len(sample.options) < 2:
        return False
    by_letter = _match_letters(LETTERS[: len(sample.options)])
    if any(_PLACE.search(text) or by_letter.search(text) for text in sample.options):
        return False
    # A question may point at options too: "if option A is chosen ...".
    last = LETTERS[len(sample.options) - 1]
    return not re.search(rf"\b(?i:options?|choices?|answers?)\s+\(?[A-{last}]\)?(?!\w)", sample.question)


def shuffle_options(sample: Sample, rng: random.Random) -> Sample:
    """The same question with its options in an order drawn from `rng` (every order equally likely)."""
    order = list(range(len(sample.options)))
    rng.shuffle(order)
    gold = LETTERS.index(sample.answer)
    return replace(sample, options=tuple(sample.options[i] for i in order), answer=LETTERS[order.index(gold)])


def _match_letters(labels: str) -> re.Pattern[str]:
    """Matches a text that names options by letter: "both A and B", "A, C", "only D", "(A) & (C) only", "option B"."""
    one = rf"\(?[{labels}]\)?"
    return re.compile(
        # Blanks or stops around it: the letters of "CC/C=C/C" are atoms.
        rf"(?<!\S){one}\s*(?:(?:,\s*)?(?:and|or|nor)\s|&|/|,)\s*{one}(?![^\s.,;])"
        rf"|^\s*{one}\s+only\W*$|\b(?i:only|options?|choices?|answers?)\s+{one}(?!\w)"
    )
