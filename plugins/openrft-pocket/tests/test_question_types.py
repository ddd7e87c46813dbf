"""Every question type: solvable, one true option, uniform ranks, wordings that take the slots, errors as requested."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_pocket.question_types import QUESTION_TYPES
from openrft_pocket.question_types.question_type import draw_number_options
from openrft_pocket.question_types.trace import LETTERS, TraceWriter
from openrft_pocket.question_types.wording import fill_template

type_names = st.sampled_from(sorted(QUESTION_TYPES))
seeds = st.integers(0, 2**32)


def draw(name: str, seed: int):
    rng = Random(seed)
    question_type = QUESTION_TYPES[name]
    facts = question_type.draw_facts(rng)
    options, gold = question_type.draw_options(facts, rng)
    return question_type, facts, options, gold


@given(type_names, seeds)
@settings(max_examples=150, deadline=None)
def test_the_solution_without_errors_reaches_the_gold_option(name, seed):
    question_type, facts, options, gold = draw(name, seed)
    writer = TraceWriter()
    question_type.write_solution(facts, options, writer)
    assert writer.lines[-1] == "\\boxed{" + LETTERS[gold] + "}"
    assert not writer.has_errors


@given(type_names, seeds)
@settings(max_examples=150, deadline=None)
def test_options_are_four_and_distinct(name, seed):
    _, _, options, _ = draw(name, seed)
    assert len(set(options)) == 4


@given(type_names, seeds)
@settings(max_examples=200, deadline=None)
def test_only_the_gold_letter_is_sound(name, seed):
    question_type, facts, options, gold = draw(name, seed)
    truths = question_type.list_true_lines(facts, options)
    boxes = {line for line in truths if line.startswith("\\boxed")}
    assert boxes == {"\\boxed{" + LETTERS[gold] + "}"}


@given(type_names, seeds)
@settings(max_examples=150, deadline=None)
def test_an_error_leaves_a_false_line(name, seed):
    question_type, facts, options, _ = draw(name, seed)
    writer = TraceWriter(Random(seed), 0.3)
    question_type.write_solution(facts, options, writer)
    if writer.has_errors:
        assert any(line not in question_type.list_true_lines(facts, options) for line in writer.lines)


def test_a_trace_with_errors_is_reproducible():
    writers = [TraceWriter(Random(3), 0.4) for _ in range(2)]
    question_type, facts, options, _ = draw("final_speed", 1)
    for writer in writers:
        question_type.write_solution(facts, options, writer)
    assert writers[0].lines == writers[1].lines
    assert any(line not in question_type.list_true_lines(facts, options) for line in writers[0].lines)


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_every_wording_takes_the_slots(name):
    question_type, facts, _, _ = draw(name, 1)
    for template in (*question_type.wordings, *question_type.rewordings, *question_type.training_wordings):
        text = fill_template(template, question_type.get_slots(facts), Random(0))
        assert not set(text) & set("{}[]")


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_the_tasks_wordings_are_not_in_training(name):
    question_type = QUESTION_TYPES[name]
    assert not set(question_type.training_wordings) & {*question_type.wordings, *question_type.rewordings}
    assert len(question_type.rewordings) >= 5  # the paper rewrites five ways


@given(st.integers(3, 199), seeds)
@settings(deadline=None)
def test_number_options_hold_gold(gold, seed):
    options, at = draw_number_options(gold, Random(seed))
    assert options[at] == str(gold)
    assert all(int(option) >= 0 for option in options)


def test_gold_rank_is_uniform():
    rng = Random(0)
    ranks = Counter()
    for _ in range(4000):
        options, at = draw_number_options(50, rng)
        ranks[sorted(options, key=int).index(options[at])] += 1
    assert max(abs(n - 1000) for n in ranks.values()) < 110  # 4 standard deviations
