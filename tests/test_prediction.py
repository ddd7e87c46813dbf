"""One answer from several completions, by hand."""

from __future__ import annotations

import pytest

from openrft import Completion, Sample
from openrft.prediction import choose_answer

METALS = Sample("Which is densest?", "B", ("iron", "osmium", "lead"))
AMOUNT = Sample("How much?", "0.5", kind="number")


def group(*texts: str) -> list[Completion]:
    return [Completion(text, tokens=(1, 2)) for text in texts]


def test_most_completions_decide():
    found = choose_answer(METALS, group("\\boxed{A}", "x\n\\boxed{B}", "no idea", "\\boxed{B}"), labelled=True)
    assert (found.answer, found.agreement, found.unread, found.completions) == ("B", 0.5, 1, 4)
    assert found.reasoning == "x\n\\boxed{B}"
    assert found.tokens == 8
    assert found.grade is not None
    assert found.grade.correct


def test_of_equally_frequent_answers_the_first_counts():
    assert choose_answer(METALS, group("\\boxed{C}", "\\boxed{A}"), labelled=False).answer == "C"


def test_equal_numbers_count_together_however_they_are_written():
    found = choose_answer(AMOUNT, group("\\boxed{3}", "\\boxed{1/2}", "\\boxed{0.5}"), labelled=True)
    assert (found.answer, found.agreement) == ("1/2", pytest.approx(2 / 3))
    assert found.grade is not None
    assert found.grade.correct


def test_without_a_label_nothing_is_graded():
    assert choose_answer(AMOUNT, group("\\boxed{3}"), labelled=False).grade is None


def test_nothing_readable_is_no_answer():
    found = choose_answer(METALS, group("hm", ""), labelled=True)
    assert (found.answer, found.agreement, found.unread) == (None, 0.0, 2)
    assert found.grade is not None
    assert found.grade.correct is False


def test_a_server_that_failed_gave_no_answer():
    failed = Completion("", finish_reason="error", error="503 overloaded")
    found = choose_answer(METALS, [failed, failed], labelled=False)
    assert (found.answer, found.completions, found.error) == (None, 0, "503 overloaded")
    half = choose_answer(METALS, [failed, *group("\\boxed{B}")], labelled=False)
    assert (half.answer, half.agreement, half.error) == ("B", 0.5, "")


def test_the_largest_sum_of_weights_or_the_highest_one_decides():
    texts = group("\\boxed{A}", "no idea", "\\boxed{B}", "\\boxed{B}")
    weighted = choose_answer(METALS, texts, False, weights=[0.5, 9.0, 0.2, 0.2])
    assert (weighted.answer, weighted.agreement) == ("A", 0.25)
    best = choose_answer(METALS, texts, False, weights=[0.5, 0.1, 0.2, 0.6], rule="best")
    assert (best.answer, best.agreement, best.reasoning) == ("B", 0.5, "\\boxed{B}")
    unread = choose_answer(METALS, texts, False, weights=[0.5, 9.0, 0.2, 0.2], rule="best")
    assert (unread.answer, unread.agreement, unread.reasoning) == (None, 0.0, "no idea")
    failed = Completion("", finish_reason="error", error="503 overloaded")  # it has no weight
    assert choose_answer(METALS, [failed, *group("\\boxed{B}", "\\boxed{C}")], False, weights=[0.1, 0.3]).answer == "C"
