"""Numbers: every spelling of a value equals every other, no other value does, and nothing takes long."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from openrft import Sample, grade, is_number
from openrft.grading.number import explain_refusal, is_same_number, parse_number, read_number
from openrft.grading.rules import GradingRules

PLAIN = Sample("How much is it?", "1", kind="number")
SUPERSCRIPT = str.maketrans("0123456789-", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b")
FULL_WIDTH = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
ARABIC = str.maketrans("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")


def group(digits: str, mark: str) -> str:
    whole, point, part = digits.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return sign + f"{int(whole):,}".replace(",", mark) + point + part


def scientific(value: Decimal, form: str) -> str:
    """All digits, trailing zeros included, so that the last digit means the same."""
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits))
    mantissa = ("-" if sign else "") + (f"{text[0]}.{text[1:]}" if text[1:] else text)
    power = int(exponent) + len(text) - 1
    return form.replace("M", mantissa).replace("RAISED", str(power).translate(SUPERSCRIPT)).replace("P", str(power))


GROUPS = [",", " ", "\u2009", "\u202f", "'", "\u2019", "{,}", r"\,", r"\ ", r"\;", ",\\!"]
POWERS = ["MeP", "MEP", r"M \times 10^{P}", "M x 10^P", "M × 10RAISED", r"M\cdot10^{P}", "M*10**P", r"M \mathrm{e} P"]
WRAPPED = [
    "{}",
    "${}$",
    "x = {}",
    "about {}",
    r"\approx {}",
    "~{}",
    r"\text{{{}}}",
    "**{}**",
    "{}.",
    "it is {}",
    "({})",
]
WRAPPED += [
    "{} kg",
    r"{}\ \text{{kg}}",
    r"{}\,\mathrm{{m/s^2}}",
    "{}, because I counted",
    "f(3) = {}",
    "{} (approximately)",
]


@st.composite
def values(draw: st.DrawFn) -> Decimal:
    return Decimal(draw(st.integers(-(10**9), 10**9))).scaleb(-draw(st.integers(0, 6)))


@st.composite
def spellings(draw: st.DrawFn, value: Decimal) -> str:
    digits = f"{value:f}"
    ways = [digits, digits.replace("-", "\u2212"), digits.replace("-", "- "), digits.translate(FULL_WIDTH)]
    ways += [digits.translate(ARABIC), *(group(digits, mark) for mark in GROUPS)]
    if value:
        ways += [scientific(value, form) for form in POWERS]
    return draw(st.sampled_from(ways))


@given(st.data())
def test_a_number_in_any_spelling_equals_itself(data: st.DataObject) -> None:
    value = data.draw(values())
    gold, spelled, wrapped = (
        data.draw(spellings(value)),
        data.draw(spellings(value)),
        data.draw(st.sampled_from(WRAPPED)),
    )
    assume(not (wrapped.startswith("**") and "**" in spelled))  # what is bold there, nobody can tell
    said = wrapped.format(spelled)
    assert grade(Sample("How much?", gold, kind="number"), f"\\boxed{{{said}}}").correct, (gold, said)


@given(st.data())
def test_a_different_number_in_any_spelling_never_does(data: st.DataObject) -> None:
    value, other = data.draw(values()), data.draw(values())
    gold, said = data.draw(spellings(value)), data.draw(st.sampled_from(WRAPPED)).format(data.draw(spellings(other)))
    step = Decimal(1).scaleb(int(value.as_tuple().exponent))
    assume(abs(value - other) > step / 2)
    assert not grade(Sample("How much?", gold, kind="number"), f"\\boxed{{{said}}}").correct, (gold, said)


@st.composite
def fractions(draw: st.DrawFn) -> Fraction:
    return Fraction(draw(st.integers(-500, 500)), draw(st.integers(2, 99)))


def spell(value: Fraction) -> list[str]:
    above, below = value.numerator, value.denominator
    found = [f"{above}/{below}", f"{2 * above}/{2 * below}", rf"\frac{{{above}}}{{{below}}}", f"{above} / {below}"]
    sign, size = "-" if above < 0 else "", abs(above)
    found += [rf"{sign}\dfrac{{{size}}}{{{below}}}", rf"{sign}\tfrac{{{size}}}{{{below}}}"]
    if size > below > 1:
        found += [
            f"{sign}{size // below} {size % below}/{below}",
            rf"{sign}{size // below}\frac{{{size % below}}}{{{below}}}",
        ]
    return found


@given(st.data())
def test_fractions_and_mixed_numbers_are_exact(data: st.DataObject) -> None:
    value, other = data.draw(fractions()), data.draw(fractions())
    gold, said = data.draw(st.sampled_from(spell(value))), data.draw(st.sampled_from(spell(other)))
    sample = Sample("How much?", gold, kind="number")
    assert grade(sample, f"\\boxed{{{said}}}").correct is (value == other)


@given(st.data())
def test_two_numbers_are_none(data: st.DataObject) -> None:
    first, second = data.draw(values()), data.draw(values())
    joint = data.draw(
        st.sampled_from([" or ", ", ", " and ", "; ", " to ", r"\text{ or }", " vs ", "\n", " / ", " = x, y = "])
    )
    assume(joint != " / ")
    assume(first != second)
    said = f"{first:f}{joint}{second:f}"
    for gold in (first, second):
        assert not grade(Sample("How much?", f"{gold:f}", kind="number"), f"\\boxed{{{said}}}").correct


@given(
    st.text(alphabet="0123456789.,-+eE^{}()\\/ $%kgm×πor=≈~\u2212½", max_size=30),
    st.sampled_from(["1", "12 kg", "85%", "5,7", "x"]),
)
def test_what_was_read_is_read_again(inside: str, gold: str) -> None:
    sample = Sample("q", gold, kind="number")
    first = grade(sample, f"\\boxed{{{inside}}}")
    if first.answer is not None:
        again = grade(sample, f"\\boxed{{{first.answer}}}")
        assert (again.answer, again.correct) == (first.answer, first.correct)


@given(st.text(max_size=60), st.text(max_size=20))
def test_never_raises(said: str, gold: str) -> None:
    sample = Sample("q", gold, kind="number")
    read = read_number(sample, said)
    assert read is None or is_same_number(read, gold) in (True, False)
    assert bool(explain_refusal(sample, said)) or read is not None
    assert is_number(said) in (True, False)


@pytest.mark.parametrize(
    "text",
    ["1e" + "9" * 5000, "9" * 5000, "1" * 999, "1e4999", "1e-4999", "0." + "3" * 5000, "9^{9^{9^9}}", "2^{99999}",
     "1/0", "0^{-1}", r"\sqrt{-1}", r"\frac{1}{0}", r"\ln 0", "e^{e^{e^{e^9}}}", r"\sqrt[999999]{2}", "\u0969\u0662",
     "\u216b", "inf", "nan", "-nan"],
)  # fmt: skip
def test_extremes_are_read_or_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    for gold in (text, "5"):
        grade(Sample("q", gold, kind="number"), f"\\boxed{{{text}}}")
    assert time.perf_counter() - began < 0.5
    assert grade(Sample("q", text, kind="number"), f"\\boxed{{{text}}}").correct  # whatever it is, it equals itself
    assert not grade(Sample("q", "5", kind="number"), f"\\boxed{{{text}}}").correct


HOSTILE = [
    "1 ",
    "1,",
    "1 or ",
    "-",
    "(",
    "{",
    "\\frac",
    "\\sqrt{",
    "\\sqrt{2}",
    "9^",
    "= ",
    "5 = ",
    "one ",
    "is ",
    "hundred ",
]
HOSTILE += [
    "kg ",
    "1. ",
    "5. a ",
    "at 5 ",
    "because ",
    "\u00b0",
    "x",
    "a b ",
    "$",
    "~",
    "\\,",
    "1e",
    "\u00bd",
    "m*",
    "twenty-",
]
HOSTILE += ["(1)", "1/", "\\text{", "**", "\\frac{a", "{{a}", " and ", "(a) "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_in_the_length(piece: str) -> None:
    sample = Sample("q", "5", kind="number")
    for text in (piece * (100_000 // len(piece)), "5 " + piece * (1_900 // len(piece))):
        began = time.process_time()
        explain_refusal(sample, text)
        is_same_number(text, "5")
        is_same_number("5", text)
        assert time.process_time() - began < 0.5  # 50 ms per 10 kB


def test_a_plain_number_takes_a_fifth_of_a_millisecond() -> None:
    texts = [str(number) for number in range(1000, 1400)]
    best = min(_seconds(texts) for _ in range(5))
    assert best / len(texts) < 0.0002


def _seconds(texts: list[str]) -> float:
    parse_number.cache_clear()
    began = time.process_time()
    for text in texts:
        read = read_number(PLAIN, text)
        assert read is not None
        is_same_number(read, "1")
    return time.process_time() - began


@pytest.mark.parametrize(
    ("tolerance", "gold", "said", "right"),
    [
        (0.01, "100", "101", True),
        (0.01, "100", "101.1", False),
        (0.01, "-100", "-99", True),
        (0.01, "100", "100.4", True),
        (0.001, "100", "100.4", False),
        (0.0, "0.5", "1/2", True),
        (0.0, "0.5", "0.51", False),
        (0.1, "0", "0.01", False),
        (0.01, "1/3", "0.33", True),
        (0.01, "85%", "0.855", True),
        (0.01, "12 kg", "12.1 g", False),
        (0.05, r"\sqrt{2}", "1.4", True),
    ],
)
def test_relative_tolerance(tolerance: float, gold: str, said: str, right: bool) -> None:
    assert is_same_number(said, gold, GradingRules(tolerance)) is right


@pytest.mark.parametrize(
    ("text", "number"),
    [("85%", True), ("12 kg", True), ("3/4", True), ("1,000", True), ("3e8", True), ("$5", True), ("x = 4", True),
     ("-5.0", True), ("twelve", True), (r"\frac{1}{2}", True), ("5,7", False), ("12-13", False), ("CO2", False),
     ("iron", False), ("", False), ("B", False), ("2x+1", False), ("yes", False), ("1995-96", False), ("3:1", False),
     ("C-14", False)],
)  # fmt: skip
def test_is_number(text: str, number: bool) -> None:
    assert is_number(text) is number


def test_a_decimal_comma_is_read_where_it_can_be_nothing_else() -> None:
    assert is_number("5,7", decimal_comma=True)
    assert grade(Sample("q", "1.234,5", kind="number"), "\\boxed{1234.5}").correct
    assert grade(Sample("q", "0,125", kind="number"), "\\boxed{1/8}").correct
    assert not grade(Sample("q", "1,234", kind="number"), "\\boxed{1.234}").correct


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("12 or 13", "does not settle on one number: 'or'"),
        ("5, 7", "two numbers"),
        ("CO2", "a name or a formula"),
        ("> 5", "a bound or a range"),
        ("12 O", "is no unit: 'O'"),
        ("hello", "no number"),
        ("5 squared", "changes it"),
        ("9" * 1500, "too many digits"),
        ("1 " * 1500, "too long"),
    ],
)
def test_a_refusal_says_why(said: str, reason: str) -> None:
    assert reason in explain_refusal(PLAIN, said)
