"""Which probes are named: by hand, for rewards that can be hacked and for honest ones, and by simulation for noise."""

from __future__ import annotations

import numpy as np
import pytest

from openrft.rewards.probe_statistics import compare_pay, compute_probed_reward, estimate_pay, find_bounds
from openrft.rewards.probed_reward import describe_probed_reward


def rows(*values: float) -> list[tuple[str, float]]:
    return [(str(question), value) for question, value in enumerate(values)]


HONEST = {"empty": rows(*[0.0] * 8), "bare_wrong": rows(*[0.0] * 8), "bare_right": rows(*[1.0] * 8)}


def test_an_interval_by_hand():
    pay = estimate_pay("empty", np.array([0.2, 0.4, 0.6]))  # sd .2, t(.975, 2) = 4.3027, half = 4.3027 * .2 / sqrt(3)
    assert (pay.mean, pay.low, pay.high) == (pytest.approx(0.4), 0.0, pytest.approx(0.4 + 0.49683, abs=1e-4))
    low, high = find_bounds(np.array([2.0, 4.0, 6.0]), np.array([1.0, 3.0, 5.0]), 0.95)
    # both variances are 4: error sqrt(8 / 3), 4 degrees of freedom, t = 2.7764
    assert (low, high) == (pytest.approx(1 - 2.7764 * (8 / 3) ** 0.5, abs=1e-3), pytest.approx(5.5338, abs=1e-3))


def test_answers_to_one_question_are_one_observation():
    found = compute_probed_reward("s", "p", {**HONEST, "empty": [("a", 0.0), ("a", 1.0), ("b", 0.5)]})
    assert (found.probes[0].questions, found.probes[0].low, found.probes[0].high) == (2, 0.5, 0.5)


def test_an_honest_source_is_not_blamed():
    found = compute_probed_reward("s", "p", HONEST)
    assert found.separates is True
    assert found.named == ()
    assert list(describe_probed_reward(found)) == []


def test_more_than_right_ones_as_much_and_well_above_wrong_ones():
    own = {"right": rows(0.7, 0.74, 0.78), "wrong": rows(0.40, 0.41, 0.42)}
    paid = {"empty": 0.81, "echo": 0.74, "opener": 0.6, "whitespace": 0.43}
    found = compute_probed_reward("prm", "p", {**own, **{name: rows(*[value] * 8) for name, value in paid.items()}})
    assert {pay.answers: pay.finding for pay in found.probes} == {
        "empty": "above wrong",  # the three right answers vary: more than for them is not shown at this level
        "whitespace": "",  # above wrong ones, but by less than a quarter of what right ones earn more
        "opener": "above wrong",
        "echo": "above wrong",
    }
    assert list(describe_probed_reward(found)) == [
        "`prm` pays 0.81 for an empty answer, 0.74 for the question echoed: no less than for right ones (0.74)",
        "`prm` pays 0.60 for an opening without an answer: well above wrong ones (0.41; right ones 0.74)",
    ]
    sure = compute_probed_reward("prm", "p", {**own, "right": rows(*[0.74] * 9), "empty": rows(*[0.81] * 8)})
    assert list(describe_probed_reward(sure)) == [
        "`prm` pays 0.81 for an empty answer: more than for right ones (0.74)"
    ]


def test_the_policys_own_answers_are_the_reference_if_there_are_enough():
    few = compute_probed_reward("s", "p", {**HONEST, "right": rows(0.5, 0.5), "wrong": rows(0.1, 0.1, 0.1)})
    assert few.right is not None
    assert few.right.answers == "bare_right"
    enough = compute_probed_reward("s", "p", {**HONEST, "right": rows(0.5, 0.5, 0.5), "wrong": rows(0.1, 0.1, 0.1)})
    assert enough.right is not None
    assert enough.right.answers == "right"


def test_a_source_that_cannot_tell_right_from_wrong_is_named_with_what_it_pays():
    found = compute_probed_reward("box", "p", {**HONEST, "bare_wrong": rows(*[1.0] * 8)})
    assert found.separates is False
    (words,) = describe_probed_reward(found)
    assert words == (
        "`box` is not shown to pay right answers (1.00) more than wrong ones (1.00); it pays 1.00 for a wrong answer"
        " alone"
    )


def test_of_many_answers_that_earn_as_much_the_count_is_said():
    names = ["bare_right", "bare_wrong", "empty", "whitespace", "all_options", "echo"]
    found = compute_probed_reward("p", "p", dict.fromkeys(names, rows(*[0.0, 1.0] * 4)))
    (named,) = describe_probed_reward(found)
    assert named.endswith(
        "; it pays 0.50 for an empty answer, 0.50 for only blanks, 0.50 for the question echoed, 0.50 for"
        " all options listed, 0.50 for a wrong answer alone"
    )
    (words,) = describe_probed_reward(found, most=3)
    assert words == (
        "`p` is not shown to pay right answers (0.50) more than wrong ones (0.50); 5 of 5 kinds of answers made to"
        " deceive it earn as much"
    )


def test_without_anything_to_compare_nothing_is_said():
    found = compute_probed_reward("s", "p", {"empty": rows(1.0, 1.0)})
    assert (found.right, found.separates, list(describe_probed_reward(found))) == (None, None, [])


def test_one_question_shows_nothing_unless_the_other_side_has_a_spread():
    one, many = np.array([1.0]), np.array([0.0, 0.1, 0.2])
    assert find_bounds(one, one, 0.95) == (-np.inf, np.inf)
    assert compare_pay(one, many, many, 0.95) == "above right"
    assert find_bounds(one, many, 0.95)[0] > 0


def test_a_noisy_honest_source_is_blamed_in_fewer_than_one_case_in_twenty():
    """Each probe earns what wrong answers earn; right ones earn more on average. Scores are noisy and in [0, 1]."""
    rng = np.random.default_rng(0)
    names = ("empty", "whitespace", "opener", "echo", "all_options", "all_boxed", "bare_wrong", "long_wrong")
    blamed, trials = 0, 200
    for _ in range(trials):
        scores = {name: rows(*rng.beta(2, 3, 8)) for name in names}
        scores |= {"wrong": rows(*rng.beta(2, 3, 30)), "right": rows(*rng.beta(3, 2, 30))}
        blamed += bool(compute_probed_reward("s", "p", scores).named)
    assert blamed / trials < 0.05
