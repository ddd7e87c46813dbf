"""An option that an answer gives by its text: a minus and the case of a symbol count, marks and other case do not."""

from __future__ import annotations

import pytest

from openrft.grading.grade import grade
from openrft.types import Sample

NUMBERS, NEGATIVE, BOTH = ("2", "4", "6"), ("2", "-4", "6"), ("2", "4", "-4")
POWERS, GASES, WORDS = ("5 kW", "5 MW", "5 W"), ("H2O", "CO", "CO2"), ("high pH", "DNA polymerase", "E. coli")
RINGS, METALS = ("CCO", "C1CCCCC1", "CCN"), ("iron", "osmium", "lead")
FORMS = [
    "\\boxed{%s}",
    "The answer is %s.",
    "%s",
    "Answer: %s",
    "**%s**",
    "<answer>%s</answer>",
    "%s because it is so.",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("options", "said", "letter"),
    [
        (NUMBERS, "4", "B"), (NEGATIVE, "-4", "B"), (BOTH, "4", "B"), (BOTH, "-4", "C"), (NEGATIVE, "\u22124", "B"),
        (("1/2", "-1/2"), r"-\frac{1}{2}", "B"), (("x", "$-x$"), "-x", "B"), (("10 kJ", "-10 kJ"), "-10 kJ", "B"),
        (POWERS, "5 MW", "B"), (GASES, "CO", "B"), (GASES, "co2", "C"), (RINGS, "C1CCCCC1", "B"),
        (WORDS, "HIGH PH", "A"), (WORDS, "high ph", "A"), (WORDS, "dna polymerase", "B"), (WORDS, "e. coli", "C"),
        (METALS, "Osmium", "B"), (METALS, "OSMIUM", "B"),
    ],
)  # fmt: skip
def test_right_options(form, options, said, letter):
    verdict = grade(Sample("q", letter, options), form % said)
    assert (verdict.lenient or verdict).answer == letter


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("options", "said", "letter"),
    [
        (NUMBERS, "-4", "B"), (NEGATIVE, "4", "B"), (NUMBERS, "\u22124", "B"), (("1/2", "2"), "-1/2", "A"),
        (("x", "y"), "-x", "A"), (("10 kJ", "5 kJ"), "-10 kJ", "A"), (POWERS, "5 mW", "B"), (GASES, "Co", "B"),
        (RINGS, "c1ccccc1", "B"),
    ],
)  # fmt: skip
def test_what_only_looks_like_an_option_is_not_it(form, options, said, letter):
    verdict = grade(Sample("q", letter, options), form % said)
    assert verdict.answer != letter
    assert (verdict.lenient or verdict).answer != letter


@pytest.mark.parametrize("said", ["- osmium", "-osmium", "\u2013 Osmium.", "- B"])
def test_a_dash_before_a_word_is_a_mark(said):
    verdict = grade(Sample("q", "B", METALS), f"Answer: {said}")
    assert (verdict.lenient or verdict).answer == "B"
