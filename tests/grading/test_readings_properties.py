"""Answers in generated forms: read as themselves in the reading that should, and never as anything else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.grading.grade import grade
from openrft.types import LETTERS, Sample
from tests.grading.hostile import FRAGMENTS

OPTIONS = ("iron", "osmium", "lead", "gold", "silver")
letters = st.sampled_from(LETTERS[: len(OPTIONS)])
dresses = st.sampled_from(
    [
        "%s",
        "(%s)",
        "[%s]",
        "**%s**",
        "\\text{%s}",
        "\\textbf{(%s)}",
        "$%s$",
        "`%s`",
        "{\\bf %s}",
        "\\mathrm{%s.}",
        " %s ",
        "“%s”",
    ]
)
texts = st.sampled_from(
    ["", " {text}", ") {text}", ". {text}", ": {text}", " ({text})", " - {text}", ", because it fits"]
)
strict_forms = st.sampled_from(
    [
        "\\boxed{%s}",
        "so\n\\boxed{%s}\n",
        "$\\boxed{%s}$",
        "The answer is %s",
        "Final answer: %s",
        "**Answer:** %s",
        "Answer: %s\nDone.",
    ]
)
lenient_forms = st.sampled_from(
    ["%s", "<answer>%s</answer>", "#### %s", "\\fbox{%s}", "Final Answer\n%s", "I choose %s",
     "The correct option is %s", "Reasons.\n\n%s", "Therefore, %s", "答案是%s", "Antwort: %s"]
)  # fmt: skip
tails = st.sampled_from(
    [
        "",
        "\nI hope this helps!",
        "\nOption {other} is wrong.",
        "\nIt is not {other}.",
        "\n\nNote that {other} is lighter.",
    ]
)
KINDS = {
    "choice": Sample("q", "B", OPTIONS),
    "boolean": Sample("q", "No", kind="boolean"),
    "number": Sample("q", "42", kind="number"),
    "text": Sample("q", "osmium", kind="text"),
}


def write(letter, dress, text):
    """The option with this letter, written with its text or without."""
    named = dress.replace("%s", letter)
    return named + text.format(text=OPTIONS[LETTERS.index(letter)])


def other_than(letter):
    return LETTERS[(LETTERS.index(letter) + 1) % len(OPTIONS)]


@given(letters, letters, dresses, texts, strict_forms, tails)
def test_a_choice_in_the_asked_form_is_itself_in_both_readings(gold, said, dress, text, form, tail):
    completion = form.replace("%s", write(said, dress, text)) + tail.format(other=other_than(said))
    verdict = grade(Sample("q", gold, OPTIONS), completion)
    assert verdict.answer == said
    assert verdict.correct is (said == gold)
    assert verdict.lenient is None


@given(letters, letters, dresses, texts, lenient_forms)
def test_a_choice_in_another_form_is_itself_in_the_lenient_reading(gold, said, dress, text, form):
    verdict = grade(Sample("q", gold, OPTIONS), form.replace("%s", write(said, dress, text)))
    assert verdict.answer is None
    assert verdict.lenient is not None
    assert verdict.lenient.answer == said
    assert verdict.lenient.correct is (said == gold)


@given(
    letters,
    letters,
    st.sampled_from([" or ", " and ", "/", ", ", " or maybe ", " & "]),
    dresses,
    strict_forms | lenient_forms,
)
def test_two_options_are_never_right(first, second, joint, dress, form):
    said = joint.join((dress.replace("%s", first), dress.replace("%s", second)))
    verdict = grade(Sample("q", first, OPTIONS), form.replace("%s", said))
    if first != second:
        assert not verdict.correct
        assert not (verdict.lenient or verdict).correct


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=10).map(" ".join), st.sampled_from([*KINDS]))
def test_what_strict_reads_lenient_reads_the_same_way(completion, kind):
    verdict = grade(KINDS[kind], completion)
    assert verdict.answer is None or verdict.lenient is None
    unfinished = grade(KINDS[kind], "<think>" + completion.replace("</", "<"))
    assert (unfinished.lenient or unfinished).answer is None


@given(
    st.text(),
    st.sampled_from([*KINDS]),
    st.sampled_from(["\\boxed{%s}", "The answer is %s", "%s", "<answer>%s</answer>"]),
)
def test_no_text_is_a_fault(text, kind, form):
    grade(KINDS[kind], form.replace("%s", text))


PIECES = [
    *("\\boxed{", "\\boxed{}", "<think>", "**", "answer is ", "answer: ", "A or ", "A, ", "a,", "not A, ", "<answer>"),
    *("#### B\n", '{"answer": "', "Final Answer\n", "I choose ", "答案是", "Antwort ist ", "yes, no, ", "it is true "),
    *(
        "Wait, no, ",
        "so B ",
        "B is correct. ",
        "iron or ",
        "because ",
        "\n",
        " ",
        "? ",
        "B) ",
        "or maybe ",
        "the statement ",
    ),
    *("could be ", "(", "[", "=", "es ist "),
]


def seconds(sample, completion):
    start = time.process_time()
    grade(sample, completion)
    return time.process_time() - start


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["%s", "\\boxed{B %s}"])
def test_time_grows_with_the_length_and_no_faster(kind, form):
    """50 ms per 10 kB at 100 kB, and twice the text takes at most about twice the time; the least of three tries."""
    for piece in PIECES:
        half, whole = (form.replace("%s", piece * (size // len(piece))) for size in (50_000, 100_000))
        for _ in range(3):
            long = seconds(KINDS[kind], whole)
            if long <= 0.5 and (long < 0.1 or long <= 2.5 * seconds(KINDS[kind], half) + 0.02):
                break
        else:
            raise AssertionError(f"{piece!r} takes {long:.2f} s")
