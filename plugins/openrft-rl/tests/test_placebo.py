"""Placebo rewards say nothing about what is right, and are not constant, whatever the kind of answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from openrft_rl.placebo import Placebo, matches_random_label

from openrft import Completion, Rollout, Sample

ANSWERS = {"choice": "ABCD", "boolean": ("Yes", "No"), "number": ("3", "-4.5", "1,000"), "text": ("CCO", "zinc oxide")}


def sample_of(kind, number):
    """A question of this kind; the gold answer differs from question to question."""
    answers = ANSWERS[kind]
    options = ("p", "q", "r", "s") if kind == "choice" else ()
    return Sample(f"Question {number}?", answers[number % len(answers)], options, kind=kind)


def rollout_of(sample, answer):
    return Rollout(sample, (), Completion(""), answer=answer, correct=answer == sample.answer)


def rewards(kind, rollouts, seed=0):
    return [r.score for r in Placebo(Placebo.Options(kind=kind)).reward(rollouts=rollouts, seed=seed)]


def test_noise_is_a_fair_coin():
    rollouts = [rollout_of(sample_of("choice", 0), "A")] * 1000
    assert 0.45 < sum(rewards("noise", rollouts, seed=3)) / 1000 < 0.55
    assert rewards("noise", rollouts, seed=3) != rewards("noise", rollouts, seed=4)


def test_format_pays_for_any_answer():
    sample = sample_of("choice", 0)
    assert rewards("format", [rollout_of(sample, "B"), rollout_of(sample, None)]) == [1.0, 0.0]


@pytest.mark.parametrize("kind", ANSWERS)
def test_shuffled_labels_stay_with_their_question(kind):
    sample = sample_of(kind, 1)
    rollouts = [rollout_of(sample, answer) for answer in ANSWERS[kind]]
    augmented = [replace(r, sample=replace(sample, question="Reworded?", parent=sample.id)) for r in rollouts]
    assert rewards("shuffled", rollouts, seed=1) == rewards("shuffled", rollouts, seed=2)
    assert rewards("shuffled", augmented) == rewards("shuffled", rollouts)
    assert rewards("shuffled", [rollout_of(sample, None)]) == [0.0]
    if kind in ("choice", "boolean"):
        assert sum(rewards("shuffled", rollouts)) == 1.0


@pytest.mark.parametrize(("kind", "chance"), [("choice", 0.25), ("boolean", 0.5), ("number", 0.5), ("text", 0.5)])
def test_shuffled_labels_do_not_tell_right_from_wrong(kind, chance):
    """Right and wrong answers earn equally often, and neither always earns the same."""
    samples = [sample_of(kind, i) for i in range(2000)]
    right = rewards("shuffled", [rollout_of(s, s.answer) for s in samples])
    wrong = rewards("shuffled", [rollout_of(s, next(a for a in ANSWERS[kind] if a != s.answer)) for s in samples])
    assert sum(right) / 2000 == pytest.approx(chance, abs=0.05)
    assert sum(wrong) / 2000 == pytest.approx(chance, abs=0.05)


def test_answers_that_mean_the_same_earn_the_same():
    number, text = sample_of("number", 0), sample_of("text", 0)
    for i in range(20):
        asked = replace(number, question=f"{i}?")
        assert len({matches_random_label(asked, a) for a in ("1000", "1,000", "1e3", "1000.0")}) == 1
        asked = replace(text, question=f"{i}?")
        assert len({matches_random_label(asked, a) for a in ("Zinc oxide", "zinc  oxide", "zinc oxide.")}) == 1
    assert matches_random_label(number, "12 apples") in (True, False)  # a reading that is no number is a text


def test_a_share_of_the_questions_earns_the_placebo_and_the_others_their_grade():
    """With kind=format each answer earns 1, so what is earned tells which questions have the placebo."""
    rollouts = [rollout_of(sample_of("choice", n), "ABCD"[(n + 1) % 4]) for n in range(400)]  # all of them wrong
    earned = {
        share: [r.score for r in Placebo(Placebo.Options("format", share)).reward(rollouts=rollouts, seed=0)]
        for share in (0.0, 0.3, 0.7, 1.0)
    }
    assert (sum(earned[0.0]), sum(earned[1.0])) == (0, 400)
    assert sum(earned[0.3]) == pytest.approx(120, abs=40)
    assert all(few <= more for few, more in zip(earned[0.3], earned[0.7], strict=True))
    reworded = [replace(r, sample=replace(r.sample, question="Reworded?", parent=r.sample.id)) for r in rollouts]
    again = Placebo(Placebo.Options("format", 0.3)).reward(rollouts=reworded, seed=9)
    assert [r.score for r in again] == earned[0.3]


def test_an_answer_that_earns_its_grade_and_has_none_earns_nothing():
    right, partly, ungraded = (
        replace(rollout_of(sample_of("text", 0), "CCO"), correct=correct, score=score)
        for correct, score in ((True, None), (None, 0.4), (None, None))
    )
    rewards = Placebo(Placebo.Options(share=0.0)).reward(rollouts=[right, partly, ungraded], seed=0)
    assert [r and r.score for r in rewards] == [1.0, 0.4, None]
