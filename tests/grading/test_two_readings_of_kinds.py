"""Yes and no, numbers and texts: which forms of an answer each reading takes, and which answers are none in either."""

from __future__ import annotations

import pytest

from openrft.grading.grade import grade
from openrft.types import Sample

ASSERTION = Sample("Is it so?", "No", kind="boolean")
COUNT = Sample("How many?", "42", kind="number")
CAPITAL = Sample("Which city?", "Lima", kind="text")


def read(sample, completion):
    """The answers of the strict and of the lenient reading."""
    verdict = grade(sample, completion)
    return verdict.answer, (verdict.lenient or verdict).answer


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{No}", "\\boxed{no.}", "\\boxed{False}", "\\boxed{\\text{No}}", "\\boxed{No, because it is not}",
        "\\boxed{F}",
        "\\boxed{Not true}", "\\boxed{The statement is false}", "\\boxed{It is not true}", "\\boxed{Incorrect}",
        "\\boxed{It is false.}", "\\boxed{The statement is incorrect}", "\\boxed{Wrong}", "\\boxed{That is wrong}",
        "\\boxed{False, because the mass is conserved}", "The answer is No.", "The answer is: False", "Answer: no",
        "Answer: No, it is not.", "\\boxed{Nein}", "\\boxed{否}", "\\boxed{нет}", "\\boxed{It isn't true}",
        "\\boxed{Untrue}",
        "Answer: No\nThis answer is based on the law.", "\\boxed{The claim is not correct}", "\\boxed{NO}",
        "\\boxed{No, the true value is 3}", "\\boxed{It does not hold}", "\\boxed{That's incorrect.}",
        "\\boxed{\\neg\\text{x}} \\boxed{No}",
    ],
)  # fmt: skip
def test_no_is_read_strictly(completion):
    assert read(ASSERTION, completion) == ("No", "No")


@pytest.mark.parametrize(
    "completion",
    [
        "No", "No.", "no", "**No**", "False", "No, because it is not.", "No, it is not.",
        "The statement is false.", "Not true.",
        "It is false.", "It is not true.", "Incorrect.", "That's wrong.", "<answer>No</answer>", "#### No",
        '{"answer": "No"}',
        '{"answer": false}', "Final Answer\nNo", "\\fbox{No}", "Therefore, the statement is false.", "So no.",
        "So it is false.",
        "The statement is incorrect because mass is conserved.", "Mass is conserved.\nNo", "No\n\nMass is conserved.",
        "Mass is conserved, so the statement is false.", "I think it is false.", "Nein",
        "Nein, das stimmt nicht.", "Non", "non.",
        "нет", "Нет.", "否", "不是", "いいえ", "아니요", "لا", "नहीं", "Hayır", "Nie", "Nee", "Não", "错误",
        "错", "Falso", "Faux", "Falsch",
        "答案是否", "答案：否", "Antwort: Nein", "Réponse : non", "Respuesta: no", "Ответ: нет", "Cevap: Hayır",
        "答えはいいえ", "정답: 아니요",
        "Definitely not.", "Nope", "Not at all.", "This is a false statement.", "True or false? False.",
        "Das ist falsch.", "C'est faux.",
        "Es falso.", "Das ist nicht wahr.", "La afirmación es falsa.", "这个说法是错误的。",
        "Утверждение неверно", "Pas vrai", "È falso",
        "Therefore, it is not true.", "So the claim does not hold.", "I'd say no.", "Is it true? No.",
        'The claim "a is b" is false.',
        "The correct answer would be False", "I choose False", "いいえです", "不对。",
    ],
)  # fmt: skip
def test_no_is_read_leniently(completion):
    assert read(ASSERTION, completion)[1] == "No"


@pytest.mark.parametrize(
    "completion",
    [
        "Yes", "True", "Correct", "Correct.", "That's right.", "It is true.", "The statement is true.", "Right",
        "Ja", "Oui", "Sí", "sim",
        "да", "是", "对", "正确", "はい", "예", "네", "نعم", "हाँ", "Evet", "Tak", "It holds.",
        "The statement is correct", "True, since it holds",
        "That is correct.", "The claim is valid", "Not false", "Y", "T",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["%s", "\\boxed{%s}", "The answer is %s", "<answer>%s</answer>"])
def test_yes(completion, form):
    assert read(ASSERTION, form % completion)[1] == "Yes"


@pytest.mark.parametrize(
    "answer",
    [
        "No way to tell", "No doubt", "yes and no", "Yes or no", "Yes/No", "True or false", "No idea", "maybe",
        "No. Or yes", "Yes, no",
        "neither", "True is wrong", "unknown", "It depends", "Yes, but also no", "No data", "Not sure",
        "No? Yes?", "true and false",
        "Yes if it is hot", "No one knows", "No answer", "No, wait, yes", "sometimes", "Perhaps yes", "True value",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["%s", "\\boxed{%s}", "The answer is %s"])
def test_what_is_neither_yes_nor_no(answer, form):
    assert read(ASSERTION, form % answer) == (None, None)


@pytest.mark.parametrize(
    "completion",
    [
        "42", "42.", "**42**", "$42$", "#### 42", "6 * 7 = 42", "So 6 * 7 = 42", "The total is 42.",
        "<answer>42</answer>",
        '{"answer": 42}', '{"answer": "42"}', "Final Answer\n42", "\\fbox{42}", "First six, then seven.\n\n42",
        "Therefore, there are 42 apples.", "Antwort: 42", "答案是42", "答えは42です", "Réponse : 42",
        "La respuesta es 42.",
        "It is 42.", "x = 42", "I get 42", "= 42", "There are 42.", "42\n\nBecause six times seven.",
        "Result: 42", "The result is 42.",
        "It costs $42.", "$$x=42$$", "Hence\n\\[\n42\n\\]", "forty-two", "40 + 2 = 42", "42 apples",
        "42\n\nI hope this helps!",
        "#### 42 apples", "答：42", "We get 6 and 7. So 42.", "We multiply.\nSo we get 42.",
        "We multiply.\nThe total is 42.\nI hope this helps!",
        "**Final Answer:**\n\n$42$", "Total: 42",
    ],
)  # fmt: skip
def test_numbers_are_read_leniently(completion):
    assert read(COUNT, completion)[1] == "42" or grade(COUNT, completion).lenient.correct


@pytest.mark.parametrize(
    "answer",
    ["42 or 43", "5-42", "40, 42", "not 42", "> 42", "CO42", "42?", "maybe 42 or 43", "between 41 and 42", "unknown"],
)
@pytest.mark.parametrize("form", ["%s", "\\boxed{%s}", "The answer is %s", "#### %s", "<answer>%s</answer>"])
def test_hedged_numbers_are_never_right(answer, form):
    verdict = grade(COUNT, form % answer)
    assert not verdict.correct
    assert not (verdict.lenient or verdict).correct


@pytest.mark.parametrize(
    "completion",
    [
        "Lima", "Lima.", "**Lima**", "It is Lima.", "The city is Lima.", "#### Lima", "<answer>Lima</answer>",
        '{"answer": "Lima"}',
        "Final Answer\nLima", "Think of Peru.\n\nLima", "Think of Peru.\nTherefore, the city is Lima.",
        "Antwort: Lima", "答案是Lima",
        "\\fbox{Lima}", "La respuesta es Lima.", "La ville est Lima.", "Lima is the capital.",
        "I think it's Lima.", "Lima\n\nLima is in Peru.", "Lima. It is in Peru.", "- Lima", "The city: Lima",
        "The answer would be Lima.", "\\framebox{Lima}", "```\nLima\n```", "```text\nLima\n```",
    ],
)  # fmt: skip
def test_texts_are_read_leniently(completion):
    verdict = grade(CAPITAL, completion)
    assert verdict.answer is None
    assert verdict.lenient is not None
    assert verdict.lenient.correct


@pytest.mark.parametrize(
    "completion", ["It is not Lima.", "Lima or Quito", "The city is not Lima.", "Quito", "Is it Lima?"]
)
def test_other_texts_are_not_right(completion):
    verdict = grade(CAPITAL, completion)
    assert not (verdict.lenient or verdict).correct
