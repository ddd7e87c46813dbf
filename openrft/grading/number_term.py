"""A number's value, exact or to 40 digits, and how it was written; and calculation with such values."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction
from typing import Literal

MOST_DIGITS = 1000
LARGEST_EXPONENT = 5000

PRECISION = Context(prec=45)


class NoNumber(ValueError):
    """Raised if the text at this place is not one number. The message says why."""


@dataclass(frozen=True, slots=True)
class Term:
    """A value, and how it was written."""

    value: Fraction
    form: Literal["decimal", "exact", "computed"]  # digits; a fraction or power; with roots or constants
    step: Fraction = Fraction(0)  # one unit of the last digit of a decimal
    digits: int = 0  # significant digits of a decimal
    is_power: bool = False
    is_whole: bool = False  # written as a whole number, without exponent

    @property
    def is_literal(self) -> bool:
        """Whether it was written in digits alone."""
        return self.form == "decimal" and not self.is_power


def read_digits(whole: str, decimals: str, exponent: int, scientific: bool) -> Term:
    if len(whole) + len(decimals) > MOST_DIGITS or abs(exponent) > LARGEST_EXPONENT:
        raise NoNumber("it has too many digits")
    step = Fraction(10) ** (exponent - len(decimals))
    value = int(whole + decimals) * step
    digits = len((whole + decimals).lstrip("0"))
    return Term(value, "decimal", step, digits, is_whole=not decimals and not scientific)


def read_whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise NoNumber("it has too many digits")
    return int(digits)


def multiply(first: Term, second: Term) -> Term:
    value = first.value * second.value
    if "computed" in (first.form, second.form):
        return Term(value, "computed")
    if first.is_literal and second.is_power and _is_power_of_ten(second.value):
        return Term(value, "decimal", first.step * second.value, first.digits)
    if first.is_power or second.is_power:
        return Term(value, "exact", is_power=True)
    raise NoNumber("it holds two numbers")


def divide(above: Term, below: Term) -> Term:
    if below.value == 0:
        raise NoNumber("it divides by zero")
    form: Literal["exact", "computed"] = "computed" if "computed" in (above.form, below.form) else "exact"
    return Term(above.value / below.value, form)


def raise_to(base: Term, exponent: Term) -> Term:
    power, value = exponent.value, base.value
    if power.denominator == 1:
        size = max(value.numerator.bit_length(), value.denominator.bit_length())
        if size * abs(power.numerator) > 4 * LARGEST_EXPONENT:
            raise NoNumber("it is too large")
        if value == 0 and power < 0:
            raise NoNumber("it divides by zero")
        form: Literal["exact", "computed"] = "computed" if base.form == "computed" else "exact"
        return Term(value ** int(power), form, is_power=True)
    if value < 0:
        if power.numerator != 1 or power.denominator % 2 == 0 or power.denominator > 99:
            raise NoNumber("it has no real value")
        root = raise_to(replace(base, value=-value), exponent)
        return replace(root, value=-root.value)
    if power.numerator == 1 and power.denominator < 100 and (root_value := _exact_root(value, power.denominator)):
        return Term(root_value, "exact", is_power=True)
    if value == 0:
        return Term(Fraction(0), "exact")
    logarithm = _decimal(value).ln() * _decimal(power)
    if abs(logarithm) > 2 * LARGEST_EXPONENT:
        raise NoNumber("it is too large")
    return Term(Fraction(logarithm.exp()), "computed", is_power=True)


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The root, if it is rational."""
    parts = []
    for part in (value.numerator, value.denominator):
        if part.bit_length() > 400:
            return None
        root = math.isqrt(part) if degree == 2 else round(part ** (1 / degree))
        if root**degree != part:
            return None
        parts.append(root)
    return Fraction(parts[0], parts[1])


def take_logarithm(value: Term, base: Term | None) -> Term:
    if value.value <= 0 or (base and (base.value <= 0 or base.value == 1)):
        raise NoNumber("it has no real value")
    found = _decimal(value.value).ln()
    return Term(Fraction(found / _decimal(base.value).ln() if base else found), "computed")


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _is_power_of_ten(value: Fraction) -> bool:
    whole = value.numerator if value.denominator == 1 else value.denominator if value.numerator == 1 else 0
    return whole > 0 and 10 ** round(whole.bit_length() * 0.30103 - 0.5) == whole


@functools.cache
def compute_pi() -> Fraction:
    """Pi to 40 digits, by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239)."""

    def arctan(inverse: int) -> Fraction:
        return sum((Fraction((-1) ** k, (2 * k + 1) * inverse ** (2 * k + 1)) for k in range(32)), Fraction(0))

    return (16 * arctan(5) - 4 * arctan(239)).limit_denominator(10**41)
