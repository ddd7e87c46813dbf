from __future__ import annotations

from openrft.bench.baselines import RULES
from openrft.bench.surface import best_rule
from openrft.sample import Sample
from openrft.task import Task


def task(train: list[Sample], test: list[Sample]) -> Task:
    return Task("toy", tuple(train), tuple(test))


def numbers(question: str, answer: str, *values: str) -> Sample:
    return Sample(question, answer, values)


def test_a_rank_of_numbers_is_found_on_train_and_kept_on_test() -> None:
    train = [numbers(f"q{i}", "B", "9.5", "2 eV", "1.0", "30") for i in range(3)]
    train += [numbers("r", "A", "2", "9", "1", "10")]
    test = [numbers("s", "C", "7", "-4", "1e0", "88"), numbers("t", "A", "7", "1", "2", "3")]
    name, choose = best_rule(task(train, test)) or ("", None)
    assert name == "second smallest number"
    assert choose is not None
    assert [choose(s) for s in test] == ["C", "C"]
    assert RULES["best surface rule"](task(train, test)) == {test[0].id: True, test[1].id: False}


def test_the_option_most_like_the_question() -> None:
    train = [numbers("made from CCCCCOH here", "A", "xCCCCCO", "NNNNNNNNNNN", "SSSSSSSSSSS")]
    test = [numbers("made from PPPPPPP here", "B", "CCCCCCCCCC", "xPPPPPP", "SSSSSSSSSSS")]
    found = best_rule(task(train, test))
    assert found is not None
    assert found[1](test[0]) == "B"


def test_a_number_looked_up_in_the_question() -> None:
    def table(**barriers: float) -> str:
        rows = [f"Host {i}: {host}, Barrier {i}: {b}" for i, (host, b) in enumerate(barriers.items())]
        return "\n".join(["Lowest?", *rows])

    train = [
        numbers(table(Ni=2.5, Os=0.5, Sc=-1.0), "C", "Pt in Ni", "Pt in Os", "Pt in Sc"),
        numbers(table(Ni=0.5, Os=2.5, Sc=1.0), "B", "Pt in Sc", "Pt in Ni", "Pt in Os "),
        numbers(table(Fe=0.5, Al=2.5), "A", "Pt in Fe", "Pt in Al"),
    ]
    name, choose = best_rule(task(train, train[:1])) or ("", None)
    assert choose is not None
    assert name == "smallest last number beside it in the question"
    assert choose(numbers(table(Cu=3, Ag=1), "A", "Pt in Ag", "Pt in Cu")) == "A"


def test_without_options_there_is_no_rule() -> None:
    samples = [Sample("q", "iron", kind="text")]
    assert best_rule(task(samples, samples)) is None
    assert RULES["best surface rule"](task(samples, samples)) == {}


def test_where_the_rule_does_not_apply_the_first_option_is_taken() -> None:
    train = [numbers(f"q{i}", "B", "5", "9") for i in range(3)]
    test = [numbers("words", "A", "five", "nine")]
    assert RULES["best surface rule"](task(train, test)) == {test[0].id: True}
