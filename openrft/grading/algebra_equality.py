"""When two answers with formulas are equal: formulas, equations, ranges, pairs, sets and matrices.

Equations are equal if they differ by a constant factor, and ranges if all their ends are equal. None means that this
file cannot compare these forms; Math-Verify may be able to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from openrft.grading.algebra import Node, list_functions, list_names
from openrft.grading.algebra_forms import (
    Collection,
    Equation,
    Form,
    Inequality,
    Matrix,
    Tuple,
    list_items,
    order_by_name,
)
from openrft.grading.algebra_value import has_same_value


def _is_same_name(one: str, other: str) -> bool:
    """Whether both name the same value. y' does not say by what it is derived, so it may be dy/dx."""
    return one == other or ("/d" in one and "/d" in other and (one.startswith(other) or other.startswith(one)))


def is_same_form(gold: Form, found: Form) -> bool | None:
    """Whether both are the same answer; None if this file cannot compare them."""
    if isinstance(gold, Inequality) and isinstance(found, Inequality):
        if gold.strict != found.strict:
            return False
        return has_same_value(gold.difference, found.difference, factor=True, positive=True)
    gold, found = (form.range or form if isinstance(form, Inequality) else form for form in (gold, found))
    if isinstance(gold, float) or isinstance(found, float):
        return gold == found
    if isinstance(gold, Equation) or isinstance(found, Equation):
        return _is_same_equation(gold, found)
    if isinstance(gold, Node) and isinstance(found, Node):
        bases = list_functions(gold) | list_functions(found)
        return None if {"log", "ln"} <= bases else has_same_value(gold, found)
    if isinstance(gold, Matrix) or isinstance(found, Matrix):
        return _is_same_matrix(gold, found)
    if isinstance(gold, Inequality) or isinstance(found, Inequality):
        return None
    if {type(gold), type(found)} == {Tuple, Node}:
        return _are_reals(gold) and _are_reals(found)
    if isinstance(gold, Tuple) and isinstance(found, Tuple):
        brackets = gold.brackets == found.brackets or len(gold.items) > 2  # of which no interval has as many ends
        if not brackets or (gold.name and found.name and gold.name != found.name):
            return False
        return _is_same_list(gold.items, found.items)
    lists = (gold, found)
    if any(isinstance(form, Collection) and form.bare for form in lists) and any(isinstance(f, Tuple) for f in lists):
        if any(isinstance(form, Tuple) and _is_interval(form) for form in lists):
            return False
        return _is_same_list(_list_ordered(gold), _list_ordered(found))
    if isinstance(gold, Collection) and isinstance(found, Collection):
        return _is_same_set(gold.items, found.items)
    if isinstance(gold, Collection) or isinstance(found, Collection):
        return _is_same_set(list_items(gold), list_items(found))
    return False


def _list_ordered(form: Form) -> tuple[Form, ...]:
    """The items of a list; equations of coordinates in the order of their names."""
    items = list_items(form, True)
    names = [item.name if isinstance(item, Equation) else "" for item in items]
    return order_by_name(names, items) if all(names) else items


def _is_same_equation(gold: Form, found: Form) -> bool | None:
    if isinstance(gold, Equation) and isinstance(found, Equation):
        if gold.name and found.name and gold.value and found.value:
            if _is_same_name(gold.name, found.name):
                return has_same_value(gold.value, found.value)
            if not list_names(gold.value) and not list_names(found.value):
                return False
        return has_same_value(gold.difference, found.difference, factor=True)
    equation, other = (gold, found) if isinstance(gold, Equation) else (found, gold)
    assert isinstance(equation, Equation)
    if isinstance(other, Collection):
        return _is_same_set(list_items(gold), list_items(found))
    if not isinstance(other, Node) or equation.value is None:
        return None if equation.value is None else False
    if not list_names(other) and list_names(equation.value):  # 3 is not n = 3k
        return False
    return has_same_value(equation.value, other)


def _is_same_matrix(gold: Form, found: Form) -> bool | None:
    if not isinstance(gold, Matrix) or not isinstance(found, Matrix):
        matrix, other = (gold, found) if isinstance(gold, Matrix) else (found, gold)
        assert isinstance(matrix, Matrix)
        if not isinstance(other, Tuple) or _is_interval(other):
            return None
        if all(isinstance(item, Tuple) for item in other.items):  # [[1, 2], [3, 4]]
            rows = tuple(list_items(item, True) for item in other.items)
            return _is_same_matrix(matrix, Matrix(rows))
        if len(matrix.rows) > 1 and any(len(row) > 1 for row in matrix.rows):
            return False
        return _is_same_list([cell for row in matrix.rows for cell in row], other.items)
    if [len(row) for row in gold.rows] != [len(row) for row in found.rows]:
        return False
    return _is_same_list([cell for row in gold.rows for cell in row], [cell for row in found.rows for cell in row])


def _are_reals(form: Form) -> bool:
    """Whether it is the set of all real numbers, which a letter or an interval names."""
    if isinstance(form, Node):
        return form.kind == "name" and form.name == "R"
    return isinstance(form, Tuple) and form.brackets == "()" and form.items == (-math.inf, math.inf)


def _is_interval(form: Tuple) -> bool:
    """Whether it can be no point and no list."""
    return form.name != "" or form.brackets in ("[)", "(]") or any(isinstance(item, float) for item in form.items)


def _is_same_list(gold: Sequence[Form], found: Sequence[Form]) -> bool | None:
    if len(gold) != len(found):
        return False
    verdicts = [is_same_form(a, b) for a, b in zip(gold, found, strict=True)]
    return False if False in verdicts else None if None in verdicts else True


def _is_same_set(gold: Sequence[Form], found: Sequence[Form]) -> bool | None:
    """Whether each of either is in the other. At most 20 items each."""
    for some, others in ((gold, found), (found, gold)):
        for item in some:
            verdicts = [is_same_form(item, other) for other in others]
            if True not in verdicts:
                return None if None in verdicts else False
    return True
