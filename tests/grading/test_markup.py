"""Markup around answers: what goes, what stays, and that it costs linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.grading.markup import remove_markup, strip_markup


@pytest.mark.parametrize(
    "dressed",
    [
        "B", " B ", "{B}", "{{{B}}}", "$B$", "$$B$$", "\\(B\\)", "\\[B\\]", "[B]", "(B)", "$(B)$", "**B**",
        "***B***", "*B*", "__B__",
        "_B_", "`B`", "```text\nB\n```", '"B"', "'B'", '\\"B\\"', "\u201cB\u201d", "\u00abB\u00bb", "``B''",
        "**Answer: (B)**",
        "Answer: B", "The final answer is: **B**", "option (B)", "Choice B", "answer is answer: option B",
        '"answer" is B',
        "\\text{B}", "\\textbf {B}", "\\textsf{B}", "\\mathrm{B}", "\\operatorname{B}", "\\operatorname*{B}",
        "\\mbox{B}",
        "\\underline{B}", "\\boxed{B}", "\\mathbf{\\text{B}}", "{\\bf B}", "\\bf B", "\\rm B", "\\displaystyle B",
        "B\\ ", "B\\,",
        "B\\quad", "\\color{red}B", "{\\color{red} B}", "\\textcolor{red}{B}", "\\colorbox{red}{\\text{B}}",
        "\\left. B \\right.",
        "<b>B</b>", "<span style=\"color: red\">B</span>", "B<br/>", "\uff22", "\uff08\uff22\uff09",
        "\u3010B\u3011", "\u24b7", "\U0001d401",
        "\\\\text{B}", "\\\\(B\\\\)", "B\u200b", "\ufeffB",
    ],
)  # fmt: skip
def test_dress_goes(dressed):
    assert remove_markup(dressed) == "B"


@pytest.mark.parametrize(
    "meaning",
    [
        "\\frac{1}{2}", "\\frac12", "\\frac1{23}", "\\sqrt[3]{2}", "x^{10}", "x_{10}", "10^{-3}", "a*b", "2**3",
        "2*3*4", "p*q*r",
        "snake_case", "x_1", "*CC*", "*c1ccc(*)cc1", "[*]CC[*]", "*[Si](C)*", "F/C=C\\F", "C/C=C\\[C@H](C)O",
        "(R)-warfarin",
        "option pricing", "options", "0.\\overline{3}", "10\u00b2", "CO\u2082", "~12", "~~B~~", "* B",
        "a<b and c>d", "C*", "_____",
        "it's", "5'", "$5", "(a, b)", "[1, 2]",
    ],
)  # fmt: skip
def test_meaning_stays(meaning):
    assert remove_markup(meaning) == meaning


@pytest.mark.parametrize(
    ("dressed", "plain"),
    [
        ("50\\%", "50%"), ("\\$5", "$5"), ("a\\_b", "a_b"), ("\\{1, 2\\}", "{1, 2}"), ("&lt;5&deg;", "<5\u00b0"),
        ("1{,}000", "1,000"), ("1\\,000", "1\u2009000"), ("5~\\mathrm{cm}", "5 cm"), ("5\\;\\text{cm}", "5 cm"),
        ("\\SI{5}{cm}", "5 cm"), ("\\ce{H2O}", "H2O"), ("H$_2$SO$_4$", "H_2SO_4"), ("H<sub>2</sub>O", "H_{2}O"),
        ("x_\\text{max}", "x_{max}"), ("3\\times\\text{a}", "3\\times a"), ("B\\text{ or }C", "B or C"),
        ("\\left(1,2\\right)", "(1,2)"), ("**B** green", "B green"), ("*A* and *B*", "A and B"), ('"Red" ions',
        "Red ions"),
        ('Schr\\"odinger', "Schr\u00f6dinger"), ("Poincar\\'{e}", "Poincar\u00e9"), ("_water_", "water"), ("**B",
        "B"), ("B**", "B"),
    ],
)  # fmt: skip
def test_what_is_left(dressed, plain):
    assert remove_markup(dressed) == plain


PIECES = [
    "B", "no", "CC", "12", " ", "\n", ".", ",", "{", "}", "\\text{", "\\bf ", "\\frac{", "$", "\\(", "\\)", "\\[",
    "\\]", "**", "*",
    "__", "_", "`", '"', "'", "(", ")", "[", "]", "answer is ", "Answer: ", "option ", "\\,", "~", "^", "<b>",
    "</b>", "\\color{",
    "\u201c", "\u201d", "\uff22", "\\pi", "\\right.",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_is_stripped_twice_is_stripped_once(text):
    once = strip_markup(text)
    assert strip_markup(once) == once


@given(st.text())
def test_any_text_has_a_plain_one(text):
    assert len(remove_markup(text)) <= 4 * len(text)


@pytest.mark.parametrize(
    "piece", [*PIECES, "\\text{\\text{", '"answer: ', "\\", "&", "<b a=", "** a", " *b", " _b", "a~", "[[", "\"'"]
)
def test_the_time_is_linear_in_the_length(piece):
    """50 ms per 10 kB at most, for a collapsed policy that writes one piece again and again, closed or not."""
    text = piece * (100_000 // len(piece))
    for hostile in (text, text + "}" * len(text)):
        start = time.process_time()
        remove_markup(hostile)
        assert time.process_time() - start < 0.05 * len(hostile) / 10_000
