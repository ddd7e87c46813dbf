"""The formula parser computes what the notation means, and refuses everything else with its place."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_graders.formula import Incalculable, parse_formula

from openrft import UsageError

VALUES = {"a": 0.5, "b": 2.0, "name": 0.9, "email": 0.0}


def calculate(text: str) -> float:
    return parse_formula(text, list(VALUES), "calculate_output").calculate(VALUES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(name + email) / 2", 0.45),
        ("0.5 * a + 0.5 * b", 1.25),
        ("2^3^2", 512),
        ("-2^2", -4),
        ("(-2)^2", 4),
        ("2^-1", 0.5),
        ("8 / 2 / 2", 2),
        ("8 - 2 - 2", 4),
        ("2 - -a", 2.5),
        ("+a", 0.5),
        ("1e-1 + .5 + 2.", 2.6),
        ("min(a, b, 0.1)", 0.1),
        ("max(a, b)", 2),
        ("abs(a - b)", 1.5),
        ("floor(1.7) + ceil(1.2)", 3),
        ("exp(0) + sqrt(4) + log(1)", 3),
        ("log(exp(b))", 2),
        ("min(max(a, 0), 1)", 0.5),
    ],
)
def test_values_worked_by_hand(text: str, value: float) -> None:
    assert calculate(text) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("text", ["a / email", "log(email)", "sqrt(0 - b)", "exp(1000)", "(0 - b)^0.5", "10^400"])
def test_what_has_no_value(text: str) -> None:
    with pytest.raises(Incalculable):
        calculate(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a +", "the formula ends too early"),
        ("a b", "'b' is not expected at character 3"),
        ("a ** 2", r"'\*' is not expected at character 4"),
        ("nmae", "'nmae' is not the name of a grader. Did you mean name"),
        ("pow(a, 2)", "there is no function 'pow'"),
        ("sqrt(a, b)", "sqrt takes one value, not 2"),
        ("(a", r"'\)' is missing"),
        ("min()", "is not expected"),
        ("a; b", "';' is not expected"),
        ("__import__('os')", "is not expected|no function"),
        ("a.__class__", "is not expected"),
        ("a if b else a", "is not expected"),
        ("", "must be a formula"),
        (5, "must be a formula"),
        ("(" * 1000 + "a" + ")" * 1000, "too many brackets"),
        ("-" * 1000 + "a", "too many signs"),
        ("2" + "^2" * 1000, "too many signs"),
    ],
)
def test_what_is_no_formula(text: object, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        parse_formula(text, list(VALUES), "calculate_output")
    assert refused.value.message.startswith("calculate_output: ")


def test_a_long_sum_is_calculated() -> None:
    assert calculate(" + ".join(["a"] * 10_000)) == 5000


def test_the_names_it_uses() -> None:
    assert parse_formula("a * max(b, 1)", list(VALUES), "").names == {"a", "b"}


numbers = st.floats(0, 100, allow_nan=False).map(lambda x: round(x, 3))
trees = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner),
        st.tuples(st.just("neg"), inner),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner),
    ),
    max_leaves=12,
)


def write(tree: object) -> str:
    if not isinstance(tree, tuple):
        return f"{tree:.3f}"
    if tree[0] == "neg":
        return f"-({write(tree[1])})"
    if tree[0] in ("min", "max"):
        return f"{tree[0]}({write(tree[1])}, {write(tree[2])})"
    return f"({write(tree[1])}) {tree[0]} ({write(tree[2])})"


def compute(tree: object) -> float:
    if not isinstance(tree, tuple):
        return float(tree)  # type: ignore[arg-type]
    parts = [compute(part) for part in tree[1:]]
    if tree[0] == "neg":
        return -parts[0]
    if tree[0] in ("min", "max"):
        return (min if tree[0] == "min" else max)(parts)
    return {"+": sum(parts), "-": parts[0] - parts[-1], "*": math.prod(parts)}[tree[0]]


@given(trees)
def test_a_written_tree_is_read_back(tree: object) -> None:
    assert calculate(write(tree)) == pytest.approx(compute(tree), rel=1e-9, abs=1e-9)


@given(st.integers(-3, 3), st.integers(1, 4), st.integers(1, 3))
def test_precedence_is_that_of_arithmetic(x: int, y: int, z: int) -> None:
    assert calculate(f"{x} - {y} * {z} ^ 2 / {y}") == pytest.approx(x - y * z**2 / y)


@given(st.text(alphabet="ab01.+-*/^(), minaxsqrte", max_size=30))
def test_any_text_is_a_formula_or_is_refused(text: str) -> None:
    try:
        formula = parse_formula(text, list(VALUES), "f")
    except UsageError:
        return
    with contextlib.suppress(Incalculable):
        assert math.isfinite(formula.calculate(VALUES))
