"""Completions that nobody should write, drawn by seed from fragments of every kind of answer and markup."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator

from openrft.types import Sample

METALS = ("iron", "osmium", "lead", "gold")
SAMPLES = (
    Sample("q", "B", METALS),
    Sample("q", "C", ("1.5", "2", "0.2", "-0.2"), kind="choice"),
    Sample("q", "A", ("C1CCCCC1", "c1ccccc1", "CO", "Co")),
    Sample("q", "D", ("Both A and B", "None", "A", "All of the above")),
    Sample("q", "Yes", kind="boolean"),
    Sample("q", "No", kind="boolean"),
    Sample("q", "0.5", kind="number"),
    Sample("What percent?", "50%", kind="number"),
    Sample("q", "3.2e-5 mol/L", kind="number", accepted=("32 umol/L",)),
    Sample("q", "1e" + "9" * 5000, kind="number"),
    Sample("q", "9" * 5000, kind="number"),
    Sample("q", "2x+1", kind="expression"),
    Sample("q", "\\frac{\\sqrt{3}}{2}", kind="expression"),
    Sample("q", "water", kind="text", accepted=("H2O",)),
    Sample("q", "Ca^{2+}", kind="text"),
    Sample("q", "c1ccccc1", kind="text"),
    Sample("q", "It melts. Then it boils.", kind="text"),
    Sample("q", "\\boxed{", kind="text"),
    Sample("q", "", kind="text"),
)
WRAPS = (
    "\\boxed{%s}", "\\boxed{%s", "%s}", "\\boxed{\\boxed{%s}}", "The answer is %s", "The answer is %s.\n",
    "Answer: %s", "**Answer:** %s",
    "#### %s", "<answer>%s</answer>", "<answer>%s", '{"answer": "%s"}', "Final Answer\n%s", "\\fbox{%s}", "%s",
    "<think>%s", "<think>%s</think>",
    "%s</think>\\boxed{B}", "Therefore, %s is correct.", "The answer is not A, it is %s.",
    "\\boxed{%s}\nThis answer is supported.",
    "Die Antwort ist %s.", "\u7b54\u6848\u662f%s\u3002", "$$\\boxed{%s}$$", "```\n%s\n```", "answer = %s",
    "I choose %s", "Option %s",
)  # fmt: skip
FRAGMENTS = (
    *("A", "B", "b", "(B)", "B)", "[B]", "B.", "B and C", "A, B", "not A", "Yes", "ye\u017f", "No", "no doubt",
    "true", "\u0130", "osmium"),
    *("1/2", "0.5", ".5", "50%", "50\\%", "1,000", "1{,}000", "1\\,000", "3\\times10^8", "10^{-3}", "12 or 13",
    "12-13", "> 5", "-", "\u2212"),
    *("\u00bd", "\u0665", "\uff11", "\u00b2", "1e400", "1e" + "9" * 30, "9" * 400, "0x1F", "inf", "nan", "1_000",
    "5 cm", "kg", "mol/L", "\u00b5m"),
    *("2x+1", "\\sqrt{3}", "\\frac{1}{2}", "\\frac12", "\\frac{", "x^{2", "(", ")", "[", "]", "\\{", "\\}", "x = ",
    "\\pi", "\\infty", "^", "_"),
    *("water", "H_2O", "H\u2082O", "\\ce{H2O}", "Ca^{2+}", "c1ccccc1", "C(=O)O", "C[C@H](N)", "F/C=C\\F", "*CC*",
    "CO", "Co"),
    *("\\text{", "\\textbf{B}", "\\bf ", "\\left(", "\\right.", "\\,", "\\ ", "\\\\", "\\", "$", "$$", "\\(",
    "\\)", "\\[", "\\]", "~", "&", "%"),
    *("**", "*", "__", "`", "```", '"', "'", "\u201c", "\u201d", "<b>", "</b>", "<", ">", "#", "|", "{", "}",
    "\\boxed{", "\\boxed", "boxed{B}"),
    *(" ", "\n", "\n\n", "\t", "\r", "\x00", "\x1b[31m", "\u202e", "\u200b", "\ufeff", "\ud800", "\U0001f600",
    "e\u0301", "\ufdfa", "\ue000"),
    *("because", "or", "and", "not", "is", "the", "wait", "answer", "answer is ", "Answer:", "option ", "maybe",
    "both", "neither", "is correct"),
    *("<think>", "</think>", "<answer>", "</answer>", "####", '{"answer": ', "null", "<|im_end|>", "\\n", "%s",
    "{0}", "\\1", "\\g<0>", "(?"),
)  # fmt: skip
REPEATED = (  # what a collapsed policy writes again and again
    *("A, ", "B) ", "A or ", "a,", "B and C, ", "not A, ", "Yes, ", "no ", "1, ", "12 or ", "9", "1,000", "1/2 ",
    "-", "3\\times10^8 "),
    *("\\text{", "\\boxed{", "\\boxed{}", "\\frac{", "\\frac12", "\\sqrt{", "{", "}", "$", "\\(", "**", "*", "_",
    "`", '"', "'", "\"'"),
    *("answer: ", "The answer is ", "answer is not ", "because ", ". A", "<think>", "</think>", "<answer>",
    "#### ", '{"answer": "', "<b>"),
    *(" ", "\n", "\t \n", "x_{1}", "^{2+}", "Ca^{2+}", "H2O ", "C1", "[C@H](", "\u2081\u00b2", "\u03b1", "\ufdfa",
    "\ud800", "(", "[", "a-"),
)  # fmt: skip


def draw_cases(count: int, seed: int, without: Collection[str] = ()) -> Iterator[tuple[Sample, str]]:
    """`count` samples, none of the kinds `without`, each with a completion."""
    draw = random.Random(seed)
    samples = [sample for sample in SAMPLES if sample.kind not in without]
    for _ in range(count):
        yield draw.choice(samples), draw_completion(draw)


def draw_completion(draw: random.Random) -> str:
    """One to three answers in wraps, made of one to eight fragments, some of them repeated."""
    return draw.choice(("", "\n", " ", "\n\n")).join(_draw_answer(draw) for _ in range(draw.choice((1, 1, 1, 2, 3))))


def _draw_answer(draw: random.Random) -> str:
    parts = [
        draw.choice(FRAGMENTS) * draw.choice((1, 1, 1, 1, 1, 2, 9)) for _ in range(draw.choice((1, 1, 2, 3, 5, 8)))
    ]
    return draw.choice(WRAPS).replace("%s", draw.choice(("", "", " ")).join(parts))
