"""What an answer with formulas is: one formula, an equation, a range, a pair, a set, a matrix.

`y = 2x+1` is the formula beside its name; `x > 3` is the range (3, \\infty); `1 or 2`, `1, 2` and `\\pm 1` are sets.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from openrft.grading.algebra import Node, TooLarge, UnknownForm, list_names, parse_formula
from openrft.grading.algebra_vectors import read_components

MOST_ITEMS = 20
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_JOINED = re.compile(
    r"\s*(?:[,;]|(?<![A-Za-z\\])(?:or|and)(?![A-Za-z])|\\(?:lor|land|vee|wedge|text\{ ?(?:or|and) ?\}))\s*"
)
_UNION = re.compile(r"\s*\\cup(?![A-Za-z])\s*")
_RELATION = re.compile(r"\s*(\\(?:leq?|geq?|leqslant|geqslant|lt|gt)(?![A-Za-z])|[=<>])\s*")
_DIRECTION = {"<": -1, "\\lt": -1, "\\le": -1, "\\leq": -1, "\\leqslant": -1}
_STRICT = ("<", ">", "\\lt", "\\gt")
_ELEMENT = re.compile(r"\s*[A-Za-z]\s*\\in(?![A-Za-z])\s*")
_NAME = re.compile(r"\\?[A-Za-z]+(?:_(?:\w|\{\w+\}))?(?:\s*\(\s*[A-Za-z]\s*\))?")
_DERIVATIVE = re.compile(  # dy/dx and y'
    r"\\frac\s*\{\s*d\s*(?P<of>[A-Za-z])\s*\}\s*\{\s*d\s*(?P<by>[A-Za-z])\s*\}"
    r"|(?P<name>[A-Za-z])\s*(?:'|\^\s*\{?\s*\\prime\s*\}?)\s*(?:\(\s*(?P<variable>[A-Za-z])\s*\))?"
)
_POINT = re.compile(r"\(\s*[A-Za-z](?:\s*,\s*[A-Za-z]){1,3}\s*\)")
_VECTOR = re.compile(r"(?:\\langle(?![A-Za-z])|<)([^|<>]*,[^|<>]*)(?:\\rangle|>)")
_OR = re.compile(r"or|\\lor|\\vee|\\text\{ ?or ?\}")
_AND = re.compile(r"and|\\land|\\wedge|\\text\{ ?and ?\}")
_INFINITY = re.compile(r"\s*([+-]?)\s*\\infty\s*")
_MATRIX = re.compile(r"\s*\\begin\{([pbB]?matrix)\}(.*)\\end\{\1\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Equation:
    """The equation `difference` = 0. If one side is a single name, `value` is the other side."""

    difference: Node
    name: str = ""
    value: Node | None = None


@dataclass(frozen=True, slots=True)
class Inequality:
    """The inequality `difference` > 0, or >= 0. If one side is a name and the other a constant, `range` is its
    interval."""

    difference: Node
    strict: bool
    range: Tuple | None = None


@dataclass(frozen=True, slots=True)
class Tuple:
    """Several forms in order, in brackets: a pair, a point, an interval. `name` is the variable in -1 < x < 2."""

    brackets: str
    items: tuple[Form, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """Several forms in any order: a set. If it was written without brackets, it may also be meant as a tuple."""

    items: tuple[Form, ...]
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of formulas."""

    rows: tuple[tuple[Form, ...], ...]


Form = Node | float | Equation | Inequality | Tuple | Collection | Matrix  # a float is an infinity


def parse_form(text: str) -> Form:
    """The form of the answer. Raises UnknownForm for a form not known here, TooLarge for an excessive one."""
    if "\\pm" in text or "\\mp" in text:
        signs = (("+", "-"), ("-", "+"))
        both = [_parse(text.replace("\\pm", plus).replace("\\mp", minus)) for plus, minus in signs]
        return Collection(tuple(item for form in both for item in list_items(form)))
    return _parse(text)


def _parse(text: str) -> Form:
    text = text.strip()
    if found := _MATRIX.fullmatch(text):
        rows = [row for row in re.split(r"\\\\", found[2]) if row.strip()]
        return Matrix(tuple(tuple(parse_formula(cell) for cell in row.split("&")) for row in rows))
    if found := _ELEMENT.match(text):
        text = text[found.end() :]
    if found := _VECTOR.fullmatch(text):
        text = f"({found[1]})"
    if (components := read_components(text)) is not None:
        return Tuple("()", tuple(parse_formula(part) for part in components))
    if text in ("\\emptyset", "{}", "{ }"):
        return Collection(())
    if len(parts := _cut(text, _JOINED)) > 1:
        items = tuple(_parse(part) for part in _check_count(parts))
        if (joined := _join_ranges(items, [sign[0].strip() for sign in _find(text, _JOINED)])) is not None:
            return joined
        if all(isinstance(item, Collection) for item in items):
            return Collection(items, bare=True)
        if any(isinstance(item, Inequality | Matrix | Collection) for item in items):
            raise UnknownForm(text)
        return Collection(items, bare=True)
    if len(parts := _cut(text, _UNION)) > 1:
        return Collection(tuple(item for part in _check_count(parts) for item in list_items(_parse(part))))
    if (inner := _open(text)) is not None and len(parts := _cut(inner, _JOINED)) > 1:
        items = tuple(_parse(part) for part in _check_count(parts))
        return Collection(items) if text[0] == "{" else Tuple(text[0] + text[-1], items)
    if found := _INFINITY.fullmatch(text):
        return -math.inf if found[1] == "-" else math.inf
    if len(parts := _cut(text, _RELATION)) > 1:
        return _parse_relation(parts, [text_[1] for text_ in _find(text, _RELATION)])
    return parse_formula(text)


def _parse_relation(parts: list[str], signs: list[str]) -> Form:
    if len(parts) == 2 and signs == ["="]:
        if _POINT.fullmatch(parts[0].strip()):  # (x, y) = (1, 2)
            names, point = re.findall(r"[A-Za-z]", parts[0]), _parse(parts[1])
            if isinstance(point, Tuple) and len(point.items) == len(names):
                return Tuple(point.brackets, order_by_name(names, point.items), point.name)
            return point
        return _parse_equation(*parts)
    if "=" in signs or len(parts) > 3:
        raise UnknownForm(" ".join(parts))
    ascending = [_DIRECTION.get(sign, 1) < 0 for sign in signs]
    if len(parts) == 3:
        if ascending[0] != ascending[1] or not _NAME.fullmatch(parts[1].strip()):
            raise UnknownForm(" ".join(parts))
        ends = [_parse(parts[0]), _parse(parts[2])]
        strict = [sign in _STRICT for sign in signs]
        if not ascending[0]:
            ends, strict = ends[::-1], strict[::-1]
        return Tuple("[("[strict[0]] + "])"[strict[1]], tuple(ends), parts[1].strip())
    left, right = (parse_formula(part) for part in parts)
    low, high = (left, right) if ascending[0] else (right, left)
    strict_one = signs[0] in _STRICT
    span = None
    if high.kind == "name" and not list_names(low):
        span = Tuple("[("[strict_one] + ")", (low, math.inf), high.name)
    elif low.kind == "name" and not list_names(high):
        span = Tuple("(" + "])"[strict_one], (-math.inf, high), low.name)
    return Inequality(subtract(high, low), strict_one, span)


def _join_ranges(items: tuple[Form, ...], signs: list[str]) -> Form | None:
    """`x < 1 or x > 2` is a union, `x > 1 and x < 2` one range; None for anything else."""
    ranges = [item.range if isinstance(item, Inequality) else item for item in items]
    spans = [span for span in ranges if isinstance(span, Tuple) and span.name]
    if len(spans) < len(items) or len({span.name for span in spans}) > 1:
        return None
    if all(_OR.fullmatch(sign) for sign in signs):
        return Collection(tuple(spans))
    if len(spans) == 2 and _AND.fullmatch(signs[0]):
        below = [span for span in spans if span.items[0] == -math.inf]
        above = [span for span in spans if span.items[1] == math.inf]
        if len(below) == len(above) == 1:
            brackets = above[0].brackets[0] + below[0].brackets[1]
            return Tuple(brackets, (above[0].items[0], below[0].items[1]), above[0].name)
    return None


def _parse_equation(left: str, right: str) -> Equation:
    if name := _read_value_name(left.strip()):
        value = parse_formula(right)
        return Equation(subtract(Node("name", name=name), value), name, value)
    first, second = parse_formula(left), parse_formula(right)
    for side, other in ((first, second), (second, first)):
        if side.kind == "name" and side.name not in list_names(other):
            return Equation(subtract(first, second), side.name, other)
    return Equation(subtract(first, second))


def _read_value_name(left: str) -> str:
    """The one name of what is f(x) or a derivative; empty for anything else."""
    if re.fullmatch(r"[A-Za-z]\s*\(\s*[A-Za-z]\s*\)", left):  # f(x) = 2x
        return left
    if found := _DERIVATIVE.fullmatch(left):
        return f"d{found['of'] or found['name']}/d{found['by'] or found['variable'] or ''}"
    return ""


def _check_count(parts: list[str]) -> list[str]:
    if len(parts) > MOST_ITEMS:
        raise TooLarge
    return parts


def _open(text: str) -> str | None:
    """What stands between the brackets around all of the text; None if there are none. Intervals may mix them."""
    if text[:1] not in _BRACKETS or not text.endswith((")", "]", "}")):
        return None
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else None
    return None


def _find(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """The matches outside brackets."""
    depths, depth = [], 0
    for sign in text:
        depths.append(depth)
        depth += (sign in "([{") - (sign in ")]}")
    places = list(pattern.finditer(text))
    return [found for found in places if depths[found.start(1) if pattern.groups else found.end() - 1] == 0]


def _cut(text: str, pattern: re.Pattern[str]) -> list[str]:
    """The text at the matches outside brackets. A comma in 1,000 is none of a list."""
    parts, start = [], 0
    for found in _find(text, pattern):
        if (
            found[0] == ","
            and re.match(r"\d{3}(?!\d)", text[found.end() :])
            and re.search(r"(?<![\d.])\d{1,3}(?:,\d{3})*\Z", text[start : found.start()])
        ):
            continue
        parts.append(text[start : found.start()])
        start = found.end()
    return [*parts, text[start:]]


def order_by_name(names: list[str], items: tuple[Form, ...]) -> tuple[Form, ...]:
    """Values of coordinates in the order of their names: `y = 2, x = -1` is the point (-1, 2). Other names stay."""
    if len(set(names)) < len(items) or not any(set(names) <= set(letters) for letters in ("xyz", "abcd")):
        return items
    return tuple(item for _, item in sorted(zip(names, items, strict=True), key=lambda pair: pair[0]))


def list_items(form: Form, ordered: bool = False) -> tuple[Form, ...]:
    if isinstance(form, Collection) or (ordered and isinstance(form, Tuple)):
        return form.items
    return (form,)


def subtract(first: Node, second: Node) -> Node:
    return Node("add", (first, Node("negate", (second,))))
