from __future__ import annotations

from openrft.bench.baselines import RULES, baselines_of
from openrft.sample import Sample
from openrft.task import Task


def choice(question: str, answer: str, *options: str) -> Sample:
    return Sample(question, answer, options)


def test_majority_letter_and_option_lengths_by_hand() -> None:
    train = (choice("a", "B", "x", "y"), choice("b", "B", "x", "y"), choice("c", "A", "x", "y"))
    test = (choice("d", "B", "xxx", "y"), choice("e", "A", "x", "y"), choice("f", "B", "x", "yy"))
    found = {b.name: b for b in baselines_of(Task("toy", train, test))}
    assert found["majority answer"].items == {test[0].id: True, test[1].id: False, test[2].id: True}
    # Longest: A (wrong), A (a tie goes to the first, right), B (right).
    assert found["longest option"].items == {test[0].id: False, test[1].id: True, test[2].id: True}
    assert found["shortest option"].accuracy == 2 / 3


def test_a_tie_of_letters_goes_to_the_first() -> None:
    train = (choice("a", "B", "x", "y"), choice("b", "A", "x", "y"))
    test = (choice("c", "A", "x", "y"),)
    assert RULES["majority answer"](Task("toy", train, test)) == {test[0].id: True}


def test_questions_without_options_have_a_majority_only() -> None:
    train = (Sample("p", "Yes", kind="boolean"), Sample("q", "Yes", kind="boolean"), Sample("r", "4", kind="number"))
    test = (Sample("s", "Yes", kind="boolean"), Sample("t", "5", kind="number"), Sample("u", "iron", kind="text"))
    found = baselines_of(Task("toy", train, test))
    assert [b.name for b in found] == ["majority answer"]
    assert found[0].items == {test[0].id: True, test[1].id: False, test[2].id: False}
