"""Each rule on questions whose answer by that rule can be seen."""

from __future__ import annotations

import dataclasses
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.baselines.registry import BASELINE_NAMES, RULES, TASK_RULE, list_applicable, make_answerer
from openrft.baselines.text import character_ngrams, find_number, jaccard_index
from openrft.bench.runner import score_baselines
from openrft.errors import UnknownName
from openrft.tasks.task import Question, Task, hide_answer
from openrft.types import LETTERS, Sample


def choice(question: str, answer: str, *options: str) -> Sample:
    return Sample(question, answer, options)


def says(name: str, train: list[Sample], sample: Sample) -> str | None:
    return make_answerer(name, Task("toy", tuple(train), ()))(hide_answer(sample))


def test_majority_letter_and_option_lengths_by_hand() -> None:
    train = (choice("a", "B", "x", "y"), choice("b", "B", "x", "y"), choice("c", "A", "x", "y"))
    test = (choice("d", "B", "xxx", "y"), choice("e", "A", "xx", "yy"), choice("f", "B", "x", "yy"))
    found = {b.name: b for b in score_baselines(Task("toy", train, test))}
    assert found["majority-answer"].items == {test[0].id: 1, test[1].id: 0, test[2].id: 1}
    # Longest: A (wrong), A (a tie goes to the first, right), B (right).
    assert found["longest-option"].items == {test[0].id: 0, test[1].id: 1, test[2].id: 1}
    assert found["shortest-option"].accuracy == pytest.approx(2 / 3)


def test_a_tie_of_letters_goes_to_the_first() -> None:
    assert (
        says("majority-answer", [choice("a", "B", "x", "y"), choice("b", "A", "x", "y")], choice("c", "A", "x", "y"))
        == "A"
    )


def test_the_second_number_from_either_end() -> None:
    sample = choice("q", "A", "3 m", "$2 \\times 10^{-3}$ m", "1,200 m", "\u22127 m")
    assert [find_number(option) for option in sample.options] == [3, 0.002, 1200, -7]
    assert says("second-smallest-number", [], sample) == "B"
    assert says("second-largest-number", [], sample) == "A"
    assert says("second-largest-number", [], choice("q", "A", "3 m", "none")) is None


def test_similarity_counts_runs_of_characters_once() -> None:
    assert character_ngrams("abcdef") == {"abcde", "bcdef"}
    assert jaccard_index(character_ngrams("abcdef"), character_ngrams("bcdefg")) == 1 / 3
    assert says("most-similar-option", [], choice("from CCCCOC to X?", "B", "NNNNNN", "CCCCOC", "OOOOOO")) == "B"


def test_typical_number_is_near_the_median_of_the_answers_in_magnitude() -> None:
    train = [choice(f"q{i}", "A", gold, "99") for i, gold in enumerate(("0.0", "0.003", "0.001", "0.005", "2.0"))]
    # Median 0.003, smallest that is not 0 0.001: 0.002 is nearer than 0.02 or 0.0.
    assert says("typical-number", train, choice("q", "A", "0.02", "0.002", "0.0", "1")) == "B"
    assert says("typical-number", train, choice("q", "A", "0.02", "many")) is None
    assert says("typical-number", [choice("q", "A", "0", "1")], choice("q", "A", "0", "1")) is None


def test_nearest_neighbour_gives_its_answer_among_the_options() -> None:
    train = [choice("capital of Norway", "A", "Oslo", "Bergen"), choice("weight of iron", "B", "1 g", "56 g")]
    assert says("nearest-neighbour", train, choice("capital of Norway now", "A", "Bergen", "Oslo")) == "B"
    assert says("nearest-neighbour", train, choice("weight of iron in g", "A", "12 g", "70 g")) == "B"
    texts = [Sample("symbol of gold", "Au", kind="text"), Sample("symbol of tin", "Sn", kind="text")]
    assert says("nearest-neighbour", texts, Sample("symbol of tin?", "Sn", kind="text")) == "Sn"
    assert says("nearest-neighbour", texts, choice("symbol", "A", "x", "y")) is None


def test_questions_without_options_have_two_rules_only() -> None:
    train = (Sample("p", "Yes", kind="boolean"), Sample("q", "Yes", kind="boolean"), Sample("r", "4", kind="number"))
    test = (Sample("s", "Yes", kind="boolean"), Sample("t", "5", kind="number"), Sample("u", "iron", kind="text"))
    task = Task("toy", train, test)
    assert list_applicable(task) == ["majority-answer", "nearest-neighbour"]
    assert score_baselines(task)[0].items == {test[0].id: 1, test[1].id: 0, test[2].id: 0}


def test_a_family_brings_its_own_rule_for_a_leaf_task() -> None:
    def last(train: object) -> object:
        return lambda question: LETTERS[len(question.options) - 1]

    mine, other = Sample("a", "B", ("x", "y"), task="toy/mine"), Sample("b", "B", ("x", "y"), task="toy/other")
    task = Task("toy", (mine,), (mine, other), baseline_rules={"toy/mine": last})
    assert list_applicable(task)[-1] == TASK_RULE
    assert [make_answerer(TASK_RULE, task)(hide_answer(s)) for s in (mine, other)] == ["B", None]
    assert TASK_RULE not in list_applicable(Task("toy", (mine,), (other,)))


def test_a_rule_cannot_see_the_answer() -> None:
    fields = {field.name for field in dataclasses.fields(Question)}
    assert not fields & {"answer", "gold", "meta", "id"}
    assert hide_answer(choice("q", "A", "x", "y")) == hide_answer(choice("q", "B", "x", "y"))


def test_an_unknown_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="longest-option"):
        make_answerer("longest", Task("toy", (), ()))


texts = st.one_of(st.text(max_size=30), st.text(string.digits + ".,eE+-x\u00d7 \\times{}^", max_size=30))


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4), st.sampled_from(BASELINE_NAMES))
def test_rules_never_raise_and_answer_with_a_letter(rows: list[tuple[str, str, str]], name: str) -> None:
    samples = tuple(Sample(q, "A", (a, b)) for q, a, b in rows)
    answer = make_answerer(name, Task("toy", samples, ()))
    for sample in samples:
        assert answer(hide_answer(sample)) in ("A", "B", None)
    assert set(RULES) < set(BASELINE_NAMES)
