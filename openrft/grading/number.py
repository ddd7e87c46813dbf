"""Numbers in answers: how one is read, and when two are equal.

An answer is a number if it holds one number and nothing that takes it back: with words before it ("about 12", `x = 12`,
"the mass is 12"), a unit or a reason behind it. A list, a range, a bound ("at least 12"), a guess with another number,
and a digit inside a name (CO2, C-14) are none. Names, formulas and calculations are refused and never guessed.

This reader decides plain numbers, not Math-Verify: that takes 2 to 90 ms, reads "12 or 13" as a set and CO2 as a
product, and knows no units. What this reader refuses is never right. tests/grading/test_math_verify.py counts where
the two differ.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from openrft.grading.markup import remove_markup
from openrft.grading.number_grammar import read_term
from openrft.grading.number_term import NoNumber, Term
from openrft.grading.number_text import find_number, split_answer
from openrft.grading.plain_math import to_plain
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.grading.scales import names_scale
from openrft.grading.units import Unit, contradicts, convert, find_asked_units
from openrft.types import Sample

LONGEST = 2000  # characters of an answer that may be a number
_PLAIN = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_RESTATED = re.compile(r"([^()]*[^()\s])\s+\(([^()]*)\)")
_CONTRAST = r"(?:not|rather\s+than|instead\s+of|as\s+opposed\s+to)"
_SPACE = r"(?:\s|\\[ ,;]|~)"
_CONTRASTED = re.compile(
    rf"(?P<meant>[^,;(]{{1,200}}?)(?:[,;]{_SPACE}*|{_SPACE}+)\(?(?:\\text\{{\s*)?(?:and\s+|but\s+)?{_CONTRAST}\}}?{_SPACE}+"
    r"(?P<other>[^()]{1,60}?)\)?[.\s]*",
    re.IGNORECASE,
)
_REPLACED = re.compile(
    r"not\s+(?P<other>[^,;]{1,60}?),?\s+but\s+(?:rather\s+|instead\s+)?(?P<meant>.{1,200})", re.IGNORECASE
)
_LOOSE = re.compile(r"(?<!\w)\s+|\s+(?!\w)")
_DECIMAL_COMMA = re.compile(
    r"(?<![\w.,])[-+]?(?:[1-9]\d{0,2}(?:[. ]\d{3})+,\d+|0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+)(?![\d,]|\.\d)"
)
_ZERO_COMMA = re.compile(r"(?<![\w.,])0(?:,|\{,\})\d+(?![\d,]|\{,\}|\.\d)")
_ASKS_PERCENT = re.compile(
    r"\b(?:what|which|how many)\s+(?:\w+\s+)?per\s?cent|\bpercentage\b"
    r"|\b(?:in|as(?:\s+a)?)\s+(?:per\s?cent\b|%)|\(\s*\\?%\s*\)",
    re.IGNORECASE,
)
_OFTEN_PERCENT = re.compile(
    r"\b(?:share|yield|efficiency|proportion|purity|humidity|abundance|composition|concentration)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Number:
    """One number that was read from an answer."""

    term: Term
    unit: Unit | None  # None: none is written
    written: str  # the number and its unit, without the words around them
    counted: Term | None = None  # the number before a word such as "million"
    restated: tuple[Number, ...] = ()  # the same number in other units: 0.42 m = 42 cm


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why an answer is not a number."""

    reason: str


def read_number(sample: Sample, raw: str) -> str | None:
    """The number in the answer with its unit, as it is written; None if the answer is not one number."""
    found = _parse_answer(raw, _uses_decimal_comma(sample))
    if isinstance(found, Number):
        return " = ".join(number.written for number in (*found.restated, found))
    return raw if any(_is_same_text(raw, gold) for gold in (sample.answer, *sample.accepted)) else None


def explain_refusal(sample: Sample, raw: str) -> str:
    """Why `read_number` gives None; empty if it does not."""
    found = _parse_answer(raw, _uses_decimal_comma(sample))
    return found.reason if isinstance(found, Refusal) and read_number(sample, raw) is None else ""


def has_known_unit(text: str) -> bool:
    """Whether the text is a number with a unit of measurement behind it, which plain words and percent are not."""
    found = parse_number(text)
    return isinstance(found, Number) and found.unit is not None and bool(found.unit.parts) and not found.unit.is_percent


def is_in_same_unit(one: str, other: str) -> bool:
    """Whether two texts are numbers with the same unit of measurement, or both without one."""
    numbers = parse_number(one), parse_number(other)
    units = [number.unit for number in numbers if isinstance(number, Number)]
    kinds = [(unit.dimensions, unit.factor) if unit and unit.parts else None for unit in units]
    return len(kinds) == 2 and kinds[0] == kinds[1]


def is_number(text: str, decimal_comma: bool = False) -> bool:
    """Whether the text is one number, as a gold answer may be written: `85%`, `12 kg`, `3/4`, `1,000`, `3e8`."""
    return isinstance(parse_number(text, decimal_comma), Number)


def is_unit(text: str) -> bool:
    """Whether the text is a known unit of measurement, such as `m/s²` or `degrees Celsius`. Plain words are none."""
    found = parse_number(f"1 {text}")
    return isinstance(found, Number) and found.unit is not None and bool(found.unit.parts)


def is_same_number(read: str, gold: str, rules: GradingRules = DEFAULT_RULES, question: str = "") -> bool:
    """Whether the numbers are equal by the rules, and their units do not contradict each other.

    Without a tolerance: within half a unit of the gold answer's last digit, so 3.14159 matches a gold of 3.14. A gold
    that is no decimal (`1/3`, `\\sqrt{2}`) is matched exactly, or by its rounding to three digits or more.
    """
    comma = writes_decimal_comma(gold)
    expected, found = parse_number(gold, comma), _parse_answer(read, comma)
    if not isinstance(expected, Number) or not isinstance(found, Number):
        return _is_same_text(read, gold)
    terms = [term for number in (found, *found.restated) for term in _same_unit(expected, number, rules, question)]
    # 5 million, where the question is how many million there are
    if found.counted and found.counted.value and names_scale(question, found.term.value / found.counted.value):
        terms += _same_unit(expected, replace(found, term=found.counted), rules, question)
    return any(_is_equal(expected.term, term, rules) for term in terms)


def _parse_answer(text: str, decimal_comma: bool) -> Number | Refusal:
    """The number of an answer. Where the gold has no decimal comma, 0,5 still is one half: no thousands begin with 0,
    and no list does without a space. But 5,7 may be two numbers."""
    found = parse_number(_drop_contrast(text, decimal_comma), decimal_comma)
    if isinstance(found, Refusal) and not decimal_comma and len(text) <= LONGEST and _ZERO_COMMA.search(text):
        return parse_number(text, True)
    return found


def _drop_contrast(text: str, decimal_comma: bool) -> str:
    """The number that is meant in "12, not 13", "12 rather than 13", "not 13 but 12"; any other text unchanged."""
    if len(text) > LONGEST:
        return text
    found = _CONTRASTED.fullmatch(text) or _REPLACED.fullmatch(text)
    if found is None:
        return text
    meant, other = (parse_number(found[name].strip(), decimal_comma) for name in ("meant", "other"))
    differ = isinstance(meant, Number) and isinstance(other, Number) and meant.term.value != other.term.value
    return found["meant"].strip() if differ else text


def writes_decimal_comma(text: str) -> bool:
    """Whether a comma in the text can only be a decimal one: `5,7` and `1.234,5`, but not `1,234`."""
    return "," in text and _DECIMAL_COMMA.search(remove_markup(text)) is not None


@functools.lru_cache(maxsize=4096)
def parse_number(text: str, decimal_comma: bool = False) -> Number | Refusal:
    """The one number in the text, or why there is none. Linear in the length of the text."""
    if _PLAIN.fullmatch(text):
        return Number(read_term(text, 0)[0], None, text)
    if len(text) > LONGEST:
        return Refusal("it is too long for a number")
    if text.endswith(")") and (found := _RESTATED.fullmatch(text)):  # 1/2 (0.5)
        number, again = parse_number(found[1], decimal_comma), parse_number(found[2], decimal_comma)
        if isinstance(number, Number) and isinstance(again, Number):
            both = _is_rounding(number, again) or _is_rounding(again, number)
            return _restate([again, number]) if both else Refusal("it holds two numbers")
    try:
        pieces = split_answer(to_plain(remove_markup(text)))
        numbers = [_read_piece(piece, decimal_comma) for piece in pieces]
        for other in numbers[:-1]:
            if not _is_rounding(other, numbers[-1]):
                raise NoNumber("it holds two numbers")
    except NoNumber as fault:
        return Refusal(str(fault))
    return _restate(numbers)


def _restate(numbers: list[Number]) -> Number:
    """The last of equal numbers, with those that are in another unit, of which any may be the asked one."""
    last = numbers[-1]
    units = last.unit.written if last.unit else ""
    return replace(last, restated=tuple(one for one in numbers[:-1] if (one.unit.written if one.unit else "") != units))


def _read_piece(piece: str, decimal_comma: bool) -> Number:
    place = find_number(piece)
    if place.words is not None:
        term, end = Term(place.words, "decimal", Fraction(1), 1, is_whole=True), place.end
        if place.words.denominator > 1:
            term = Term(place.words, "exact")
    else:
        term, end = read_term(piece, place.start, decimal_comma, place.sign)
    if place.words is not None and place.sign < 0:
        term = replace(term, value=-term.value)
    scale, unit, behind = place.read_unit(piece, end)
    counted = term if scale != 1 else None
    if scale > 1:
        term = replace(term, value=term.value * scale, step=term.step * scale)
    elif scale < 1:
        term = Term(term.value * scale, "exact")
    sign = "-" if place.sign < 0 else ""
    money = f"{place.currency} " if place.currency.isalpha() else place.currency
    written = f"{money}{sign}{piece[place.start : end]}{behind}"
    return Number(term, unit, " ".join(written.split()), counted)


def _is_rounding(other: Number, last: Number) -> bool:
    """Whether two numbers joined by = or is are one: equal, or the second is the first one rounded."""
    terms = [other.term]
    if other.unit and other.unit.is_percent:
        terms.append(_scaled(other.term, Fraction(1, 100)))
    if last.unit and last.unit.is_percent:
        terms.append(_scaled(other.term, Fraction(100)))
    if other.unit and last.unit and other.unit.dimensions == last.unit.dimensions:
        terms = [_scaled(other.term, other.unit.factor / last.unit.factor)]
    return any(abs(term.value - last.term.value) <= max(last.term.step / 2, _margin(term.value)) for term in terms)


def _same_unit(gold: Number, found: Number, rules: GradingRules, question: str) -> list[Term]:
    """What was read, in the unit of the gold answer; several if percent may be meant; none if the units differ."""
    term, asked = found.term, _ASKS_PERCENT.search(question) is not None
    if found.unit and found.unit.is_permille and (asked or (gold.unit and gold.unit.is_percent)):
        return [_scaled(term, found.unit.factor)]
    if gold.unit and gold.unit.is_percent:
        if found.unit is None:
            return [term, _scaled(term, Fraction(100))]
        return [term] if found.unit.is_percent or (not found.unit.parts and not found.unit.words) else []
    if found.unit and found.unit.is_percent and gold.unit is None:
        part = _scaled(term, Fraction(1, 100))
        if asked:
            return [term, part] if abs(gold.term.value) <= 1 else [term]
        often = _OFTEN_PERCENT.search(question) is not None and not find_asked_units(question)
        return [term] if often and abs(gold.term.value) > 1 else []
    wanted = [gold.unit] if gold.unit else list(find_asked_units(question)) if found.unit and question else []
    if not wanted or not all(contradicts(unit, found.unit) for unit in wanted):
        return [term]
    if not rules.convert_units or found.unit is None:
        return []
    converted = [convert(term.value, found.unit, unit) for unit in wanted]
    return [_rescaled(term, value) for value in converted if value is not None]


def _rescaled(term: Term, value: Fraction) -> Term:
    """The term with a converted value. Its digits are no longer those of the answer, so nothing rests on them."""
    return replace(term, value=value, step=Fraction(0), is_whole=False)


def _scaled(term: Term, factor: Fraction) -> Term:
    return replace(term, value=term.value * factor, step=term.step * factor, is_whole=False)


def _is_equal(gold: Term, found: Term, rules: GradingRules) -> bool:
    distance = abs(gold.value - found.value)
    if rules.absolute_tolerance is not None:
        return distance <= Fraction(str(rules.absolute_tolerance))
    if rules.relative_tolerance is not None:
        return distance <= Fraction(str(rules.relative_tolerance)) * abs(gold.value)
    if distance <= (_margin(gold.value) if "computed" in (gold.form, found.form) else 0):
        return True
    half = gold.step / 2
    if gold.form == "decimal":
        if found.form == "decimal":  # a half rounds either way, but 0.5 is not 1
            return distance < half or (distance == half and not gold.is_whole)
        return not gold.is_whole and distance < half
    if gold.value.denominator == 1 or found.form != "decimal":
        return False
    return found.digits >= 3 and distance <= found.step / 2


def _margin(value: Fraction) -> Fraction:
    """How far computed values may be apart."""
    return abs(value) / 10**12


def _uses_decimal_comma(sample: Sample) -> bool:
    return any(writes_decimal_comma(gold) for gold in (sample.answer, *sample.accepted))


def _is_same_text(read: str, gold: str) -> bool:
    """Whether a gold answer that is no number is repeated, apart from markup and spaces."""
    near = len(read) <= 4 * len(gold) + LONGEST
    return near and read.strip() != "" and _squeeze(read) == _squeeze(gold)


@functools.lru_cache(maxsize=512)  # the same gold answers and options are compared again and again
def _squeeze(text: str) -> str:
    """The text without spaces, except between words or digits."""
    return _LOOSE.sub("", to_plain(remove_markup(text)))
