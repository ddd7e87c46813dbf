from __future__ import annotations

from openrft.baselines.surface import best_surface_rule, find_best_rule
from openrft.tasks.task import hide_answer
from openrft.types import Sample


def numbers(question: str, answer: str, *values: str, task: str = "") -> Sample:
    return Sample(question, answer, values, task=task)


def test_a_rank_of_numbers_is_found_on_train_and_kept_on_test() -> None:
    train = [numbers(f"q{i}", "B", "9.5", "2 eV", "1.0", "30") for i in range(3)]
    train += [numbers("r", "A", "2", "9", "1", "10")]
    test = [numbers("s", "C", "7", "-4", "1e0", "88"), numbers("t", "A", "7", "1", "2", "3")]
    name, choose = find_best_rule(train) or ("", None)
    assert name == "second smallest number"
    assert choose is not None
    assert [choose(hide_answer(s)) for s in test] == ["C", "C"]


def test_the_option_most_like_the_question() -> None:
    train = [numbers("made from CCCCCOH here", "A", "xCCCCCO", "NNNNNNNNNNN", "SSSSSSSSSSS")]
    test = numbers("made from PPPPPPP here", "B", "CCCCCCCCCC", "xPPPPPP", "SSSSSSSSSSS")
    found = find_best_rule(train)
    assert found is not None
    assert found[1](hide_answer(test)) == "B"


def test_a_number_looked_up_in_the_question() -> None:
    def table(**barriers: float) -> str:
        rows = [f"Host {i}: {host}, Barrier {i}: {b}" for i, (host, b) in enumerate(barriers.items())]
        return "\n".join(["Lowest?", *rows])

    train = [
        numbers(table(Ni=2.5, Os=0.5, Sc=-1.0), "C", "Pt in Ni", "Pt in Os", "Pt in Sc"),
        numbers(table(Ni=0.5, Os=2.5, Sc=1.0), "B", "Pt in Sc", "Pt in Ni", "Pt in Os "),
        numbers(table(Fe=0.5, Al=2.5), "A", "Pt in Fe", "Pt in Al"),
    ]
    name, choose = find_best_rule(train) or ("", None)
    assert choose is not None
    assert name == "smallest last number beside it in the question"
    assert choose(hide_answer(numbers(table(Cu=3, Ag=1), "A", "Pt in Ag", "Pt in Cu"))) == "A"


def test_each_leaf_task_of_a_pool_has_its_own_rule() -> None:
    low = [numbers(f"low {i}", "A", "1", "20", "300", task="pool/low") for i in range(8)]
    high = [numbers(f"high {i}", "C", "1", "20", "300", task="pool/high") for i in range(12)]
    few = [numbers("few", "A", "1", "20", "300", task="pool/few")]
    answer = best_surface_rule([*low, *high, *few])
    new = [numbers("new", "A", "5", "7", "600", task=f"pool/{leaf}") for leaf in ("low", "high", "few")]
    picked = [answer(hide_answer(question)) for question in new]
    assert picked == ["A", "C", "C"]  # one question is too few to learn from: the whole split's rule serves


def test_without_options_there_is_no_rule() -> None:
    sample = Sample("q", "iron", kind="text")
    assert find_best_rule([sample]) is None
    assert best_surface_rule([sample])(hide_answer(sample)) is None


def test_where_the_rule_does_not_apply_the_first_option_is_taken() -> None:
    answer = best_surface_rule([numbers(f"q{i}", "B", "5", "9") for i in range(3)])
    assert answer(hide_answer(numbers("words", "A", "five", "nine"))) == "A"
