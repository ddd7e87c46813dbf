"""Questions that ask for the false option: there, calling an option wrong confirms it."""

from __future__ import annotations

import pytest

from tests.grading.both_readings import METALS, read

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
    "completion",
    [
        "\\boxed{B}\n\nThat's wrong. Let me think.",
        "Hmm, the answer B is wrong.",
        "\\boxed{B}\n\nHmm, the answer B is wrong.",
    ],
)
def test_an_answer_called_wrong_is_taken_back_where_the_false_option_is_asked_too(completion):
    assert read("choice", completion, METALS, FALSE_ASKED[0]) == (None, None)


@pytest.mark.parametrize(
    "question",
    [
        "Which is a common misconception?",
        "Which statement is a myth?",
        "With which claim would a chemist disagree?",
        "Which claim contains an error?",
        "Which of these cannot be concluded?",
        "Which claim contradicts the text?",
        "Which claim is the LEAST accurate?",
        "Which metal doesn't belong here?",
        "Which is NOT a metal?",
        "Iron is heavy. Which statement is unsupported?",
    ],
)
def test_questions_that_ask_for_the_false_option(question):
    assert read("choice", "\\boxed{B} is false.", METALS, question) == ("B", "B")
    assert read("choice", "The incorrect option is B.", METALS, question) == (None, "B")


@pytest.mark.parametrize(
    "question",
    ["A scale shows a wrong value. Which metal is densest?", "Is it true or false?", "Which metal is least dense?"],
)
def test_questions_that_do_not_ask_for_the_false_option(question):
    assert read("choice", "\\boxed{B} is false.", METALS, question) == (None, None)
