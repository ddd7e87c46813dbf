"""Another order of a question's options, with the gold letter following its text.

Options that speak of their place ("all of the above", "both A and B") would change their meaning: such a
question keeps its order.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace

from openrft import Sample

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLACE = re.compile(
    r"\b(?:all|none|any|both|neither|either|some|each|one|two)\s+of\s+(?:the\s+)?"
    r"(?:above|below|these|those|them|others?|options|choices|answers|statements|following|preceding|previous)\b"
    r"|\b(?:all|none|both|neither)\s+(?:the\s+)?(?:above|(?:are\s+)?(?:in)?correct)\b"
    r"|\b(?:the\s+)?(?:above|preceding|previous|other)\s+(?:options?|choices?|answers?|statements?)\b",
    re.IGNORECASE,
)


def movable(sample: Sample) -> bool:
    """Whether the options may stand in any order."""
    if sample.kind != "choice" or len(sample.options) < 2:
        return False
    by_letter = _names_letters(_LETTERS[: len(sample.options)])
    if any(_PLACE.search(text) or by_letter.search(text) for text in sample.options):
        return False
    # A question may point at options too: "if option A is chosen ...".
    last = _LETTERS[len(sample.options) - 1]
    return not re.search(rf"\b(?i:options?|choices?|answers?)\s+\(?[A-{last}]\)?(?!\w)", sample.question)


def shuffled(sample: Sample, rng: random.Random) -> Sample:
    """The same question with its options in an order drawn from `rng` (every order equally likely)."""
    order = list(range(len(sample.options)))
    rng.shuffle(order)
    gold = _LETTERS.index(sample.answer)
    return replace(sample, options=tuple(sample.options[i] for i in order), answer=_LETTERS[order.index(gold)])


def _names_letters(labels: str) -> re.Pattern[str]:
    """Matches a text that names options by letter: "both A and B", "A, C", "only D", "(A) & (C) only", "option B"."""
    one = rf"\(?[{labels}]\)?"
    return re.compile(
        # Blanks or stops around it: the letters of "CC/C=C/C" are atoms.
        rf"(?<!\S){one}\s*(?:(?:,\s*)?(?:and|or|nor)\s|&|/|,)\s*{one}(?![^\s.,;])"
        rf"|^\s*{one}\s+only\W*$|\b(?i:only|options?|choices?|answers?)\s+{one}(?!\w)"
    )
