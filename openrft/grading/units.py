"""Units behind a number: how they are read, when two contradict each other, and how values are converted.

A unit is a product of powers of known symbols and names (`kJ mol^{-1}`, `kJ/mol` and `kilojoules per mole` are one), or
plain words (`apples`). Case counts: mW is not MW. Factors are exact (SI brochure, 9th edition; CODATA 2022 for u).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Dimensions = tuple[tuple[str, int], ...]  # base unit -> power, sorted, without zeros

_PREFIXES = {"f": -15, "p": -12, "n": -9, "\u03bc": -6, "u": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6}
_PREFIXES |= {"G": 9, "T": 12, "P": 15}
_PREFIX_NAMES = {"femto": "f", "pico": "p", "nano": "n", "micro": "\u03bc", "milli": "m", "centi": "c", "deci": "d"}
_PREFIX_NAMES |= {"hecto": "h", "kilo": "k", "mega": "M", "giga": "G", "tera": "T", "peta": "P"}

# symbol -> factor, powers of base units, names. Units that take prefixes.
_SCALED: dict[str, tuple[str, str, str]] = {
    "m": ("1", "m", "meter metre"),
    "g": ("1", "g", "gram gramme"),
    "s": ("1", "s", "second sec"),
    "A": ("1", "A", "ampere amp"),
    "K": ("1", "K", "kelvin"),
    "mol": ("1", "mol", "mole"),
    "cd": ("1", "cd", "candela"),
    "N": ("1000", "g m s-2", "newton"),
    "J": ("1000", "g m2 s-2", "joule"),
    "W": ("1000", "g m2 s-3", "watt"),
    "Pa": ("1000", "g m-1 s-2", "pascal"),
    "V": ("1000", "g m2 s-3 A-1", "volt"),
    "\u03a9": ("1000", "g m2 s-3 A-2", "ohm"),
    "C": ("1", "A s", "coulomb"),
    "F": ("1/1000", "g-1 m-2 s4 A2", "farad"),
    "H": ("1000", "g m2 s-2 A-2", "henry henries"),
    "T": ("1000", "g s-2 A-1", "tesla"),
    "Wb": ("1000", "g m2 s-2 A-1", "weber"),
    "S": ("1/1000", "g-1 m-2 s3 A2", "siemens"),
    "Hz": ("1", "s-1", "hertz"),
    "Bq": ("1", "s-1", "becquerel"),
    "Gy": ("1", "m2 s-2", "gray"),
    "Sv": ("1", "m2 s-2", "sievert"),
    "L": ("1/1000", "m3", "liter litre"),
    "eV": ("1.602176634e-16", "g m2 s-2", "electronvolt"),
    "cal": ("4184", "g m2 s-2", "calorie"),
    "bar": ("1e8", "g m-1 s-2", "bar"),
    "M": ("1000", "mol m-3", "molar"),
    "Da": ("1.66053906892e-24", "g", "dalton"),
    "Wh": ("3600000", "g m2 s-2", "watt-hour"),
}
_FIXED: dict[str, tuple[str, str, str]] = {
    "\u00c5": ("1e-10", "m", "angstrom \u00e5ngstr\u00f6m \u00e5ngstrom"),
    "min": ("60", "s", "minute"),
    "h": ("3600", "s", "hour hr"),
    "d": ("86400", "s", "day"),
    "wk": ("604800", "s", "week"),
    "yr": ("31557600", "s", "year"),
    "t": ("1000000", "g", "tonne"),
    "u": ("1.66053906892e-24", "g", "amu"),
    "ha": ("10000", "m2", "hectare"),
    "atm": ("101325000", "g m-1 s-2", "atmosphere"),
    "mmHg": ("133322.387415", "g m-1 s-2", "mmhg"),
    "torr": ("101325000/760", "g m-1 s-2", "torr"),
    "psi": ("6894757.293168", "g m-1 s-2", "psi"),
    "inch": ("0.0254", "m", "inch inches"),
    "ft": ("0.3048", "m", "foot feet"),
    "yd": ("0.9144", "m", "yard"),
    "mi": ("1609.344", "m", "mile"),
    "lb": ("453.59237", "g", "pound lbs"),
    "oz": ("28.349523125", "g", "ounce"),
    "gal": ("0.003785411784", "m3", "gallon"),
    "cc": ("0.000001", "m3", "cc"),
    "mph": ("0.44704", "m s-1", "mph"),
    "kph": ("1/3.6", "m s-1", "kph kmh"),
    "hp": ("745699.87158227", "g m2 s-3", "horsepower"),
    "D": ("3.33564e-30", "A s m", "debye"),
    "rpm": ("1/60", "s-1", "rpm"),
    "ppm": ("1", "ppm", "ppm"),
    "ppb": ("1/1000", "ppm", "ppb"),
    "rad": ("1", "rad", "radian"),
    "deg": ("1", "deg", "degree \u00b0"),
    "degC": ("1", "degC", "celsius centigrade"),
    "degF": ("1", "degF", "fahrenheit"),
    "%": ("1", "%", "percent pct"),
    "\u2030": ("1/10", "%", "permille"),
    "$": ("1", "USD", "dollar usd buck"),
    "\u00a2": ("1/100", "USD", "cent"),
    "\u20ac": ("1", "EUR", "euro eur"),
    "\u00a3": ("1", "GBP", "gbp quid"),
    "\u00a5": ("1", "JPY", "yen jpy"),
    "\u20b9": ("1", "INR", "rupee inr rs"),
}
_GLUED = re.compile(r"([kMG]?(?:[NJWVACT]|Pa|cal|eV)|k?g|m?mol|m?A)(mol|[dc]?m|s|K|k?g|L|h)")
_LOOSE = ((("C", 1), (("degC", 1),)), (("F", 1), (("degF", 1),)))
_MONEY = frozenset({"USD", "EUR", "GBP", "JPY", "INR"})
_BY_NAME = {name: symbol for table in (_SCALED, _FIXED) for symbol, row in table.items() for name in row[2].split()}
_SHORT_WORDS = frozenset({"in", "pt", "pm", "dad", "fun", "mad", "had", "cat", "hat", "mat"})  # no units before words
_SPECIAL = (  # what is written with a sign, a space or an English word order
    (re.compile(r"(?:\u00b0|\bdeg(?:rees?|\.)?)\s*(?:C\b|[Cc]elsius\b|[Cc]entigrade\b)"), " degC "),
    (re.compile(r"(?:\u00b0|\bdeg(?:rees?|\.)?)\s*(?:F\b|[Ff]ahrenheit\b)"), " degF "),
    (re.compile(r"(?:\u00b0|\bdegrees?)\s*[Kk](?:elvin)?\b"), " K "),
    (re.compile(r"\bper\s*cent\b", re.IGNORECASE), " % "),
    (re.compile(r"\bU\.?S\.?\s*\$|\bUS\s+dollars?\b"), " $ "),
    (re.compile(r"\b(square|cubic)\s+(\w+)", re.IGNORECASE), r" \2^\1 "),
    (re.compile(r"\s+squared\b", re.IGNORECASE), "^square "),
    (re.compile(r"\s+cubed\b", re.IGNORECASE), "^cubic "),
    (re.compile(r"\bper\b", re.IGNORECASE), " / "),
)
_PART = re.compile(
    r"([^\W\d_]+|[%\u2030$\u20ac\u00a3\u00a5\u20b9\u00a2\u00b0])(?:\^?\(?([+-]?\d)\)?|\^(square|cubic))?|([*/()])"
)
_SUBSTANCE = re.compile(r"[^\W\d_][\w()+.'-]*")  # a word or a formula
_WORD = re.compile(r"[^\W\d_][^\W\d_'-]*[^\W\d_]|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_GENERIC = frozenset({"unit", "total", "approximately", "about", "exactly", "answer", "each", "altogether", "overall"})


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit after a number."""

    parts: tuple[tuple[str, int], ...] = ()  # symbols of known units and their powers; empty for plain words
    factor: Fraction = Fraction(1)  # of the product of base units
    dimensions: Dimensions = ()
    words: frozenset[str] = frozenset()  # plain words, in lower case and singular
    written: str = ""  # without spaces and braces

    @property
    def is_percent(self) -> bool:
        """Whether the unit is the percent sign."""
        return self.dimensions == (("%", 1),) and self.factor == 1

    @property
    def is_permille(self) -> bool:
        """Whether the unit is the permille sign."""
        return self.dimensions == (("%", 1),) and self.factor == Fraction(1, 10)


def parse_unit(text: str) -> Unit | None:
    """The unit that this text behind a number names; None if it cannot be one, such as `O` or `x + 1`."""
    text = text.replace("{", "").replace("}", "").replace("\u2009", " ").strip(" *")
    for pattern, plain in _SPECIAL:
        text = pattern.sub(plain, text)
    tokens = text.split()
    if not tokens or len(tokens) > 12:
        return None
    written = "".join(tokens)
    for size in range(len(tokens), 0, -1):
        known = _parse_known(" ".join(tokens[:size]), alone=size == len(tokens))
        if known and all(_SUBSTANCE.fullmatch(token) for token in tokens[size:]):
            factor, dimensions, parts = known
            return Unit(parts, factor, dimensions, written=written)
    if all(_WORD.fullmatch(token) for token in tokens) and not text.isupper():
        return Unit(words=frozenset(map(_singular, tokens)) - {"of", "the", "a", "an"}, written=written)
    return None


def contradicts(gold: Unit | None, read: Unit | None) -> bool:
    """Whether the units differ. A unit that is not written contradicts none."""
    if gold is None or read is None or gold.written == read.written:
        return False
    if gold.parts and read.parts:
        if _is_loosely(gold, read) or _is_loosely(read, gold):
            return False
        return (gold.factor, gold.dimensions) != (read.factor, read.dimensions)
    mine, other = gold.words - _GENERIC, read.words - _GENERIC
    if gold.parts or read.parts:
        return bool(mine or other)
    return not (mine <= other or other <= mine)


def _is_loosely(one: Unit, other: Unit) -> bool:
    """Whether the first is the second as people write it: `25 C` for degrees, `9.8 ms^-2` without a space."""
    if len(one.parts) == 1 and (one.parts[0], other.parts) in _LOOSE:
        return True
    parts: list[tuple[str, int]] = []
    for symbol, power in one.parts:
        parts += [("m", 1), ("s", power)] if symbol == "ms" and power < 0 else [(symbol, power)]
    return len(parts) > len(one.parts) and sorted(parts) == sorted(other.parts)


def convert(value: Fraction, unit: Unit, to: Unit) -> Fraction | None:
    """The value in another unit, by pint; None if it cannot be converted. Temperatures are read on their scales."""
    if not (unit.parts and to.parts):
        return None
    if any(base in _MONEY for base, _ in (*unit.dimensions, *to.dimensions)):
        return value * unit.factor / to.factor if unit.dimensions == to.dimensions else None
    import pint

    try:
        found = _registry().Quantity(float(value), _pint_name(unit)).to(_pint_name(to)).magnitude
        return Fraction(f"{found:.13g}")
    except (pint.errors.PintError, ArithmeticError, ValueError):
        return None


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()


_PINT_NAMES = {"\u03a9": "ohm", "\u00c5": "angstrom", "deg": "degree", "u": "unified_atomic_mass_unit", "%": "percent"}
_PINT_NAMES |= {
    "D": "debye",
    "h": "hour",
    "d": "day",
    "t": "metric_ton",
    "cc": "centimeter**3",
    "\u2030": "permille",
    "wk": "week",
}


def _pint_name(unit: Unit) -> str:
    return " * ".join(f"({_PINT_NAMES.get(symbol, symbol)}) ** {power}" for symbol, power in unit.parts)


def _singular(word: str) -> str:
    word = word.lower()
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _parse_known(text: str, alone: bool) -> tuple[Fraction, Dimensions, tuple[tuple[str, int], ...]] | None:
    """Factor, base units and parts of a product of known units. What follows a slash is below it."""
    end, below, parts = 0, False, []
    factor, powers = Fraction(1), dict[str, int]()
    for found in _PART.finditer(text):
        if text[end : found.start()].strip():
            return None
        end = found.end()
        name, digits, words, sign = found.groups()
        if sign:
            below = below or sign == "/"
            continue
        if not alone and name in _SHORT_WORDS:
            return None
        last = int(digits or {"square": 2, "cubic": 3}.get(words, 1))
        for one, times in _split_glued(name, last):
            unit = _find_unit(one)
            if unit is None:
                return None
            power = -times if below else times
            symbol, its_factor, its_powers = unit
            parts.append((symbol, power))
            factor *= its_factor**power
            for base, count in its_powers:
                powers[base] = powers.get(base, 0) + count * power
    if text[end:].strip() or not parts:
        return None
    return factor, tuple(sorted((base, count) for base, count in powers.items() if count)), tuple(parts)


def _split_glued(name: str, power: int) -> tuple[tuple[str, int], ...]:
    """Two symbols without a space between them, `kJmol^-1`, `Nm`: the power is the last one's."""
    if _find_unit(name) is None and (found := _GLUED.fullmatch(name)):
        return (found[1], 1), (found[2], power)
    return ((name, power),)


@functools.lru_cache(maxsize=4096)
def _find_unit(name: str) -> tuple[str, Fraction, Dimensions] | None:
    """The symbol, the factor and the base units of one name or symbol."""
    if name in _SCALED or name in _FIXED:
        return name, *_read_row(name)
    if name == "in":
        return "inch", *_read_row("inch")
    if name == "l":
        return "L", *_read_row("L")
    symbol = "L" if name[1:] == "l" else name[1:]
    if name[0] in _PREFIXES and symbol in _SCALED and name not in ("dB", "pH"):
        factor, powers = _read_row(symbol)
        return name[0] + symbol, factor * Fraction(10) ** _PREFIXES[name[0]], powers
    lower = name.lower()
    for word in (lower, lower.removesuffix("s")):
        if len(word) < 2 and word != "\u00b0":
            continue
        if word in _BY_NAME and (len(word) > 3 or name in (lower, lower.upper(), lower.title())):
            return _BY_NAME[word], *_read_row(_BY_NAME[word])
        for prefix, sign in _PREFIX_NAMES.items():
            symbol = _BY_NAME.get(word[len(prefix) :], "") if word.startswith(prefix) else ""
            if symbol in _SCALED:
                factor, powers = _read_row(symbol)
                return sign + symbol, factor * Fraction(10) ** _PREFIXES[sign], powers
    return None


@functools.cache
def _read_row(symbol: str) -> tuple[Fraction, Dimensions]:
    written, powers, _ = _SCALED.get(symbol) or _FIXED[symbol]
    above, _, below = written.partition("/")
    found = [re.fullmatch(r"(\D+?)(-?\d*)", part) for part in powers.split()]
    return Fraction(above) / Fraction(below or 1), tuple(sorted((f[1], int(f[2] or 1)) for f in found if f))


_ASKED = re.compile(
    r"(?:\b(?:in|into|how many|how much|units?\s+of|units?:)|\()\s+(?:units?\s+of\s+)?|\((?=[^\W\d_])",
    re.IGNORECASE,
)


@functools.lru_cache(maxsize=1024)
def find_asked_units(question: str) -> tuple[Unit, ...]:
    """The known units that a question asks for: "in kJ/mol", "how many grams", "(cm)"."""
    asked = []
    for found in list(_ASKED.finditer(question))[-8:]:
        words = re.split(r"[,.;:?!)]", question[found.end() : found.end() + 60])[0].split()[:4]
        for size in range(len(words), 0, -1):
            text = " ".join(words[:size])
            unit = parse_unit(text) if _is_known(text) else None
            if unit is not None and not unit.is_percent:
                asked.append(unit)
                break
    return tuple(asked)


def _is_known(text: str) -> bool:
    """Whether the text is a unit through and through, without a substance behind it."""
    for pattern, plain in _SPECIAL:
        text = pattern.sub(plain, text)
    return _parse_known(text, alone=True) is not None
