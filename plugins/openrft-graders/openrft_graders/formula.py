"""The formula of a multi grader (`calculate_output`): numbers, grader names, + - * / ^ and eight functions.

`^` binds tighter than a sign and to the right: -2^2 is -4, and 2^3^2 is 2^9. log is the natural logarithm. The parser
is written here, so a formula can never run code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from openrft_graders.faults import refuse, suggest

DEEPEST = 50  # brackets, signs and powers inside one another
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|([-+*/^(),]))")

Values = Mapping[str, float]
Node = Callable[[Values], float]
FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., float]]] = {  # fewest and most arguments, and the function
    "min": (1, 100, min),
    "max": (1, 100, max),
    "abs": (1, 1, abs),
    "floor": (1, 1, math.floor),
    "ceil": (1, 1, math.ceil),
    "exp": (1, 1, math.exp),
    "sqrt": (1, 1, math.sqrt),
    "log": (1, 1, math.log),
}


class Incalculable(Exception):
    """A formula without a finite value for these scores, such as a division by zero."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula."""

    text: str
    names: frozenset[str]  # the graders that it uses
    node: Node

    def calculate(self, values: Values) -> float:
        """The value for these scores. Raises Incalculable."""
        try:
            value = self.node(values)
        except (ArithmeticError, ValueError) as fault:
            raise Incalculable(f"{self.text} cannot be calculated: {fault}") from fault
        if not math.isfinite(value):
            raise Incalculable(f"{self.text} is {value}")
        return value


def parse_formula(text: object, names: Collection[str], path: str) -> Formula:
    """Raises UsageError, which begins with `path`. `names` are the graders that it may use."""
    if not isinstance(text, str) or not text.strip():
        refuse(path, "it must be a formula over the graders.", f"Write a text like {' + '.join(names)}.")
    parser = _Parser(text, names, path)
    node = parser.read_sum(0)
    if parser.token:
        parser.fail(f"{parser.token!r} is not expected")
    return Formula(text, frozenset(parser.used), node)


class _Parser:
    """Recursive descent: sum, product, sign, power, atom."""

    def __init__(self, text: str, names: Collection[str], path: str) -> None:
        self._text, self._names, self._path = text, names, path
        self.used: set[str] = set()
        self._next = 0
        self.token = self.kind = ""
        self.advance()

    def advance(self) -> None:
        """Read the next token; "" at the end."""
        self._at = self._next
        match = _TOKEN.match(self._text, self._at)
        if match:
            self.kind = ("number", "name", "mark")[match.lastindex - 1] if match.lastindex else ""
            self.token, self._next = match[match.lastindex or 0], match.end()
        elif rest := self._text[self._at :].strip():
            self.fail(f"{rest[0]!r} is not expected")
        else:
            self.token = self.kind = ""

    def fail(self, words: str) -> None:
        """Refuse the formula."""
        refuse(
            self._path,
            f"{words} at character {len(self._text) - len(self._text[self._at :].lstrip()) + 1} of {self._text!r}.",
            "A formula has numbers, grader names, + - * / ^ and " + ", ".join(FUNCTIONS) + ".",
        )

    def _accept(self, *marks: str) -> str:
        if self.kind == "mark" and self.token in marks:
            found = self.token
            self.advance()
            return found
        return ""

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            self.fail(f"{mark!r} is missing")

    def read_sum(self, depth: int) -> Node:
        """term (+ term | - term)*"""
        if depth > DEEPEST:
            self.fail("there are too many brackets inside one another")
        terms = [("+", self._read_product(depth))]
        while mark := self._accept("+", "-"):
            terms.append((mark, self._read_product(depth)))
        return terms[0][1] if len(terms) == 1 else lambda values: _add(terms, values)

    def _read_product(self, depth: int) -> Node:
        factors = [("*", self._read_sign(depth))]
        while mark := self._accept("*", "/"):
            factors.append((mark, self._read_sign(depth)))
        return factors[0][1] if len(factors) == 1 else lambda values: _multiply(factors, values)

    def _read_sign(self, depth: int) -> Node:
        if depth > DEEPEST:
            self.fail("there are too many signs in a row")
        mark = self._accept("+", "-")
        if not mark:
            return self._read_power(depth)
        node = self._read_sign(depth + 1)
        return node if mark == "+" else lambda values: -node(values)

    def _read_power(self, depth: int) -> Node:
        base = self._read_atom(depth)
        if not self._accept("^"):
            return base
        exponent = self._read_sign(depth + 1)
        return lambda values: math.pow(base(values), exponent(values))

    def _read_atom(self, depth: int) -> Node:
        token, kind = self.token, self.kind
        if self._accept("("):
            node = self.read_sum(depth + 1)
            self._expect(")")
            return node
        if kind == "number":
            number = float(token)
            self.advance()
            return lambda values: number
        if kind != "name":
            self.fail(f"{token!r} is not expected" if token else "the formula ends too early")
        self.advance()
        if self._accept("("):
            return self._read_call(token, depth)
        if token not in self._names:
            refuse(self._path, f"{token!r} is not the name of a grader.", suggest(token, self._names))
        self.used.add(token)
        return lambda values: values[token]

    def _read_call(self, name: str, depth: int) -> Node:
        if name not in FUNCTIONS:
            refuse(self._path, f"there is no function {name!r}.", suggest(name, FUNCTIONS))
        arguments = [self.read_sum(depth + 1)]
        while self._accept(","):
            arguments.append(self.read_sum(depth + 1))
        self._expect(")")
        fewest, most, function = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            refuse(self._path, f"{name} takes one value, not {len(arguments)}.")
        return lambda values: float(function(*(argument(values) for argument in arguments)))


def _add(terms: Sequence[tuple[str, Node]], values: Values) -> float:
    total = 0.0
    for mark, term in terms:
        total = total + term(values) if mark == "+" else total - term(values)
    return total


def _multiply(factors: Sequence[tuple[str, Node]], values: Values) -> float:
    product = 1.0
    for mark, factor in factors:
        product = product * factor(values) if mark == "*" else product / factor(values)
    return product
