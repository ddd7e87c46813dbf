"""English number words: `twelve`, `one hundred and five`, `two thirds`, `2 million`."""

from __future__ import annotations

import re
from fractions import Fraction

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_ONES = {word: value for value, word in enumerate(_SMALL.split())}
_ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * tens for tens, word in enumerate(_ROUND.split(), 2)}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_PARTS = {
    "half": 2,
    "halves": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
    "twentieth": 20,
    "hundredth": 100,
    "thousandth": 1000,
}
_WORD = re.compile(r"[A-Za-z]+")
_ALL = "|".join(sorted({*_ONES, *_TENS, *SCALES, *_PARTS, "minus", "negative"}, key=len, reverse=True))
_RUN = re.compile(
    rf"(?:(?:a|an)\s+(?=hundred|thousand|million|billion|dozen|half|third|quarter))?(?:{_ALL})s?\b"
    rf"(?:(?:\s+|-)(?:and\s+)?(?:a\s+(?=half|third|quarter))?(?:{_ALL})s?\b)*",
    re.IGNORECASE,
)


def find_words(text: str) -> re.Match[str] | None:
    """The first run of number words."""
    for found in re.finditer(r"\b[A-Za-z]", text):
        if match := _RUN.match(text, found.start()):
            return match
    return None


def read_words(words: str) -> Fraction | None:
    """The value of a run of number words; None if they are not one number, such as "two three"."""
    sign, total, group, last = 1, Fraction(0), Fraction(0), ""
    for number, word in enumerate(_WORD.findall(words.lower())):
        plain = word if word in _ONES or word in _PARTS else word.removesuffix("s")
        if word in ("minus", "negative"):
            if number:
                return None
            sign = -1
        elif word in ("and", "a", "an"):
            continue
        elif plain in _ONES:
            value = _ONES[plain]
            if last == "ones" or (last == "tens" and not 0 < value < 10):
                return None
            group, last = group + value, "ones"
        elif plain in _TENS:
            if last in ("ones", "tens"):
                return None
            group, last = group + _TENS[plain], "tens"
        elif plain in SCALES:
            scale = SCALES[plain]
            if plain in ("hundred", "dozen"):
                group = (group or Fraction(1)) * scale
            else:
                total, group = total + (group or Fraction(1)) * scale, Fraction(0)
            last = "scale"
        elif plain in _PARTS:
            return _read_part(words, plain, sign)
        else:
            return None
    return sign * (total + group) if last else None


def _read_part(words: str, part: str, sign: int) -> Fraction | None:
    """ "half", "two thirds", "one and a half"."""
    found = re.fullmatch(
        rf"(?:(?:minus|negative)\s+)?(?:(.*?)\s+and\s+)?(?:(.*?)[\s-]+)?{part}s?", words.strip(), re.IGNORECASE
    )
    if not found:
        return None
    whole = read_words(found[1]) if found[1] else Fraction(0)
    above = Fraction(1) if found[2] in (None, "a", "an") else read_words(found[2])
    if whole is None or above is None or not 0 < above < 100:
        return None
    return sign * (whole + above / _PARTS[part])
