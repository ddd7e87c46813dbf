"""Whether two formulas have the same value: both are computed at drawn points, in floats with a bound of the error.

A difference that holds at one point is a proof; equality at several drawn points is one but for chance (Schwartz 1980,
Zippel 1979). Every variable is real and may be negative, so that `\\sqrt{x^2}` is |x| and not x. The error of each
operation is carried along to first order (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3):
where it drowns the value, the point says nothing.
"""

from __future__ import annotations

import cmath
import functools
import math
import random
from collections.abc import Callable

from openrft.grading.algebra import Node, list_names

POINTS = 6
FAR_POINTS = 4  # further ones, far from zero: near it |x-3| is 3-x
_NEEDED = 3  # points at which both formulas have a value
_EPSILON = 4 * 2.0**-53
_TOLERANCE = 1e-11
_DECIMALS = 5e-7  # constants agree to six decimals, as in Math-Verify

Value = tuple[complex, float] | None  # a value and the bound of its error; None: there is none


def has_same_value(first: Node, second: Node, factor: bool = False, positive: bool = False) -> bool | None:
    """Whether the formulas are equal; None if no drawn point decides it.

    factor: instead, whether their quotient is a constant. positive: with `factor`, the constant must be above 0.
    """
    constant = not (list_names(first) | list_names(second))
    ratio: complex | None = None
    told = 0
    for index in range(1 if constant else POINTS + FAR_POINTS):
        one, other = evaluate(first, index), evaluate(second, index)
        if one is None or other is None:
            continue
        (a, a_error), (b, b_error) = one, other
        if index >= POINTS and (isinstance(a, complex) or isinstance(b, complex)):  # another branch of a root
            continue
        size = max(abs(a), abs(b))
        if a_error + b_error > 1e-6 * size + 1e-12:
            continue
        if factor and size > 0:
            if a == 0 or b == 0:
                return False
            ratio = a / b if ratio is None else ratio
            a, b, b_error = a, b * ratio, b_error * abs(ratio)
            if positive and (ratio.imag or ratio.real <= 0):
                return False
            size = max(abs(a), abs(b))
        margin = min(_DECIMALS, 1e-4 * size) if constant and not factor else _TOLERANCE * size
        if abs(a - b) > margin + 4 * (a_error + b_error):
            return False
        told += 1
    return True if told >= (1 if constant else _NEEDED) else None


def evaluate(node: Node, index: int) -> Value:
    """The value of a formula and a bound of its rounding error, at drawn point `index`. None if they are not finite."""
    try:
        value, error = _evaluate(node, index)
    except (ArithmeticError, ValueError):
        return None
    return (value, error) if cmath.isfinite(value) and math.isfinite(error) else None


@functools.lru_cache(maxsize=1024)
def _draw(name: str, index: int) -> float:
    """At the first point all variables are positive, at the second all are negative; so it is far from zero."""
    draw = random.Random(f"{name}/{index}")
    place = index % POINTS
    sign = (1, -1)[place] if place < 2 else draw.choice((-1, 1))
    low, high = (0.4, 2.1) if index < POINTS else (300.0, 3000.0) if place < 2 else (3.0, 60.0)
    return sign * draw.uniform(low, high)


def _evaluate(node: Node, index: int) -> tuple[complex, float]:
    if node.kind == "number":
        return node.value, 0.0 if node.value.is_integer() else _EPSILON * abs(node.value)  # pi and 0.1 are rounded
    if node.kind == "name":
        return _draw(node.name, index), 0.0
    parts = [_evaluate(part, index) for part in node.parts]
    if node.kind == "function":
        (argument, error) = parts[0]
        function, slope = _FUNCTIONS[node.name]
        value = _tidy(function(argument))
        return value, abs(slope(argument, value)) * error + _EPSILON * abs(value)
    value, error = _OPERATIONS[node.kind](parts)
    value = _tidy(value)
    return value, error + _EPSILON * abs(value)


def _tidy(value: complex) -> complex:
    """A float where it is real: on a branch cut the sign of a zero must not decide."""
    return value.real if isinstance(value, complex) and value.imag == 0 else value


Parts = list[tuple[complex, float]]


def _add(parts: Parts) -> tuple[complex, float]:
    total, error = parts[0]
    for value, other in parts[1:]:
        total = total + value
        error += other + _EPSILON * abs(total)
    return total, error


def _negate(parts: Parts) -> tuple[complex, float]:
    return -parts[0][0], parts[0][1]


def _multiply(parts: Parts) -> tuple[complex, float]:
    (a, a_error), (b, b_error) = parts
    return a * b, abs(a) * b_error + abs(b) * a_error


def _divide(parts: Parts) -> tuple[complex, float]:
    (a, a_error), (b, b_error) = parts
    if abs(b) <= 1e3 * b_error:
        raise ZeroDivisionError
    value = a / b
    return value, (a_error + abs(value) * b_error) / abs(b)


def _power(parts: Parts) -> tuple[complex, float]:
    (a, a_error), (b, b_error) = parts
    if a == 0:
        if isinstance(b, complex) or b <= 0:
            raise ZeroDivisionError
        return 0.0, a_error if b >= 1 else math.inf
    value = _raise_real(a, b) if not isinstance(a, complex) and a < 0 and not isinstance(b, complex) else a**b
    return value, abs(value) * (abs(b / a) * a_error + abs(cmath.log(a)) * b_error + abs(b) * _EPSILON)


def _raise_real(base: float, exponent: float) -> complex:
    """A negative number to a power: the real root where there is one, as people mean it."""
    for degree in (3, 5, 7):
        times = exponent * degree
        if exponent != round(exponent) and abs(times - round(times)) < 1e-12:
            return (-1) ** round(times) * (-base) ** exponent
    return complex(base**exponent) if exponent != round(exponent) else base**exponent


def _root(parts: Parts) -> tuple[complex, float]:
    (a, a_error), (degree, degree_error) = parts
    return _power([(a, a_error), (1 / degree, degree_error)])


def _absolute(parts: Parts) -> tuple[complex, float]:
    return abs(parts[0][0]), parts[0][1]


_OPERATIONS: dict[str, Callable[[Parts], tuple[complex, float]]] = {
    "add": _add,
    "negate": _negate,
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "root": _root,
    "absolute": _absolute,
}
# Each function with its slope, given the argument and the value.
_FUNCTIONS: dict[str, tuple[Callable[[complex], complex], Callable[[complex, complex], complex]]] = {
    "sin": (cmath.sin, lambda x, y: cmath.cos(x)),
    "cos": (cmath.cos, lambda x, y: cmath.sin(x)),
    "tan": (cmath.tan, lambda x, y: 1 + y * y),
    "cot": (lambda x: 1 / cmath.tan(x), lambda x, y: 1 + y * y),
    "sec": (lambda x: 1 / cmath.cos(x), lambda x, y: y * cmath.tan(x)),
    "csc": (lambda x: 1 / cmath.sin(x), lambda x, y: y / cmath.tan(x)),
    "arcsin": (cmath.asin, lambda x, y: 1 / cmath.cos(y)),
    "arccos": (cmath.acos, lambda x, y: 1 / cmath.sin(y)),
    "arctan": (cmath.atan, lambda x, y: 1 / (1 + x * x)),
    "sinh": (cmath.sinh, lambda x, y: cmath.cosh(x)),
    "cosh": (cmath.cosh, lambda x, y: cmath.sinh(x)),
    "tanh": (cmath.tanh, lambda x, y: 1 - y * y),
    "exp": (cmath.exp, lambda x, y: y),
    "ln": (cmath.log, lambda x, y: 1 / x),
    "log": (cmath.log10, lambda x, y: 1 / (2.302585092994046 * x)),
}
