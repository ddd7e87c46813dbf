"""Probe answers: none is right by construction but the yardstick, whatever the question."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrft.grading.grade import Grade, grade
from openrft.rewards.probes import PROBE_KINDS, PROBES_BY_NAME, find_wrong_answer, make_probes
from openrft.tasks.prompt import box_answer, build_messages
from openrft.types import LETTERS, Sample

words = st.text(string.ascii_letters + string.digits + " .,-", min_size=1, max_size=12).filter(lambda t: t.strip())
choices = st.integers(2, 8).flatmap(
    lambda n: st.builds(
        Sample,
        question=words,
        answer=st.sampled_from(LETTERS[:n]),
        options=st.lists(words, min_size=n, max_size=n, unique_by=str.strip).map(tuple),
    )
)
booleans = st.builds(Sample, question=words, answer=st.sampled_from(["Yes", "No"]), kind=st.just("boolean"))
numbers = st.builds(Sample, question=words, answer=st.integers(-9999, 9999).map(str), kind=st.just("number"))


def probes_of(sample: Sample, *others: str, seed: int = 0) -> dict[str, str]:
    return {p.name: p.text for p in make_probes(sample, build_messages(sample), others, grade, 60, seed)}


@settings(max_examples=60, deadline=None)
@given(sample=st.one_of(choices, booleans, numbers), seed=st.integers(0, 99))
def test_no_probe_is_right_but_the_yardstick(sample, seed):
    for name, text in probes_of(sample, "3", "17", "2e5", seed=seed).items():
        if name == "echo":
            continue  # the question is not ours: it may say \boxed{...} itself
        assert grade(sample, text).correct is (PROBES_BY_NAME[name].verdict == "right"), (name, text)


@settings(max_examples=40, deadline=None)
@given(sample=choices)
def test_hedges_name_every_option_and_neither_begin_nor_end_with_the_gold_one(sample):
    texts = probes_of(sample)
    boxes = texts["all_boxed"].split("\n")
    assert {box_answer(letter) for letter in LETTERS[: len(sample.options)]} == set(boxes)
    assert box_answer(sample.answer) not in (boxes[0], boxes[-1])
    assert all(letter in texts["all_options"] for letter in LETTERS[: len(sample.options)])


def test_an_open_question_has_no_options_to_list():
    sample = Sample("How many?", "12", kind="number")
    assert set(probes_of(sample, "5")) == {k.name for k in PROBE_KINDS} - {"all_options", "all_boxed"}
    assert probes_of(sample, "5")["bare_wrong"] == "\\boxed{5}"
    assert probes_of(sample, "12.0", "12")["bare_wrong"] == "\\boxed{7919}"  # both are right, in other words


def test_without_a_wrong_answer_its_probes_are_left_out():
    sample = Sample("Say anything.", "yes", kind="text")
    assert find_wrong_answer(sample, ["no"], lambda s, text: Grade(text, True), box_answer, 0) is None
    made = make_probes(sample, build_messages(sample), ["no"], lambda s, text: Grade(text, True), 60, 0)
    assert {p.name for p in made} == {"empty", "whitespace", "opener", "echo", "bare_right"}


def test_an_answer_that_the_rule_leaves_open_is_kept_for_whoever_grades_it():
    sample = Sample("Why?", "because", kind="text")
    assert find_wrong_answer(sample, ["therefore"], lambda s, text: Grade(text, None), box_answer, 0) == "therefore"


def test_the_form_is_the_one_that_the_prompt_asks_for():
    sample = Sample("Which?", "A", ("x", "y"))
    messages = build_messages(sample, instruction="Answer with a letter alone.")
    made = {p.name: p.text for p in make_probes(sample, messages, (), grade, 60, 0)}
    assert (made["bare_wrong"], made["bare_right"]) == ("B", "A")


def test_the_very_long_answer_has_the_words_that_were_asked_for():
    sample = Sample("Which?", "A", ("x", "y"))
    for asked in (80, 800):
        made = make_probes(sample, build_messages(sample), (), grade, asked, 0)
        (text,) = (p.text for p in made if p.name == "long_wrong")
        assert len(text.split()) == pytest.approx(asked, abs=9)


def test_every_kind_says_what_it_looks_for():
    assert all(kind.why.endswith(".") and kind.label for kind in PROBE_KINDS)
    assert len(PROBES_BY_NAME) == len(PROBE_KINDS)
