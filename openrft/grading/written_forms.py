"""Answers of a fixed form that people spell in several ways: ratios, dates, ranges, orders, sequences, genotypes,
reactions, uncertainties and Latin names. Each has one spelling here.

Input is canonical text (text.py). A text of no such form has none. Patterns are bounded, and texts are short.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from openrft.grading.chemistry import ELEMENT_NAMES, ELEMENTS, write_isotopes
from openrft.grading.notation import CHARGE

LONGEST = 160  # characters
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_DAY = r"(?:the ?)?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DATES = (
    re.compile(r"(?P<year>\d{4})[-/.](?P<number>\d{1,2})[-/.](?P<day>\d{1,2})"),
    re.compile(rf"{_MONTH} ?{_DAY},? ?(?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"{_DAY}\.? ?(?:of ?)?{_MONTH},? ?(?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(r"(?P<day>\d{1,2})\.(?P<number>\d{1,2})\.(?P<year>\d{4})"),
    re.compile(r"(?P<number>\d{1,2})/(?P<day>1[3-9]|2\d|3[01])/(?P<year>\d{4})"),  # no month is so large
    re.compile(r"(?P<day>1[3-9]|2\d|3[01])/(?P<number>\d{1,2})/(?P<year>\d{4})"),
)
_RATIO_WORDS = re.compile(
    r"^(?:an? ?|the ?)?(?:(?:phenotypic|genotypic|molar|mole|mass|simple) ?)?ratio ?(?:of ?|is ?)?|^an? ?| ?ratio$",
    re.IGNORECASE,
)
_RATIO = re.compile(
    r"\d{1,6}(?:\.\d{1,6})?(?:(?: ?: ?| ?to ?)\d{1,6}(?:\.\d{1,6})?)+|\d{1,3}([/-])\d{1,3}(?:\1\d{1,3})+"
)
_NUMBER = r"-?\d{1,12}(?:\.\d{1,12})?"
_UNIT = r"(?: ?[%\u00b0]C?| ?[A-Za-z\u03bc\u03a9][A-Za-z\u03bc\u03a9/^0-9\u00b7-]{0,11})"
_RANGE = re.compile(
    rf"(?P<between>between ?|from ?)?(?P<low>{_NUMBER})(?P<one>{_UNIT})?? ?(?P<sign>-|to|and) ?(?P<high>{_NUMBER})"
    rf"(?P<other>{_UNIT})?",
    re.IGNORECASE,
)
_UNCERTAIN = re.compile(
    rf"\(?(?P<value>{_NUMBER})(?P<one>{_UNIT})?? ?\u00b1 ?(?P<error>{_NUMBER})(?P<other>{_UNIT})?\)?(?P<last>{_UNIT})?"
)
_ORDER = re.compile(r"[^<>=]{1,40}(?:>[^<>=]{1,40}){1,8}|[^<>=]{1,40}(?:<[^<>=]{1,40}){1,8}")
_SEQUENCE = re.compile(
    r"(?:(?P<first>[35])['\u2032]?[- ]?)?(?P<bases>[ACGTUN](?:[- ]?[ACGTUN]){2,80})(?:[- ]?(?P<last>[35])['\u2032]?)?"
)
_GENOTYPE = re.compile(r"(?:[A-Za-z]{2}[ /]?){2,6}|(?:[XY](?:\^\(?[A-Za-z]{1,2}\)?)? ?){2}")
_PAIR = re.compile(r"([A-Za-z])([A-Za-z])")
_LATIN = re.compile(r"(?P<genus>[A-Z][a-z]*)(?P<dot>\.)? ?(?P<species>[a-z]{3,30})")
_ARROWS = "\u2192\u21cc"
_STATES = re.compile(r" ?\((?:aq|s|l|g)\)")
_JOINT = re.compile(r"\+(?!$)(?=[0-9A-Z(\[e])")  # between substances; the plus of a charge is marked or ends one
_HYBRID = re.compile(r"(sp[23]?(?:d[23]?)?)(?:[ -]?hybridi[sz](?:ed|ation))?", re.IGNORECASE)
_ISOTOPE = re.compile(r"([A-Z][a-z]?)-(\d{1,3})|([A-Za-z]{3,12})[- ](\d{1,3})")
_OXIDATION = re.compile(r"[ -]?(\([IVX]{1,4}\))[ -]?")


def is_same_written_form(said: str, gold: str) -> bool:
    """Whether both texts have the same one of these forms and the same content."""
    if len(gold) > LONGEST or len(said) > LONGEST:
        return False
    return _is_same_name(said, gold) or any(
        (wanted := write(gold)) is not None and write(said) == wanted for write in _WRITERS
    )


def _write_date(text: str) -> str | None:
    for pattern in _DATES:
        if found := pattern.fullmatch(text):
            parts = found.groupdict()
            month = _read_month(parts["month"]) if parts.get("month") else int(parts["number"])
            if month and 1 <= month <= 12 and 1 <= int(parts["day"]) <= 31:
                return f"{parts['year']}-{month:02}-{int(parts['day']):02}"
    return None


def _read_month(name: str) -> int:
    found = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())]
    return found[0] if len(found) == 1 else 0


def _write_ratio(text: str) -> str | None:
    text = _RATIO_WORDS.sub("", _RATIO_WORDS.sub("", text)).strip()
    if _RATIO.fullmatch(text) is None:
        return None
    return ":".join(re.findall(r"\d+(?:\.\d+)?", text))


def _write_range(text: str) -> str | None:
    found = _RANGE.fullmatch(text)
    if found is None or (found["sign"].lower() == "and") != (found["between"] or "").lower().startswith("between"):
        return None
    units = {unit.replace(" ", "") for unit in (found["one"], found["other"]) if unit}
    if len(units) > 1 or (found["one"] and not found["other"]):
        return None
    return f"{found['low']}..{found['high']}{units.pop() if units else ''}"


def _write_uncertain(text: str) -> str | None:
    found = _UNCERTAIN.fullmatch(text)
    if found is None:
        return None
    units = {unit.replace(" ", "") for unit in (found["one"], found["other"], found["last"]) if unit}
    return f"{found['value']}\u00b1{found['error']}{units.pop() if units else ''}" if len(units) < 2 else None


def _write_order(text: str) -> str | None:
    if _ORDER.fullmatch(text) is None:
        return None
    if ">" in text:
        return ">".join(part.strip() for part in text.split(">"))
    return ">".join(part.strip() for part in reversed(text.split("<")))


def _write_sequence(text: str) -> str | None:
    """Letters from 5' to 3', as they are read where no end is named."""
    found = _SEQUENCE.fullmatch(text)
    if found is None or (found["first"] and found["first"] == found["last"]):
        return None
    bases = re.sub("[- ]", "", found["bases"])
    return bases[::-1] if found["first"] == "3" or found["last"] == "5" else bases


def _write_genotype(text: str) -> str | None:
    if _GENOTYPE.fullmatch(text) is None:
        return None
    plain = re.sub("[ /()]", "", text)
    pairs = _PAIR.findall(plain)
    return plain if "^" in plain or all(one.lower() == other.lower() for one, other in pairs) else None


def _is_same_name(said: str, gold: str) -> bool:
    """Whether both are the Latin name of a species, one of them with a short genus: E. coli."""
    one, other = _LATIN.fullmatch(said), _LATIN.fullmatch(gold)
    if one is None or other is None or (one["dot"] is None) == (other["dot"] is None):
        return False
    short, long = (one, other) if one["dot"] else (other, one)
    return short["species"] == long["species"] and long["genus"].startswith(short["genus"]) and len(long["genus"]) > 2


def _write_reaction(text: str) -> str | None:
    """The substances of each side in one order, without states of matter."""
    text = _STATES.sub("", text).replace(" ", "").replace(CHARGE, "")
    sign = next((sign for sign in _ARROWS if sign in text), "=" if text.count("=") == 1 else "")
    sides = text.split(sign) if sign else []
    if len(sides) != 2 or not all(sides):
        return None
    written = ["+".join(sorted(_JOINT.split(side))) for side in sides]
    return (_ARROWS[0] if sign == "=" else sign).join(written)


def _write_oxidation(text: str) -> str | None:
    return _OXIDATION.sub(r"\1", text) if _OXIDATION.search(text) else None


def _write_hybrid(text: str) -> str | None:
    found = _HYBRID.fullmatch(text)
    return found[1].lower() if found else None


def _write_isotope(text: str) -> str | None:
    """C-14 for ^{14}C, 14C, C-14 and carbon-14."""
    found = _ISOTOPE.fullmatch(write_isotopes(text))
    if found is None:
        return None
    symbol = found[1] or ELEMENT_NAMES.get(found[3].lower())
    return f"{symbol}-{found[2] or found[4]}" if symbol in ELEMENTS else None


_WRITERS: tuple[Callable[[str], str | None], ...] = tuple(
    functools.lru_cache(maxsize=4096)(write)
    for write in (
        _write_date, _write_ratio, _write_range, _write_uncertain, _write_order, _write_sequence, _write_genotype,
        _write_reaction, _write_oxidation, _write_hybrid, _write_isotope,
    )
)  # fmt: skip
