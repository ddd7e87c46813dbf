"""Answers that the words around them or behind them take back, and those that only seem to be taken back."""

from __future__ import annotations

import pytest

import openrft
from openrft import Sample

GOLD = {"choice": "A", "boolean": "Yes", "number": "1", "expression": "1", "text": "?"}
METALS = ("iron", "osmium", "lead", "gold")


def read(kind, completion, options=(), question="q"):
    grade = openrft.grade(Sample(question, GOLD[kind], tuple(options), kind), completion)
    return grade.answer, (grade.lenient or grade).answer


@pytest.mark.parametrize(
    "tail",
    [
        "Apologies, the above answer is incorrect. The correct answer is B.",
        "My previous answer is incorrect.",
        "The boxed answer is not right.",
        "Revised answer: B",
        "Updated final answer: **B**",
        "Edit: B is correct, not D.",
        "Strike that, B.",
        "**Correction**\n\nThe densest is osmium.",
        "Let me recheck: osmium is 22.6, gold is 19.3. Therefore the answer is B.",
        "So the final answer is B.",
    ],
)
def test_a_later_answer_takes_a_boxed_one_back(tail):
    strict, lenient = read("choice", f"\\boxed{{D}}\n\n{tail}", METALS)
    assert (strict, lenient) in [(None, None), (None, "B")]


@pytest.mark.parametrize(
    "tail",
    [
        "The correct answer is D.",
        "Let me recheck: gold is 19.3.",
        "Recheck B: osmium is 22.6, which is higher.",
        "Hold on, osmium? It is not.",
        "The wrong answer is B.",
        "A common wrong answer is B.",
        "If osmium were cheaper, the answer would be B.",
        "Option B is not correct.",
        "Hold on to this rule.",
        "Question: Which is lightest?\nAnswer: A",
        "Upon reflection this is clear.",
        "I realize that many would choose B.",
        "Edit: typo mended.",
        "Final answer: D) gold",
    ],
)
def test_remarks_behind_a_box_do_not_take_it_back(tail):
    assert read("choice", f"\\boxed{{D}}\n\n{tail}", METALS) == ("D", "D")


@pytest.mark.parametrize(
    "tail",
    [
        "Actually 43.",
        "No wait, 43.",
        "Sorry, 43.",
        "The above is wrong.",
        "So the final answer is 43.",
        "**Final Answer: 43**",
        "Revised: 43",
        "Oops, 43.",
        "Hold on. 43.",
        "The corrected answer is 43.",
        "Edit: the answer is 43.",
    ],
)
def test_a_later_number_takes_a_boxed_one_back(tail):
    strict, lenient = read("number", f"We get \\boxed{{42}}\n\n{tail}")
    assert (strict, lenient) in [(None, None), (None, "43")]


@pytest.mark.parametrize(
    "tail",
    [
        "The answer is 42.",
        "**Final Answer: 42 apples**",
        "The answer is 42.0 exactly.",
        "Check: 42 / 7 = 6.",
        "Actually 7 of them are green.",
        "There are 43 pears, too.",
        "The wrong answer is 43.",
        "Let me double-check: 6 × 7 = 42.",
        "If it were 44, the answer is 43.",
        "The answer is 42, since 6 × 7 = 42.",
        "Recheck: 2(42) + 3 = 87 ✓",
        "Let me re-check this: 42/6 = 7. ✓",
        "On review, 42 + 1 = 43, as required.",
        "**Checking the answer:** 2 × 42 = 84",
        "Verification of the final answer: 2 × 42 = 84",
        "Substituting the answer: 2 × 42 = 84",
        "We can verify the answer: 2 × 42 = 84",
        "The answer is reasonable since 6 × 7 is about 40.",
        "The answer is close to 40.",
        "The final answer is roughly 40.",
        "Rounded to the nearest ten, the answer is 40.",
        "A common mistake is to forget zero, in which case the answer is 41.",
        "Note that for 8 boxes the answer is 56.",
        "Follow-up: What about 8 boxes? Answer: 56",
        "Twice the answer is 84.",
        "Final answer: 42 kg",
        "Alternatively: 84/2 = 42.",
        "Updated 2024.",
        "The previous answer was wrong because of a sign; this one is right.",
        "Thus ab = 42.",
    ],
)
def test_numbers_behind_a_box_do_not_take_it_back(tail):
    assert read("number", f"We get \\boxed{{42}}\n\n{tail}") == ("42", "42")


def test_another_unit_behind_a_box_is_the_same_answer():
    for tail in ("In hours, the answer is 1.5 hours.", "Final answer: 1.5 hours", "In degrees, the answer is 60°."):
        assert read("number", f"\\boxed{{90}} minutes.\n\n{tail}")[0] == "90"
    assert read("number", "\\boxed{90}\n\nFinal answer: 91") == (None, None)
    assert read("number", "\\boxed{90} minutes\n\nRevised answer: 91")[0] is None


@pytest.mark.parametrize(
    ("kind", "answer", "tail"),
    [
        ("boolean", "No", "Upon review, the reasoning is correct."),
        ("boolean", "No", "So the answer is correct as verified."),
        ("boolean", "No", "The final answer is correct."),
        ("text", "mercury", "Final answer: the element mercury"),
        ("text", "mercury", "Upon review, mercury is liquid."),
        ("text", "mercury", "Revised answer: mercury (Hg)"),
        ("expression", "x+1", "The final answer is the line with slope 1."),
    ],
)
def test_a_remark_behind_a_box_is_no_other_answer(kind, answer, tail):
    assert read(kind, f"\\boxed{{{answer}}}\n\n{tail}") == (answer, answer)


@pytest.mark.parametrize(
    ("kind", "answer", "tail", "other"),
    [
        ("boolean", "No", "Oops, yes.", "Yes"),
        ("boolean", "No", "Final answer: Yes", None),
        ("text", "mercury", "Revised answer: bromine", "bromine"),
    ],
)
def test_another_answer_behind_a_box_takes_it_back(kind, answer, tail, other):
    assert read(kind, f"\\boxed{{{answer}}}\n\n{tail}") == (None, other)


def test_a_rounding_behind_a_box_is_the_same_answer():
    assert read("number", "\\boxed{\\frac{1}{3}}\n\nThe answer is about 0.33.")[0] is not None
    assert read("expression", "\\boxed{x^2-1}\n\nThe answer is (x-1)(x+1).")[0] == "x^2-1"
    assert read("text", "\\boxed{Paris}\n\nThe answer is the capital of France.") == ("Paris", "Paris")


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{B} is wrong.",
        "\\boxed{B} is incorrect, so it must be D.",
        "The answer is not \\boxed{B}.",
        "It cannot be \\boxed{B}.",
        "All except \\boxed{B}.",
        "We rule out \\boxed{B}.",
        "\\boxed{B} (incorrect)",
        "\\boxed{B} ← wrong",
        "e.g. \\boxed{B}",
        "$\\boxed{B}$ is not the answer.",
    ],
)
def test_a_box_that_is_denied_gives_no_answer(completion):
    assert read("choice", completion, METALS)[0] is None


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{B}, not D",
        "\\boxed{B} is right, D is wrong.",
        "Here is the answer in the asked format: \\boxed{B}",
        "\\boxed{B}. It is not lead.",
        "Not lead: \\boxed{B}",
        "The answer is \\boxed{B}, not \\boxed{D}.",
        "Wait, \\boxed{A} was wrong; it's \\boxed{B}",
        "- \\boxed{B}",
        "\\boxed{B} (osmium)",
    ],
)
def test_a_box_beside_a_denial_of_others_counts(completion):
    assert read("choice", completion, METALS) == ("B", "B")


@pytest.mark.parametrize(
    "completion",
    [
        "$\\boxed{42} \\times 10^3$",
        "\\boxed{42}^{2}",
        "\\frac{\\boxed{42}}{5}",
        "2 \\cdot \\boxed{42}",
        "-\\boxed{42}",
        "\\sqrt{\\boxed{42}}",
        "x \\ne \\boxed{42}",
        "less than \\boxed{42}.",
        "\\boxed{42} + 1",
        "\\boxed{42} and 43",
    ],
)
def test_a_box_inside_a_formula_is_not_the_number(completion):
    assert read("number", completion)[0] is None


@pytest.mark.parametrize(
    "completion",
    [
        "6 \\times 7 = \\boxed{42}",
        "\\boxed{42}^\\circ",
        "\\boxed{42} \\text{ cm}^2",
        "- \\boxed{42}",
        "\\boxed{42} = 6 \\cdot 7",
        "The angle is $\\boxed{42}$, and the side is 3 cm.",
        "\\boxed{42}, 6 in each of 7 crates",
        "\\[\\boxed{42}\\]",
        "**\\boxed{42}** is the answer",
        "\\boxed{42}\n- 6 crates\n- 7 apples",
    ],
)
def test_a_box_behind_a_formula_is_the_number(completion):
    assert read("number", completion) == ("42", "42")


@pytest.mark.parametrize(
    "completion",
    [
        "The answer is B, which is wrong.",
        "The answer is B (excluded).",
        "The typical answer is B.",
        "\\boxed{\\text{B: no}}",
        "\\boxed{\\text{B (eliminated)}}",
        "The answer is B, but that is a misconception.",
    ],
)
def test_an_option_called_wrong_is_no_answer(completion):
    assert read("choice", completion, METALS)[0] is None


@pytest.mark.parametrize(
    "completion",
    [
        "The answer is B, which is densest.",
        "Answer: B. A common mistake is iron.",
        "Answer: B. osmium, which is not reactive.",
        "The answer is B) osmium, which isn't a common metal but a rare one.",
        "Answer: B, excluded from the light metals.",
        "The answer is B, no other metal fits.",
    ],
)
def test_an_option_with_a_remark_is_an_answer(completion):
    assert read("choice", completion, METALS)[0] == "B"


FALSE_ASKED = ("Which statement is incorrect?", "All of the following are true EXCEPT:", "Which one is NOT true?")


@pytest.mark.parametrize("question", FALSE_ASKED)
@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{B}\n\nOption B is incorrect because osmium is dense.",
        "Answer: **B**\n\n- A is correct.\n- B is incorrect.",
        "The answer is B. That is wrong because osmium is dense.",
        "Answer: B (incorrect statement)",
        "\\boxed{B} is false.",
    ],
)
def test_where_the_false_option_is_asked_calling_it_false_confirms_it(question, completion):
    assert read("choice", completion, METALS, question) == ("B", "B")
    assert read("choice", completion.replace("(incorrect statement)", "is incorrect"), METALS)[0] is None


@pytest.mark.parametrize("sentence", ["The incorrect statement is B.", "The statement that is NOT true is B."])
def test_the_false_statement_is_named(sentence):
    assert read("choice", sentence, METALS, FALSE_ASKED[0]) == (None, "B")
    assert read("choice", sentence, METALS) == (None, None)


def test_a_retraction_takes_back_where_the_false_option_is_asked_too():
    assert read("choice", "\\boxed{B}\n\nScratch that. The answer is C.", METALS, FALSE_ASKED[0]) == (None, "C")


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("Answer: I... don't know", None),
        ("Answer: I, as an AI, can't say.", None),
        ("Answer: I - an AI - cannot know.", None),
        ("Answer: I", "I"),
        ("Answer: I, fluorine", "I"),
        ("Answer: I. It is the lightest halogen.", "I"),
    ],
)
def test_the_author_is_not_the_ninth_option(completion, answer):
    options = ("hydrogen", "helium", "lithium", "beryllium", "boron", "carbon", "nitrogen", "oxygen", "fluorine")
    assert read("choice", completion, options)[0] == answer


@pytest.mark.parametrize(
    "completion",
    [
        "Answer: osmium. Correction: iridium.",
        "Answer: osmium. That's wrong.",
        "Answer: osmium. Sorry, I meant iridium.",
        "Answer: osmium\nAlternatively: iridium",
        "\\boxed{\\text{osmium (incorrect)}}",
        "\\boxed{\\text{osmium which is wrong}}",
        "\\boxed{\\text{osmium; Iridium; Gold}}",
        "Answer: osmium. Iridium. Gold. Platinum.",
        "Answer: osmium. Iridium is right too.",
        "Answer: osmium. Both are correct.",
        "Answer: osmium because it is dense. Wait, iridium.",
        "Answer: osmium, which is wrong.",
        "Answer: osmium. I mean iridium.",
    ],
)
def test_a_text_that_is_taken_back_is_not_right(completion):
    sample = Sample("q", "osmium", (), "text")
    assert openrft.grade(sample, completion).correct is False


@pytest.mark.parametrize(
    "completion",
    [
        "The answer is osmium, the densest element.",
        "The answer is osmium, not iridium.",
        "Answer: osmium rather than iridium.",
        "**Answer**: **osmium**, a metal of the platinum group.",
        "\\boxed{\\text{osmium (Os)}}",
        "Answer: osmium (not iridium)",
        "Answer: osmium. It is dense.",
        "Answer: osmium – the densest metal",
        "Answer: osmium, which is dense.",
        "Answer: osmium, because it can be measured at room temperature.",
        "Answer: osmium, which may be toxic",
        "Answer: osmium, since its atoms are packed instead of spread",
        "Answer: osmium because the other answers are incorrect",
        "Answer: osmium because iridium is wrong",
        "Answer: osmium. It is dense. Thank you.",
        "Answer: osmium. Hope this helps. Good luck.",
        "Answer: osmium – the metal – of platinum ores",
        "Answer: osmium. Both sources agree.",
        "Answer: osmium. There is no second answer.",
        "Answer: osmium. I mean this literally.",
    ],
)
def test_a_text_with_an_apposition_is_right(completion):
    assert openrft.grade(Sample("q", "osmium", (), "text"), completion).correct is True


def test_a_second_name_is_no_apposition():
    sample = Sample("q", "The Beatles", (), "text")
    assert openrft.grade(sample, "Answer: The Beatles, the Rolling Stones").correct is False
    assert openrft.grade(sample, "Answer: The Beatles, the band from Liverpool").correct is True


@pytest.mark.parametrize(("completion", "answer"), [("Answer: lead-free", None), ("Answer: lead - soft", "C")])
def test_an_option_inside_a_longer_word_is_not_named(completion, answer):
    assert read("choice", completion, METALS)[0] == answer


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("The answer is B\nC", None),
        ("Answer: A) iron\nB) osmium\nC) lead", None),
        ("Answer: B\n\nA) iron is light", "B"),
        ("Answer: B) osmium\nA is lighter.", "B"),
    ],
)
def test_an_option_alone_on_the_next_line_is_a_second_answer(completion, answer):
    assert read("choice", completion, METALS)[0] == answer
