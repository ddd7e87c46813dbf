"""Which option a row's answer means: by label, by text or by number, judged over the whole column.

An answer that could mean two options is refused: a wrong gold answer would be trained on, and nobody would notice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from openrft import LETTERS
from openrft_questions.cells import normalize_spaces
from openrft_questions.options import Options
from openrft_questions.table import BadRowError

ADVICE = "say --count-from 0 or --count-from 1, or write a label"
_LETTER = re.compile(r"\(?([A-Za-z])\)?[.:]?")
_LETTER_AND_TEXT = re.compile(r"\(?([A-Za-z])(?:[).:]+\s*|\s+[-\u2013]\s+|\s+)(.+)", re.DOTALL)
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u00b4`", "''\"\"''")
_NAMED = re.compile(r"(?:option|choice|answer|opt?)[\s_:#.-]*(\w{1,2})", re.IGNORECASE)
_SEVERAL = re.compile(r"(?:[A-Za-z]|\d{1,2})(?:\s*[,;&]\s*(?:[A-Za-z]|\d{1,2}))+")
_WHOLE = re.compile(r"(-?\d{1,9})(?:\.0+)?")  # pandas writes 1.0 for 1 where a cell of the column is empty


@dataclass(frozen=True, slots=True)
class ChoiceRule:
    """How the answers of a column name options."""

    count_from: Literal[0, 1] | None = None  # None: a number could count from 0 or from 1
    prefer: Literal["label", "text", ""] = ""  # where an answer fits one option by label and another by text
    why: str = ""  # why numbers cannot be read
    numbers_are_texts: bool = False  # numbers are too large to count options, and all are texts of options
    ignore_labels: bool = False  # options are labelled from 1, and answers count them from 0


@dataclass(slots=True)
class _Found:
    """The options that an answer fits."""

    answer: str
    by_label: set[int]
    by_text: set[int]
    number: int | None  # the answer as a number that is no label
    options: int
    labels_from_1: bool


def judge_choices(
    rows: Iterable[tuple[str, Options]], given: Literal[0, 1] | None, layout: Literal[0, 1] | None
) -> ChoiceRule:
    """How the answers of a column are to be read. `given`: what --count-from says. `layout`: what the layout says."""
    found = [_find(answer, options) for answer, options in rows]
    labels, texts = all(one.by_label for one in found), all(one.by_text for one in found)
    prefer: Literal["label", "text", ""] = "label" if labels and not texts else "text" if texts and not labels else ""
    if given is not None:
        return ChoiceRule(given, prefer, ignore_labels=True)
    if any(one.labels_from_1 and not one.by_label and one.answer in ("0", "0.0") for one in found):
        return ChoiceRule(0, prefer, ignore_labels=True)
    numbers = [(one.number, one) for one in found if one.number is not None and one.number != -1]
    if not numbers:
        return ChoiceRule(layout, prefer)
    may_count = all(0 <= number <= one.options for number, one in numbers)
    if all(one.by_text for _, one in numbers) and not (may_count and layout is not None):
        return ChoiceRule(None, prefer, numbers_are_texts=not may_count)
    lowest = min(number for number, _ in numbers)
    beyond = any(number == one.options for number, one in numbers)
    if lowest == 0 and beyond and layout is None:
        return ChoiceRule(None, prefer, "numbers count from 0 in some rows and from 1 in others")
    if layout == 0 and beyond and lowest > 0:
        return ChoiceRule(None, prefer, "numbers seem to count from 1, unlike elsewhere in this layout")
    if layout is not None:
        return ChoiceRule(layout, prefer)
    return ChoiceRule(0 if lowest == 0 else 1 if beyond else None, prefer)


def find_gold_letter(answer: str, options: Options, rule: ChoiceRule) -> str:
    """The letter of the option that the answer means. Raises BadRowError unless it is one option alone."""
    found = _find(answer, options, rule.ignore_labels)
    if rule.prefer and found.by_label and found.by_text:
        chosen = found.by_label if rule.prefer == "label" else found.by_text
        found.by_label, found.by_text = chosen, set()
    if found.number is not None:
        if rule.count_from is not None:
            return _letter_of_number(found.number, found.options, rule.count_from)
        if found.number == -1 and not found.by_text:
            raise BadRowError("no answer", "the answer is -1, which stands for none")
        if 0 <= found.number <= found.options and not rule.numbers_are_texts:
            detail = f"the answer {answer[:60]} could count from 0 or from 1, or be an option's text: {ADVICE}"
            raise BadRowError("answer", f"{rule.why}: {ADVICE}" if rule.why else detail)
    both = found.by_label | found.by_text
    if len(both) == 1:
        return LETTERS[both.pop()]
    if both:
        raise BadRowError("answer", f"the answer {answer[:60]!r} fits several options, by label or text")
    if _SEVERAL.fullmatch(answer):
        raise BadRowError("answer", f"the answer {answer[:60]!r} names several options; one alone can be right")
    plain = unicodedata.normalize("NFKC", answer)  # \uff22 is B, and \u2461 is 2
    if plain != answer:
        return find_gold_letter(plain, options, rule)
    raise BadRowError("answer", f"the answer {answer[:60]!r} is neither a label nor the text of an option")


def _loosen(text: str) -> str:
    """A text without case, the kind of its quotation marks, and a full stop at its end."""
    return text.translate(_QUOTES).casefold().rstrip(". ")


def check_index(index: str, letter: str, options: Options, rule: ChoiceRule) -> None:
    """Raises BadRowError if a further column with the answer's number or label contradicts the answer."""
    found = _find(index, options)
    number = found.number
    if number is None:
        fits = not found.by_label or LETTERS.index(letter) in found.by_label
    elif rule.count_from is None:
        fits = LETTERS.index(letter) in (number, number - 1)
    else:
        fits = LETTERS.index(letter) == number - rule.count_from
    if not fits:
        raise BadRowError("answer", f"the answer is {letter}, and another column says {index[:60]!r}")


def _letter_of_number(number: int, options: int, count_from: int) -> str:
    at = number - count_from
    if not 0 <= at < options:
        detail = f"the answer {number}, counted from {count_from}, is none of {options} options"
        raise BadRowError("no answer" if number == -1 else "answer", detail)
    return LETTERS[at]


def _find(answer: str, options: Options, ignore_labels: bool = False) -> _Found:
    """The options that an answer fits by label and by text, and the number that it may be."""
    texts, labels = options
    worded = _NAMED.fullmatch(answer)  # "Option B"
    if worded and worded.group(1).upper() in labels and answer not in texts:
        answer = worded.group(1)
    bare = _LETTER.fullmatch(answer)
    named = {answer.upper(), bare.group(1).upper() if bare else ""}
    numbered = labels == tuple(str(i) for i in range(1, len(labels) + 1))
    by_label = set() if numbered and ignore_labels else {i for i, label in enumerate(labels) if label in named}
    spaced = normalize_spaces(answer)
    plain: Sequence[str] = [normalize_spaces(text) for text in texts]
    by_text = {i for i, text in enumerate(plain) if text == spaced}
    by_text = by_text or {i for i, text in enumerate(plain) if text.lower() == spaced.lower()}
    by_text = by_text or {i for i, text in enumerate(plain) if _loosen(text) == _loosen(spaced)}
    both = _LETTER_AND_TEXT.fullmatch(answer)
    if both and not by_text:
        letter, rest = both.group(1).upper(), normalize_spaces(both.group(2)).lower()
        by_text = {i for i, label in enumerate(labels) if label == letter and plain[i].lower() == rest}
    if bare and not by_label and not by_text and all(label.isdecimal() for label in labels):
        at = LETTERS.index(bare.group(1).upper())  # B for the second of the columns Option 1, Option 2, ...
        by_label = {at} & {*range(len(labels))}
    whole = _WHOLE.fullmatch(answer)
    if whole and not by_text:
        by_text = {i for i, text in enumerate(plain) if text == whole.group(1)}  # 20.0 for the option 20
    number = int(whole.group(1)) if whole and not by_label else None
    return _Found(answer, by_label, by_text, number, len(texts), numbered)
