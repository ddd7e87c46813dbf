"""Sentences that do not give an answer, signs that change it, and remarks that do not take it back."""

from __future__ import annotations

import pytest

import openrft
from openrft import Sample

METALS = ("iron", "osmium", "lead", "gold")


def read(kind, answer, completion, options=()):
    grade = openrft.grade(Sample("q", answer, tuple(options), kind), completion)
    return grade.correct, (grade.lenient or grade).correct


@pytest.mark.parametrize(
    "sentence",
    [
        "I don't think the answer is {}.",
        "I doubt the answer is {}.",
        "It is not true that the answer is {}.",
        "It would be wrong to say the answer is {}.",
        "One might think the answer is {}.",
        "Some believe that the answer is {}.",
        "Assume the answer is {}.",
        "The worst answer is {}.",
        "It is unlikely that the answer is {}.",
        "There is no proof that the answer is {}.",
        "Nobody thinks the answer is {}.",
        "At first glance the answer is {}.",
        "The second-best answer is {}.",
    ],
)
def test_an_answer_that_is_denied_or_supposed_is_not_given(sentence):
    assert read("choice", "B", sentence.format("B"), METALS) == (False, False)
    assert read("number", "12", sentence.format("12")) == (False, False)
    assert read("text", "water", sentence.format("water")) == (False, False)


def test_the_answer_beside_a_supposed_one_is_read():
    assert read("choice", "B", "One might think the answer is C, but it is B.", METALS)[1]
    assert read("choice", "B", "I doubt the answer is C. The answer is B.", METALS) == (True, True)


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no doubt that the answer is {}.",
        "At first I erred, but the answer is {}.",
        "It is likely that the answer is {}.",
        "I think the answer is {}.",
        "I would say the answer is {}.",
        "It may be surprising, but the answer is {}.",
        "I could not find a mistake, so the answer is {}.",
        "The answer is {}.\nThe answer is not 5 because of that.",
        "The answer is {}. Please let me know if this is wrong.",
        "The answer is {}.\nLet me know if I made a mistake.",
        "The answer is {}. It is a mistake to think otherwise.",
        "The answer is {}. It could also be written in another way.",
        "The answer is {}.<|im_end|>",
        "The answer is {}.</s>",
    ],
)
def test_an_answer_that_is_given_counts_beside_other_remarks(sentence):
    assert read("number", "12", sentence.format("12")) == (True, True)
    assert read("choice", "B", sentence.format("B"), METALS) == (True, True)


def test_a_later_denial_of_the_same_answer_takes_it_back():
    assert read("choice", "B", "The answer is B.\nThe answer is not B.", METALS) == (False, False)
    assert read("choice", "B", "The answer is not A.", METALS)[0] is False
    assert read("choice", "D", "Answer: Not enough information.", ("Yes", "No", "Maybe", "Not enough information"))[1]


@pytest.mark.parametrize(
    ("kind", "answer", "completion", "right"),
    [
        ("number", "1.236", r"\boxed{-1+\sqrt{5}}", True),
        ("number", "-3.236", r"\boxed{-1+\sqrt{5}}", False),
        ("expression", r"-2+\sqrt{3}", r"\boxed{-3.732}", False),
        ("number", "0.632", r"\boxed{\frac{e-1}{e}}", True),
        ("number", "0.632", r"\boxed{(e-1)/e}", True),
        ("expression", r"\frac{e-1}{e}", r"\boxed{2.350}", False),
        ("number", "-0.5", r"\boxed{minus one half}", True),
        ("number", "12", r"\boxed{12 \mathrm{~cm}}", True),
        ("text", "5 km", r"\boxed{5 \mathrm{~km}}", True),
        ("text", "α-helix", r"\boxed{\alpha\text{-helix}}", True),
        ("text", r"\{1, 2\}", r"\boxed{\{1, 2\}}", True),
        ("text", r"\{1, 2\}", r"\boxed{\{1, 3\}}", False),
        ("number", "12", "The answer is a multiple of 12.", False),
        ("number", "12", "The answer is 12. I mean 13.", False),
    ],
)
def test_signs_and_marks(kind, answer, completion, right):
    assert read(kind, answer, completion)[0] == right


def test_smiles_that_differ_in_case_are_different_molecules():
    options = ("Cc1ccccc1", "CCO")
    assert read("choice", "A", r"\boxed{CC1CCCCC1}", options) == (False, False)
    assert read("choice", "A", r"\boxed{Cc1ccccc1}", options) == (True, True)


@pytest.mark.parametrize(
    "sentence",
    [
        "This rules out option B.",
        "I reject option B.",
        "Not option B.",
        "错误答案：B",
        "不选B",
        "Falsche Antwort: B",
        "La mauvaise réponse est B.",
        "Неправильный ответ: B",
    ],
)
def test_an_option_that_is_not_meant_is_none(sentence):
    assert read("choice", "B", sentence, METALS) == (False, False)


@pytest.mark.parametrize(
    "sentence", ["答案：B", "Die Antwort ist B.", "La bonne réponse est B.", "Doğru seçenek B'dir."]
)
def test_an_option_that_is_meant_is_read_in_other_languages(sentence):
    assert read("choice", "B", sentence, METALS)[1]


@pytest.mark.parametrize(
    "sentence",
    [
        "One cannot conclude that the statement is true.",
        "I doubt that the statement is true.",
        "It is not the case that the statement is true.",
        "If it is true, then x = 1.",
        "It is unclear whether the statement is true.",
    ],
)
def test_a_statement_that_is_not_made_is_no_verdict(sentence):
    assert read("boolean", "Yes", sentence) == (False, False)


@pytest.mark.parametrize(
    "sentence",
    [
        "It does not conduct heat because it is not a metal; the statement is {}.",
        "Because some birds cannot fly, the claim is {}.",
        "If x is 2, then the statement is {}.",
        "Since it is possible to melt iron the statement is {}.",
        "It is not hard to prove that the statement is {}.",
    ],
)
def test_a_reason_may_hold_a_denial(sentence):
    assert read("boolean", "Yes", sentence.format("true"))[1]
    assert read("boolean", "No", sentence.format("false"))[1]


def test_a_negation_in_italian():
    assert read("boolean", "No", "Non è vero.")[1]
    assert not read("boolean", "Yes", "Non è vero.")[1]


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 12, not 13.",
        "The answer is 12 (not 13).",
        "The answer is 12 rather than 13.",
        "The answer is 12 instead of 13.",
        "The answer is not 13 but 12.",
        "\\boxed{12\\ \\text{not}\\ 13}",
    ],
)
def test_a_number_beside_the_one_that_is_not_meant(text):
    assert read("number", "12", text) == (True, True)
    assert read("number", "13", text) == (False, False)


@pytest.mark.parametrize(
    "text", ["The answer is 12, not 13 or 14.", "The answer is 12, not 12.", "The answer is not 12."]
)
def test_a_number_that_stays_open(text):
    assert not read("number", "12", text)[0]


@pytest.mark.parametrize(
    "remark",
    [
        "If the question asked for the largest, the answer would be D.",
        "If it had asked for the largest, the answer would have been D.",
        "Had the question been about density, it would be D.",
    ],
)
def test_the_answer_to_a_question_that_is_not_asked_is_none(remark):
    assert read("choice", "B", f"The answer is B. {remark}", METALS) == (True, True)
    assert read("choice", "D", f"The answer is B. {remark}", METALS) == (False, False)


def test_another_condition_takes_the_answer_back():
    assert read("choice", "B", "The answer is B. If we count gas, the answer would be D.", METALS) == (False, False)


def test_two_boxes_with_the_same_value_are_one_answer():
    assert read("number", "0.5", r"\boxed{\frac12} or \boxed{0.5}") == (True, True)
    assert read("expression", "x^2-1", r"\boxed{x^2-1} or \boxed{(x-1)(x+1)}") == (True, True)
    assert read("number", "7", r"\boxed{5} or \boxed{7}") == (False, False)
    assert read("number", "9", r"\boxed{5} or \boxed{7}") == (False, False)


@pytest.mark.parametrize("marks", ["\\[\n{}\n\\]", "$$\n{}\n$$", "\\[ \n{}\n\\]\nI hope this helps."])
def test_an_answer_on_lines_of_its_own(marks):
    statement = f"The final answer is:\n{marks}"
    assert read("number", "12", statement.replace("{}", "12")) == (True, True)
    assert read("expression", "x^2", statement.replace("{}", "x^2")) == (True, True)
    assert read("expression", "x^3", statement.replace("{}", "x^2")) == (False, False)
    assert not read("expression", "x^2", "The final answer is:\n\\[\nx^2\nand so on")[0]
