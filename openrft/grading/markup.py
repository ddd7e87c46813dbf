"""What a reader sees of an answer: its text without Markdown, LaTeX, HTML and quotation marks around it.

`\\textbf{B}`, `**B**`, `$B$`, `[B]`, `"B"`, `option B` and a full-width B are B. What means something stays:
`\\frac{1}{2}`, `x^{10}`, `a*b`, `snake_case`, `*CC*`. The time is linear in the length of the text,
however deep it is nested.
"""

from __future__ import annotations

import html
import re
import unicodedata

from openrft.grading.markup_scanner import remove_dress

_ESCAPE = re.compile(r"(?<!\\)\\([%$_#&{}*.|<>+-])")  # not \[, a bond before an atom of a molecule
_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[A-Za-z]{2,24});")
_COMPATIBLE = re.compile(  # full-width forms, letters in circles, brackets and formulas, ligatures, degrees, ohm, micro
    "[\uff01-\uff5e\u249c-\u24e9\U0001d400-\U0001d7ff\ufb00-\ufb06\u2103\u2109\u212a\u212b\u2126\u00b5]"
)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]")
_EAST_ASIAN = str.maketrans({"\u3002": ".", "\u3001": ",", "\u3010": "[", "\u3011": "]", "\u3000": " "})
_QUOTES = {  # what opens a quotation, and what closes it
    '"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb", "\u201e": "\u201c",
    "\u300c": "\u300d", "\u300e": "\u300f", '\\"': '\\"', "``": "''",
}  # fmt: skip
_WORDS = re.compile(
    r"(?:the\s+)?(?:(?:final|correct|right|best)\s+)?answer\s*(?:is\b|:)\s*:?"
    r"|(?:option|choice)s?\s+(?=[(\[]?[A-Z][)\]]?(?!\w))",
    re.IGNORECASE,
)
_FIRST_OF_WORDS = frozenset("tTfFcCrRbBaAoO")
_LETTER_IN_BRACKETS = re.compile(r"(?:\([A-Za-z]\)|\[[A-Za-z]\])(?=[\s.,:;*]|\Z)")
_WINDOW = 64  # the words before an answer must stand in so many characters


def strip_markup(answer: str, after: str = "") -> str:
    r"""The answer without markup and without words such as "option" in front. Characters of `after` are stripped from
    its end. Escaped characters such as `\$` stay escaped, so stripping twice changes nothing."""
    for _ in range(4):  # what stood in a quotation may be dressed again
        bare = _peel(remove_dress(_fold_characters(answer)), after)
        if bare == answer:
            break
        answer = bare
    return answer


def remove_markup(text: str, after: str = "") -> str:
    r"""The text as a reader sees it: `strip_markup`, and `\%`, `\_` and `&lt;` are the characters they stand for."""
    bare = _ESCAPE.sub(r"\1", strip_markup(text, after))
    return _ENTITY.sub(lambda found: html.unescape(found[0]), bare).strip()


def _fold_characters(text: str) -> str:
    """Full-width and styled letters become plain ones, invisible characters go. Superscripts and subscripts stay,
    because 10 to the power of 2 is not 102."""
    if text.isascii():
        return text
    text = _UNSEEN.sub("", text.translate(_EAST_ASIAN))
    return _COMPATIBLE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def _peel(text: str, after: str) -> str:
    """The text without spaces, quotation marks, brackets around a lone letter, and introducing words at its start."""
    start, end = 0, len(text)
    dropped: set[int] = set()  # closing marks whose opening ones are before `start`
    while start < end:
        sign = text[start]
        if start in dropped or sign.isspace():
            start += 1
        elif (length := _quotation(text, start, dropped)) or (length := _introduction(text, start, dropped)):
            start += length
        else:
            break
    kept = (
        "".join(sign for at, sign in enumerate(text[start:], start) if at not in dropped) if dropped else text[start:]
    )
    kept = kept.rstrip().rstrip(after) if after else kept.rstrip()
    if len(kept) > 4 and kept.startswith("**") and kept.endswith("**") and "**" not in kept[2:-2]:  # ** iron **
        return kept[2:-2].strip()
    if kept.startswith("**") and kept[2:3].isalnum():  # bold that ends, or begins, outside
        return kept[2:]
    return kept[:-2] if kept.endswith("**") and kept[-3:-2].isalnum() else kept


def _quotation(text: str, start: int, dropped: set[int]) -> int:
    """The length of the quotation mark at `start`, if another one closes it on its line; that one is dropped."""
    mark = text[start : start + 2] if text[start : start + 2] in _QUOTES else text[start]
    closing = _QUOTES.get(mark)
    if closing is None:
        return 0
    at = text.find(closing, start + len(mark) + 1)
    while at in dropped:
        at = text.find(closing, at + 1)
    if at < 0 or "\n" in text[start:at]:
        return 0
    dropped.update(range(at, at + len(closing)))
    return len(mark)


def _introduction(text: str, start: int, dropped: set[int]) -> int:
    """The length of words such as "answer:", or of the bracket that opens before a lone letter."""
    sign = text[start]
    if sign not in _FIRST_OF_WORDS and sign not in "([":
        return 0
    places = [at for at in range(start, min(start + _WINDOW, len(text))) if at not in dropped]
    window = "".join(text[at] for at in places)
    if sign in "([":
        if _LETTER_IN_BRACKETS.match(window):
            dropped.add(places[2])
            return 1
        return 0
    found = _WORDS.match(window)
    return (places[found.end()] if found.end() < len(places) else places[-1] + 1) - start if found else 0
