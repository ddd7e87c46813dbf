"""Every kind: solvable, one true option, uniform letters, wordings that fill, and a hand that errs as told."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_pocket.kinds import KINDS
from openrft_pocket.kinds.hand import LETTERS, Hand
from openrft_pocket.kinds.kind import numbers_around
from openrft_pocket.wording import phrase

kinds = st.sampled_from(sorted(KINDS))
seeds = st.integers(0, 2**32)


def drawn(name: str, seed: int):
    rng = Random(seed)
    kind = KINDS[name]
    facts = kind.draw(rng)
    options, gold = kind.options(facts, rng)
    return kind, facts, options, gold


@given(kinds, seeds)
@settings(max_examples=150, deadline=None)
def test_a_steady_hand_reaches_the_gold_option(name, seed):
    kind, facts, options, gold = drawn(name, seed)
    hand = Hand()
    kind.solve(facts, options, hand)
    assert hand.lines[-1] == "\\boxed{" + LETTERS[gold] + "}"
    assert not hand.slipped


@given(kinds, seeds)
@settings(max_examples=150, deadline=None)
def test_options_are_four_and_distinct(name, seed):
    _, _, options, _ = drawn(name, seed)
    assert len(set(options)) == 4


@given(kinds, seeds)
@settings(max_examples=200, deadline=None)
def test_true_lines_are_sound_and_no_other_letter_is(name, seed):
    kind, facts, options, gold = drawn(name, seed)
    truths = kind.truths(facts, options)
    boxes = {line for line in truths if line.startswith("\\boxed")}
    assert boxes == {"\\boxed{" + LETTERS[gold] + "}"}


@given(kinds, seeds)
@settings(max_examples=150, deadline=None)
def test_a_slip_leaves_a_false_line(name, seed):
    kind, facts, options, _ = drawn(name, seed)
    hand = Hand(Random(seed), 0.3)
    kind.solve(facts, options, hand)
    if hand.slipped:
        assert any(line not in kind.truths(facts, options) for line in hand.lines)


@pytest.mark.parametrize("name", KINDS)
def test_every_wording_takes_the_slots(name):
    kind, facts, _, _ = drawn(name, 1)
    for template in (*kind.wordings, *kind.rewordings, *kind.lessons):
        text = phrase(template, kind.slots(facts), Random(0))
        assert not set(text) & set("{}[]")


@pytest.mark.parametrize("name", KINDS)
def test_the_tasks_wordings_are_not_taught(name):
    kind = KINDS[name]
    assert not set(kind.lessons) & {*kind.wordings, *kind.rewordings}
    assert len(kind.rewordings) >= 5  # the paper rewrites five ways


@given(st.integers(3, 199), seeds)
@settings(deadline=None)
def test_numbers_around_holds_gold(gold, seed):
    options, at = numbers_around(gold, Random(seed))
    assert options[at] == str(gold)
    assert all(int(option) >= 0 for option in options)


def test_gold_rank_is_uniform():
    rng = Random(0)
    ranks = Counter()
    for _ in range(4000):
        options, at = numbers_around(50, rng)
        ranks[sorted(options, key=int).index(options[at])] += 1
    assert max(abs(n - 1000) for n in ranks.values()) < 110  # 4 standard deviations
