"""The words around a number: which may stand there, and which say that it is not the answer, or not the only one.

Allowed: `x =`, "about", "the mass is", a unit, a reason ("because ..."), a condition ("at 25 °C"), a sentence behind.
Refused: bounds and negations ("at least", "not"), alternatives ("or", "and 13"), words that make another number of it
("twice", "the factorial of"), the values of two letters, and a number that belongs to a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from openrft.grading.number_term import NoNumber
from openrft.grading.number_words import find_words, read_words
from openrft.grading.scales import read_scale
from openrft.grading.units import Unit, parse_unit

_BOUND = re.compile(r"[<>\u2264\u2265\u2260\u00b1\u221e]|\\(?:in|pm|mp|lor|vee|cup|to|rightarrow|neg)\b")
_HEDGE = re.compile(
    r"\b(?:or|nor|either|neither|not|never|cannot|maybe|perhaps|possibly|might|could|unless|wait|actually|instead"
    r"|alternatively|unknown|undefined|unsure|between|nicht|oder|pas|ou|at (?:least|most)|no (?:more|less|fewer) than"
    r"|(?:more|less|fewer|greater|smaller|larger|higher|lower) than|up to|minimum|maximum|no"
    r"|wrong|incorrect|impossible|anything but|too (?:small|large|big|low|high|few|many)|onwards?|upwards?"
    r"|and (?:up|above|over|more|below|under|less))\b|n't\b"
    r"|\b(?:al menos|m\u00e1s de|menos de|au moins|plus de|moins de|mindestens|h\u00f6chstens|mehr als|weniger als)\b"
    r"|\b(?:kein\w*|pelo menos|mais de|\u0438\u043b\u0438|\u043d\u0435)\b"
    r"|[\u6216\u4e0d]|\u81f3[\u5c11\u591a]|[\u5927\u5c0f]\u4e8e|\u8d85\u8fc7|\u4ee5[\u4e0a\u4e0b]|\u53ef\u80fd",
    re.IGNORECASE,
)
_OR_SO = re.compile(r"\bor (?:so|thereabouts)\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"\b(?:over|under|above|below|exceeding|from|within|until|beyond|half|twice|double|triple|square|cube|root|sum"
    r"|product|power|multiples?|divisible|divisors?|sin|cos|tan|exp|lim|than|except|nearer|unequal|max|min|modulo|mod"
    r"|times|thrice|logarithm|number\s+(?:with|after|before|following|preceding|besides)"
    r"|(?:digit|number|letter)s?\s+(?:that\s+)?(?:start|end|beginn?)(?:s|ing)?\s+(?:in|with)"
    r"|(?:factorial|reciprocal|inverse|opposite|negative|complement|factors|thirds?|quarters?|fourths?|fifths?|sixths?"
    r"|sevenths?|eighths?|ninths?|tenths?|hundredths?)\s+of)\b",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[.;](?=\s|$)|[\n\u2014]|,?\s*(?<![\w-])(?P<reason>because|since|as|due|which|where|so|given|using|assuming)\b"
    r"|,?\s*(?<![\w-])(?P<condition>at|when|for|after|if)\b",
    re.IGNORECASE,
)
_ANOTHER = re.compile(r"(?:[,;]|\b(?:and|or)\b)\s*\S{0,8}\d", re.IGNORECASE)
_OTHER_CASE = re.compile(r"\d.*\b(?:at|when|for|after|if|otherwise|else)\b", re.IGNORECASE | re.DOTALL)
_RETRACTED = re.compile(
    r"\b(?:or|wait|actually|instead|alternatively|maybe|perhaps|possibly|correction|rather|if|i\s+mean)\b",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"={1,3}|\u2248")
_IS = re.compile(
    r"\s(?:is|are|was|were|equals?|be|gives?|yields?|get|have|has|comes? to)\s+(?:equal\s+to\s+|about\s+)?"
    r"|(?:(?<=[^\W\d_])|(?<=\)))\s*:\s*|\A\s*:\s*",
    re.IGNORECASE,
)
_EQUATION = re.compile(
    r"\b[a-qs-z]\s*\^|[a-z]\s*[-+]\s*\d|\d\s*[-+]\s*[a-z]\b|\d\s*/\s*[a-z]\b"
)  # not a name, as R^2 is
_TWO_VALUES = re.compile(
    r"(?<![\w\\])([A-Za-z])\s*(?:=|:|\bis\b)\s*-?[\d.,/]{0,20}\d[^\n=:;,.]{0,15}?"
    r"\s*(?:[;,\n]|\.\s|\b(?:and|while|whereas|but|vs\.?|so|then)\b|(?=\s[A-Z]\s*[:=]))"
    r"\s*(?:[-*\u2022]\s+)?(?:(?:and|so|then|the|value|of)\s+){0,4}(?!\1)[A-Za-z]\s*(?:=|:|\bis\b)\s*-?\d"
)
_VALUE_AT_END = re.compile(r"(?<![\w\\])([A-Za-z])\s*(?:=|:|\bis\b)\s*-?[\d.,/]{0,20}\d[^\n=:;,.]{0,15}[\s$*.]{0,8}\Z")
_VALUE_AT_START = re.compile(r"[\s$*\u2022-]{0,8}([A-Za-z])\s*(?:=|:|\bis\b)\s*-?\d")
_SEVERAL = re.compile(r"[,;&]|\band\b")
_CHANGED = re.compile(
    r"!|(?:squared|cubed|factorial|plus|minus|over|divided|and|to|by|times(?=\s+ten))\b(?!\s+cent\b)", re.I
)
_CURRENCY = re.compile(
    r"(?:(?:US|CA|AU|C|A)?\s?(?P<sign>[$\u20ac\u00a3\u00a5\u20b9])|\b(?P<code>USD|EUR|GBP|JPY|INR|Rs\.?))\s*$"
)
_STARTS = re.compile(
    r"\d|\.\d|\\(?:frac|sqrt|pi|ln|log)(?![A-Za-z])|[({\[]\s*(?:[-+]\s*)?(?:\d|\\(?:frac|sqrt|pi)|e\s*[-+^])|(?<![\w\\])e(?![\w'])"
)
_FILLERS = (
    "about approximately approx around roughly nearly almost circa ca exactly precisely only just of to the a "
    "an its so thus therefore hence then total value answer result number group period row column ph pka "
    "level there estimated equal costs is are was be get"
)
_APPROXIMATE = frozenset(_FILLERS.split())
_NAMING = (
    "vitamin chapter figure fig table section step problem question equation version part item exercise page "
    "type isotope hydrogen helium carbon nitrogen oxygen phosphorus sulfur chlorine potassium cobalt "
    "strontium iodine caesium cesium lead radium thorium uranium plutonium option choice apollo class stage "
    "phase room factor grade"
)
_NAMES = frozenset(_NAMING.split())
_WORD = re.compile(r"[^\W\d_]+(?:[.'-][^\W\d_]+)*\.?")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_ORBITAL = re.compile(r"D\b|[spdf]\d")  # 3D and 1s2 are names
_POINT = re.compile(r"\s+point\s+\w", re.IGNORECASE)  # six point five
_PARENTHESIS = re.compile(r"(?:^|\s)\(([^()]*)\)\s*$")


@dataclass(frozen=True, slots=True)
class Place:
    """The position of a number in a piece of text, and the words before it."""

    start: int
    sign: int = 1
    currency: str = ""
    words: Fraction | None = None  # the value, if it is written in words
    end: int = 0  # of the words

    def read_unit(self, piece: str, end: int) -> tuple[Fraction, Unit | None, str]:
        """A factor ("million"), the unit and how both are written behind the number. Raises NoNumber."""
        behind = piece[end:].removeprefix("...")
        scale, written = read_scale(behind)
        behind = behind[len(written) :]
        if _POINT.match(behind):
            raise NoNumber("its decimals are written in words")
        unit_text = _check_behind(behind)
        if not unit_text and self.currency:
            return scale, parse_unit(self.currency), written
        if not unit_text:
            return scale, None, written
        unit = parse_unit(unit_text)
        attached = not written and unit_text[0].isalpha() and behind[:1].isalpha()
        if unit is None or (attached and (not unit.parts or _ORBITAL.match(unit_text))):
            raise NoNumber(f"what stands behind the number is no unit: {unit_text[:30]!r}")
        if self.currency:
            money = parse_unit(self.currency)
            return scale, money, written
        joint = "" if behind[:1] in "%\u2030\u00b0" else " "
        return scale, unit, f"{written}{joint}{unit_text}"


def split_answer(text: str) -> list[str]:
    """The parts of an answer that should hold its number, as in `1/2 = 0.5`, without reasons and sentences behind.

    Raises NoNumber for bounds, alternatives and words that take a number back.
    """
    text = _OR_SO.sub(" ", text).rstrip(" :")
    head = _cut_tail(text)
    if (found := _TWO_VALUES.search(head)) and not _holds_number(head[: found.start()]):
        raise NoNumber("it gives the values of two names")
    if _BOUND.search(head):
        raise NoNumber("it gives a bound or a range")
    if found := _HEDGE.search(head):
        raise NoNumber(f"it does not settle on one number: {found[0]!r}")
    head = _unwrap(_IS.split(head)[-1]) if _holds_number(_IS.split(head)[-1]) else _unwrap(_first_with_number(head))
    parts = [part for part in _EQUALS.split(head) if part.strip()]
    if not parts:
        raise NoNumber("it holds no number")
    if (len(parts) > 1 and _EQUATION.search(parts[0])) or any(_SEVERAL.search(part) for part in parts[1:-1]):
        raise NoNumber("it is an equation, or holds several values")
    kept = [part for part in parts[:-1] if _is_number_like(part)] + parts[-1:]
    return [_unwrap(part.strip(" ,")) for part in kept]


def goes_on_with_value(line: str, following: str) -> bool:
    """Whether a line ends with the value of one letter and the next begins with that of another: "p = 1", "q = 2"."""
    one, other = _VALUE_AT_END.search(line), _VALUE_AT_START.match(following)
    return one is not None and other is not None and one[1] != other[1]


def find_number(piece: str) -> Place:
    """Where the number begins in a part of an answer. Raises NoNumber if there is none, or if it belongs to a name."""
    found = _STARTS.search(piece)
    words = find_words(piece)
    if words and (found is None or piece[found.start()] not in "0123456789." or words.end() <= found.start()):
        value = read_words(words[0])
        if found is None or not re.search(r"\d", piece):
            if value is None:
                raise NoNumber("it holds two numbers")
            _check_before(piece[: words.start()])
            return Place(words.start(), 1, "", value, words.end())
    if found is None:
        raise NoNumber("it holds no number")
    start, before, sign, currency = found.start(), piece[: found.start()], 1, ""
    while True:
        before = before.rstrip("$ ") if not _CURRENCY.search(before) else before
        if before.endswith(("-", "+")) and not re.search(r"[\w)][-+]$", before):
            sign, before = -1 if before[-1] == "-" else 1, before[:-1].rstrip()
        elif match := _CURRENCY.search(before):
            currency, before = match["sign"] or match["code"].rstrip("."), before[: match.start()]
        else:
            break
    if re.search(r"(?:[^\W\d]|[\w)][-+]|[\\^])$", piece[:start]) and not currency:
        raise NoNumber("its digits belong to a name or a formula")
    if re.search(r"[-+*/^_]\s*$", before):
        raise NoNumber("it is a formula")
    if found := re.search(r"\b(?:minus|negative)\s*$", before, re.IGNORECASE):
        sign, before = -1, before[: found.start()]
    _check_before(before)
    return Place(start, sign, currency)


def _check_before(before: str) -> None:
    """Raises NoNumber unless these words may stand before a number."""
    before = before.strip(" ,([{")
    if not before:
        return
    if found := _BEFORE.search(before):
        raise NoNumber(f"{found[0]!r} before the number changes it")
    words = [word for word in before.split() if word.strip(",()*")]
    if not words:
        return
    if len(words) > 12 or not all(_WORD.fullmatch(word.strip(",()*")) for word in words):
        raise NoNumber("its digits belong to a name or a formula")
    last = words[-1].rstrip(".,")
    if last.lower() in _APPROXIMATE or words[-1] in ("c.", "No.", "no."):
        return
    has_case = last.lower() != last.upper()
    if last.lower() in _NAMES or (has_case and (not last.islower() or len(last) < 2)):
        raise NoNumber("its digits belong to a name or a formula")


def _check_behind(behind: str) -> str:
    """What may be a unit behind a number. Raises NoNumber if another number or a sign stands there."""
    if behind[:1] and behind[0] in ".,:" and behind[1:2].isdigit():
        raise NoNumber("it holds two numbers")
    if _ORDINAL.match(behind):
        behind = behind[2:]
    behind = behind.strip(" ?")
    if found := _PARENTHESIS.search(behind):
        inner = found[1].strip()
        if re.search(r"\d", inner) and parse_unit(inner) is None:
            raise NoNumber("it holds two numbers")
        behind = behind[: found.start()].strip() or (inner if (unit := parse_unit(inner)) and unit.parts else "")
    behind, _, more = behind.partition(",")
    if re.search(r"\d", more) or find_words(more):
        raise NoNumber("it holds two numbers")
    if found := _CHANGED.match(behind):
        raise NoNumber(f"{found[0]!r} behind the number changes it")
    if behind.startswith("-") and len(behind) > 1 and behind[1].isalpha():
        unit = parse_unit(behind[1:])
        if unit is None or not unit.parts:
            raise NoNumber("its digits belong to a name or a formula")
        return behind[1:]
    return behind.strip(" .!?'\"*")


def _cut_tail(text: str) -> str:
    """The text up to its first sentence, reason or condition behind a number."""
    for found in _TAIL.finditer(text):
        before = text[: found.start()]
        if not _holds_number(before):
            continue
        tail = text[found.end() :]
        if found["reason"]:
            return before
        if found["condition"]:
            if _ANOTHER.search(tail) or _OTHER_CASE.search(tail) or found["condition"].lower() == "if":
                raise NoNumber("it holds several numbers, or one under a condition")
            return before
        if re.match(r"\s*(?:[-+]?[\d\\]|no\b)", tail, re.IGNORECASE) or _RETRACTED.search(tail):
            raise NoNumber("another answer may follow")
        return before
    return text


def _holds_number(text: str) -> bool:
    return _STARTS.search(text) is not None or find_words(text) is not None


def _is_number_like(part: str) -> bool:
    """Whether the left side of an equation is a number, and not a name or a calculation."""
    return re.fullmatch(r"[\s\d.,%$-]+|\s*\d[\d.,]*\s*[A-Za-z%\u00b0]+\s*", part) is not None


def _first_with_number(text: str) -> str:
    """The last part before a verb that holds a number, as in "12 is the answer"."""
    parts = [part for part in _IS.split(text) if _holds_number(part)]
    return parts[-1] if parts else text


def _unwrap(text: str) -> str:
    """The text without brackets around all of it."""
    for _ in range(5):
        text = text.strip()
        closing = {"(": ")", "[": "]", "{": "}"}.get(text[:1])
        if closing is None or not text.endswith(closing) or any(sign in text[1:-1] for sign in "()[]{}"):
            break
        text = text[1:-1]
    return text
