"""The value of one written number: `1,200.5`, `3.2*10^{-5}`, `\\frac{3}{4}`, `1 1/2`, `\\frac{1+\\sqrt5}{2}`.

Rational values are exact. Roots, pi, e and logarithms are computed to 40 digits. A calculation with plain numbers, such
as `2 + 3` or `12 - 13`, is no number: it is unfinished, a range or a list. Input is what plain_math.py writes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

from openrft.grading.number_term import (
    PRECISION,
    NoNumber,
    Term,
    compute_pi,
    divide,
    multiply,
    raise_to,
    read_digits,
    read_whole,
    take_logarithm,
)
from openrft.grading.plain_math import NARROW

_DEEPEST = 20
_MOST_ATOMS = 40

_EXPONENT = r"(?P<exponent>[eE][+-]?\d+(?!\w))?"
_POINT = re.compile(
    rf"(?:(?P<whole>[1-9]\d{{0,2}}(?:(?P<mark>[,' {NARROW}_])\d{{3}}(?:(?P=mark)\d{{3}})*)(?!\d)"
    rf"|[1-9]\d?(?:,\d\d)+,\d{{3}}(?!\d)|\d+)(?P<part>\.\d+(?:{NARROW}\d{{3}})*(?:{NARROW}\d{{1,2}}(?!\d))?)?"
    rf"|(?P<bare>\.\d+)){_EXPONENT}"
)
_COMMA = re.compile(  # 1.234,5 and 5,7
    rf"(?P<whole>[1-9]\d{{0,2}}(?:(?P<mark>[.' {NARROW}])\d{{3}}(?:(?P=mark)\d{{3}})*)|\d+)(?P<part>,\d+){_EXPONENT}"
)
_DOTTED = re.compile(r"(?P<whole>[1-9]\d{0,2}(?:\.\d{3}){2,}(?!\d))(?P<part>)(?P<exponent>)")  # 1.234.567
_REPEATING = re.compile(r"(\d+)\.(\d*)(?:\\(?:overline|bar|dot)\s*\{?\s*(\d+)\s*\}?|\((\d+)\))")
_FRACTION = re.compile(
    rf"\s*(?:\\frac\s*\{{\s*(\d+)\s*\}}\s*\{{\s*(\d+)\s*\}}"
    rf"|\\frac\s*(\d)\s*(\d)|(?<=[ {NARROW}])(\d+)\s*/\s*(\d+)(?![\d.]))"
)
_SPACE = re.compile(r"\s*")
_DIGIT, _DIGITS, _DECIMAL = re.compile(r"\s*(\d)"), re.compile(r"\s*(\d+)"), re.compile(r"\s*(\d+(?:\.\d+)?)")
_EULER = re.compile(r"\s*e(?![A-Za-z\d_])")
_NUMBER_START = re.compile(r"\s*(?:[-+]\s*)?(?:\d|\.\d|\\(?:frac|sqrt|pi|ln|log_)|[({\[]|e(?![A-Za-z\d_]))")
_FACTOR_START = re.compile(  # without a sign between: a root, a constant or a bracket
    r"\s*(?:\\(?:sqrt|pi|ln|frac)|[({]\s*(?:[-+]?\s*\d|\\)|e(?![A-Za-z\d_]))"
)
_CLOSING = {"(": ")", "{": "}", "[": "]"}


def read_term(text: str, start: int, decimal_comma: bool = False, sign: int = 1) -> tuple[Term, int]:
    """The value of the number that begins at `start`, and where it ends. Raises NoNumber.

    sign: -1 if a minus stands before it, which belongs to the first term alone.
    """
    reader = _Reader(text, start, decimal_comma)
    with localcontext(PRECISION):
        try:
            return reader.read_sum(sign), reader.at
        except (ArithmeticError, RecursionError) as fault:
            raise NoNumber("it has no value") from fault


class _Reader:
    def __init__(self, text: str, start: int, decimal_comma: bool) -> None:
        self.text, self.at, self.decimal_comma = text, start, decimal_comma
        self.depth = self.atoms = 0

    def peek(self, word: str) -> bool:
        """Skip spaces and the word, if it comes next."""
        after = _SPACE.match(self.text, self.at)
        place = after.end() if after else self.at
        if self.text.startswith(word, place):
            self.at = place + len(word)
            return True
        return False

    def read_sum(self, first: int = 1) -> Term:
        """Terms joined by + and -. first: the sign before the first one."""
        total = self.read_signed()
        if first < 0:
            total = replace(total, value=-total.value)
        while True:
            before = self.at
            sign = 1 if self.peek("+") else -1 if self.peek("-") else 0
            if not sign or not self._starts_number():
                self.at = before
                return total
            term = self.read_product()
            if "computed" not in (total.form, term.form):
                raise NoNumber("it holds two numbers")
            total = Term(total.value + sign * term.value, "computed")

    def read_signed(self) -> Term:
        """A product with or without a sign."""
        sign = -1 if self.peek("-") else 1
        if sign == 1:
            self.peek("+")
        term = self.read_product()
        return term if sign == 1 else replace(term, value=-term.value)

    def read_product(self) -> Term:
        """Powers joined by *, / or nothing."""
        total, fractions = self.read_power(), 0
        while True:
            before = self.at
            if self.peek("/") and self._starts_number():
                total, fractions = divide(total, self.read_power()), fractions + 1
                if fractions > 1 and total.form != "computed":
                    raise NoNumber("it holds several numbers")
            elif self._comes_factor(before):
                total = multiply(total, self.read_power())
            else:
                self.at = before
                return total

    def read_power(self) -> Term:
        """An atom with or without an exponent."""
        atom = self.read_atom()
        if not self.peek("^"):
            return atom
        if self.peek("{") or self.peek("("):
            closing = _CLOSING[self.text[self.at - 1]]
            exponent = self._nested(closing)
        else:
            sign = -1 if self.peek("-") else 1
            found = _DIGITS.match(self.text, self.at)
            if not found:
                exponent = self.read_atom()
            else:
                self.at = found.end()
                exponent = Term(Fraction(read_whole(found[1])), "exact")
            exponent = replace(exponent, value=sign * exponent.value)
        return raise_to(atom, exponent)

    def read_atom(self) -> Term:
        """A literal, a fraction, a root, a constant, a logarithm or a bracket."""
        self.atoms += 1
        if self.atoms > _MOST_ATOMS:
            raise NoNumber("it is too long for a number")
        if self.peek("\\frac"):
            above, below = self._argument(), self._argument()
            return divide(above, below)
        if self.peek("\\sqrt"):
            degree = self._nested("]") if self.peek("[") else Term(Fraction(2), "exact")
            return raise_to(self._argument(), divide(Term(Fraction(1), "exact"), degree))
        if self.peek("\\pi"):
            return Term(compute_pi(), "computed")
        if self.peek("\\ln"):
            return take_logarithm(self._argument(), None)
        if self.peek("\\log"):
            if not self.peek("_"):
                raise NoNumber("it is a logarithm without a base")
            base = self._argument()
            return take_logarithm(self._argument(), base)
        for opening, closing in _CLOSING.items():
            if self.peek(opening):
                return replace(self._nested(closing), is_power=False)
        if found := _EULER.match(self.text, self.at):
            self.at = found.end()
            return Term(Fraction(Decimal(1).exp()), "computed")
        return self._literal()

    def _literal(self) -> Term:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        if found := _REPEATING.match(self.text, self.at):
            self.at = found.end()
            return _read_repeating(found[1], found[2], found[3] or found[4])
        match = (self.decimal_comma and (_COMMA.match(self.text, self.at) or _DOTTED.match(self.text, self.at))) or (
            _POINT.match(self.text, self.at)
        )
        if not match:
            raise NoNumber("it is no number")
        self.at = match.end()
        parts = match.groupdict()
        whole = re.sub(r"\D", "", parts["whole"] or "0")
        decimals = re.sub(r"\D", "", parts["part"] or parts.get("bare") or "")
        exponent = int((parts["exponent"] or "e0")[1:][:9])
        term = read_digits(whole, decimals, exponent, bool(parts["exponent"]))
        if not decimals and not parts["exponent"] and (found := _FRACTION.match(self.text, self.at)):
            above, below = (int(part[:9]) for part in found.groups() if part)
            if 0 < above < below:  # a mixed number
                self.at = found.end()
                return Term(term.value + Fraction(above, below), "exact")
        return term

    def _argument(self) -> Term:
        """What a command applies to: a group, or one digit, or an atom."""
        if self.peek("{"):
            return self._nested("}")
        if self.peek("("):
            return self._nested(")")
        found = _DIGIT.match(self.text, self.at)
        if found and self.text[: self.at].rstrip().endswith(("\\sqrt", "\\ln")):
            found = _DECIMAL.match(self.text, self.at)
        if found:
            self.at = found.end()
            return Term(Fraction(Decimal(found[1])), "exact")
        return self.read_atom()

    def _nested(self, closing: str) -> Term:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NoNumber("it is nested too deep")
        term = self.read_sum()
        self.depth -= 1
        if not self.peek(closing):
            raise NoNumber("a bracket does not close")
        return term

    def _comes_factor(self, place: int) -> bool:
        """Whether a factor follows, with or without a sign between; the sign is read."""
        self.at = place
        if self.peek("*") and self._starts_number():
            return True
        self.at = place
        return _FACTOR_START.match(self.text, place) is not None

    def _starts_number(self) -> bool:
        return _NUMBER_START.match(self.text, self.at) is not None


def _read_repeating(whole: str, decimals: str, period: str) -> Term:
    digits = read_whole(whole + decimals), read_whole(period)
    value = (digits[0] + Fraction(digits[1], 10 ** len(period) - 1)) / 10 ** len(decimals)
    return Term(value, "exact")
