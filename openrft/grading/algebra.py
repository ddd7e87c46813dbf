"""A formula as a tree: `2x+1`, `\\frac{a}{b}`, `\\sqrt[3]{x}`, `\\sin^2 x`, `\\log_2 8`, `|x|`.

Input is what `expression.to_latex` writes. One pass, linear in the text. A product without a sign binds closer than a
division: `1/2x` is 1/(2x), as Math-Verify has it. What this grammar does not know (sums, integrals, limits,
derivatives, functions without a definition, text) raises UnknownForm, and Math-Verify reads it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_NODES = 400
DEEPEST = 30
LONGEST_INTEGER = 9  # digits: floats tell such values apart
MOST_DIGITS = 50

FUNCTIONS = frozenset(
    (
        "sqrt",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "exp",
        "ln",
        "abs",
    )
) | {"log"}
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_GREEK = re.compile(
    "alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|(?:var)?theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|(?:var)?phi|chi"
    "|psi|omega|hbar|ell|Gamma|Delta|Theta|Lambda|Xi|Sigma|Phi|Psi|Omega"
)
_TIMES = ("*", "\\cdot", "\\times", "\\ast")
_DIVIDED = ("/", "\\div")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<command>\\[A-Za-z]+)|(?P<letter>[A-Za-z])|(?P<sign>[-+*/^_(){}\[\]|]))"
)
_SPACING = re.compile(r"\\(?:left|right|displaystyle|quad|qquad|limits|[,;:! ])(?![A-Za-z])")
_FRACTION = ("\\frac", "\\dfrac", "\\tfrac", "\\cfrac")
_OPENING = {"(": ")", "{": "}", "[": "]"}
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{4,}")
_UNDEFINED = re.compile(
    r"(?<![A-Za-z\\])[fghFGHPp]\s*\(|\\frac\s*\{\s*d(?:\s*[A-Za-z^\\]|\s*\}\s*\{\s*d)|\d\s*\\[dt]?frac\s*\{?\s*\d"
)


class UnknownForm(ValueError):
    """Raised for a form that this grammar does not know. Math-Verify may know it."""


class TooLarge(ValueError):
    """Raised for a formula that is larger or deeper nested than any that people write."""


class Node(NamedTuple):
    """A part of a formula: number, name, add, multiply, divide, power, negate, absolute, root or a function."""

    kind: str
    parts: tuple[Node, ...] = ()
    name: str = ""
    value: float = 0.0


def parse_formula(text: str) -> Node:
    """The formula as a tree. Raises UnknownForm and TooLarge."""
    if _WORD.search(text) or _UNDEFINED.search(text):
        raise UnknownForm(text)
    parser = _Parser(_split(text))
    node = parser.read_sum()
    if parser.at < len(parser.tokens):
        raise UnknownForm(text)
    return node


def list_names(node: Node) -> frozenset[str]:
    """The names of the variables in a formula."""
    if node.kind == "name":
        return frozenset((node.name,))
    return frozenset().union(*(list_names(part) for part in node.parts))


def list_functions(node: Node) -> frozenset[str]:
    """The names of the functions in a formula."""
    own = frozenset((node.name,)) if node.kind == "function" else frozenset()
    return own.union(*(list_functions(part) for part in node.parts))


def _split(text: str) -> list[str]:
    text = _SPACING.sub(" ", text).strip()
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise UnknownForm(text[at:])
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0
        self.nodes = self.depth = self.bars = 0

    def make(self, kind: str, *parts: Node, name: str = "", value: float = 0.0) -> Node:
        """A node, counted."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise TooLarge
        return Node(kind, parts, name, value)

    @property
    def next(self) -> str:
        """The next token; empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> bool:
        """Skip the next token if it is one of these."""
        if self.next in wanted and self.next:
            self.at += 1
            return True
        return False

    def read_sum(self) -> Node:
        """Terms joined by + and -."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooLarge
        terms = [self.read_term()]
        while self.next in ("+", "-"):
            terms.append(self.read_term())
        self.depth -= 1
        return terms[0] if len(terms) == 1 else self.make("add", *terms)

    def read_term(self) -> Node:
        """A product with or without signs."""
        negative = False
        while self.next in ("+", "-"):
            negative ^= self.next == "-"
            self.at += 1
        node = self.read_product()
        return self.make("negate", node) if negative else node

    def read_product(self) -> Node:
        """Factors joined by signs; from the left."""
        node = self.read_factors()
        while True:
            if self.take(*_TIMES):
                node = self.make("multiply", node, self._signed_factors())
            elif self.take(*_DIVIDED):
                node = self.make("divide", node, self._signed_factors())
            else:
                return node

    def _signed_factors(self) -> Node:
        negative = self.take("-")
        node = self.read_factors()
        return self.make("negate", node) if negative else node

    def read_factors(self) -> Node:
        """Powers beside each other."""
        node = self.read_power()
        while self._starts_factor():
            node = self.make("multiply", node, self.read_power())
        return node

    def _starts_factor(self, functions: bool = True) -> bool:
        token = self.next
        if token == "|":
            return self.bars == 0
        if token.startswith("\\"):
            name = token[1:]
            return (
                token in _FRACTION
                or name == "pi"
                or _GREEK.fullmatch(name) is not None
                or (functions and name in FUNCTIONS)
            )
        return token != "" and (token[0] in "({[" or token[0].isalnum() or token[0] == ".")

    def read_power(self) -> Node:
        """An atom with or without an exponent."""
        return self._raise(self.read_atom())

    def _raise(self, node: Node) -> Node:
        while self.take("^"):
            node = self.make("power", node, self._read_argument(signed=True))
        return node

    def read_atom(self) -> Node:
        """A number, a name, a bracket, a fraction, a root, an absolute value or a function with its argument."""
        token = self.next
        if token in _OPENING:
            return self._read_bracket()
        if token == "|":
            self.at += 1
            self.bars += 1
            node = self.read_sum()
            self.bars -= 1
            self._close("|")
            return self.make("absolute", node)
        self.at += 1
        if token in _FRACTION:
            above = self._read_argument()
            return self.make("divide", above, self._read_argument())
        if token == "\\pi":
            return self.make("number", value=3.141592653589793)
        if token.startswith("\\"):
            name = token[1:]
            return self._read_name(name) if _GREEK.fullmatch(name) else self._read_function(name)
        if token and (token[0].isdigit() or token[0] == "."):
            digits = token.replace(",", "")
            if len(digits) > MOST_DIGITS:
                raise TooLarge
            if len(digits.partition(".")[0]) > LONGEST_INTEGER:
                raise UnknownForm(token)
            return self.make("number", value=float(digits))
        if token == "e" and self.next != "_":
            return self.make("number", value=2.718281828459045)
        if token.isalpha():
            return self._read_name(token)
        raise UnknownForm(token)

    def _read_name(self, name: str) -> Node:
        """A variable with its subscript."""
        if self.take("_"):
            if self.take("{"):
                while self.next not in ("", "}"):
                    if not self.next.isalnum():
                        raise UnknownForm(self.next)
                    name += "_" + self.next
                    self.at += 1
                self._close("}")
            elif self.next.isalnum():
                name += "_" + self.next
                self.at += 1
            else:
                raise UnknownForm(self.next)
        return self.make("name", name=name)

    def _read_bracket(self) -> Node:
        closing = _OPENING[self.next]
        self.at += 1
        bars, self.bars = self.bars, 0
        node = self.read_sum()
        self.bars = bars
        self._close(closing)
        return node

    def _close(self, closing: str) -> None:
        if not self.take(closing):
            raise UnknownForm(closing)

    def _read_argument(self, signed: bool = False) -> Node:
        """What a command or an exponent applies to: a group, one digit of a number for commands, or an atom."""
        if self.next in ("{", "("):
            return self._read_bracket()
        if signed and self.take("-"):
            return self.make("negate", self.read_atom())
        token = self.next
        if not signed and token.isdigit() and len(token) > 1:  # \frac12
            self.tokens[self.at] = token[1:]
            return self.make("number", value=float(token[0]))
        return self.read_atom()

    def _read_function(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise UnknownForm(name)
        if name == "sqrt":
            degree = self._read_bracket() if self.next == "[" else self.make("number", value=2.0)
            if self.next.isdigit():
                return self.make("root", self.read_atom(), degree)
            return self.make("root", self._read_argument(), degree)
        base = exponent = None
        if name == "log" and self.take("_"):
            base = self._read_argument()
        if self.take("^"):
            exponent = self._read_argument(signed=True)
            if exponent.kind == "negate" and exponent.parts[0].value == 1.0 and name in _INVERSE:
                name, exponent = _INVERSE[name], None
        if name == "abs":
            node = self.make("absolute", self._function_argument())
            return node if exponent is None else self.make("power", node, exponent)
        node = self.make("function", self._function_argument(), name=name if base is None else "ln")
        if base is not None:
            node = self.make("divide", node, self.make("function", base, name="ln"))
        return node if exponent is None else self.make("power", node, exponent)

    def _function_argument(self) -> Node:
        """A bracket, or the factors up to the next sign or function: `\\sin 2x \\cos x`."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooLarge
        if self.next in _OPENING:
            node = self._read_bracket()
        else:
            node = self.read_power()
            while self._starts_factor(functions=False) and self.next not in _OPENING:
                node = self.make("multiply", node, self.read_power())
        self.depth -= 1
        return node
