"""A source that tells right from wrong is recognised, noise is warned of, and nothing is made up where nothing is."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from openrft.config.documents import read_document
from openrft.rewards.fitness import RewardFitness, recommend_alpha
from openrft.rewards.fitness_statistics import compute_reward_fitness
from openrft.types import Completion, Reward, Rollout, Sample


def rollout(question, correct, text="x"):
    return Rollout(Sample(f"q{question}", "A", ("1", "2")), (), Completion(text), correct=correct)


def steps(*scores):
    return Reward("prm", "process", per_step=scores)


def drawn(signal, seed=1, questions=50, group_size=4):
    """Rollouts whose step scores are uniform noise, moved by `signal` where they are right."""
    rng = np.random.default_rng(seed)
    rollouts, rewards = [], []
    for q in range(questions):
        for g in range(group_size):
            right = bool((g + q) % 2)
            rollouts.append(rollout(q, right, "x" * int(rng.integers(10, 90))))
            rewards.append(steps(*np.clip(rng.uniform(0.3, 0.7, 3) + signal * (1 if right else -1), 0, 1).tolist()))
    return compute_reward_fitness("prm", "p", rollouts, rewards)


def test_by_hand():
    """Two questions; mean orders 3 of 4 right-wrong pairs and both pairs within a question, last none of these."""
    rollouts = [rollout(0, True), rollout(0, False), rollout(1, True), rollout(1, False)]
    found = compute_reward_fitness(
        "prm", "p", rollouts, [steps(0.9, 0.1), steps(0.2, 0.3), steps(0.7, 0.8), steps(0.5, 0.9)]
    )
    by_aggregation = {s.aggregation: s for s in found.by_aggregation}
    assert [by_aggregation["mean"].auroc, by_aggregation["mean"].within] == [0.75, 1.0]  # .5 .25 .75 .7: .5 loses to .7
    assert [by_aggregation["min"].auroc, by_aggregation["min"].within] == [0.5, 0.5]  # .1 .2 .7 .5
    assert [by_aggregation["last"].auroc, by_aggregation["last"].within] == [0.25, 0.0]  # .1 .3 .8 .9
    assert by_aggregation["product"].auroc == 0.75  # .09 .06 .56 .45
    assert (found.rollouts, found.right, found.questions, found.mixed, found.aggregation) == (4, 2, 2, 2, "mean")


def test_a_telling_source_is_not_warned_of():
    found = drawn(0.2)
    assert found.best.is_informative
    assert found.best.within > 0.95
    assert found.alpha == 0.5
    assert found.warnings == ()


@pytest.mark.parametrize("seed", range(6))
def test_a_random_source_is_warned_of(seed):
    found = drawn(0.0, seed)
    assert any("not shown to tell right from wrong" in w for w in found.warnings)
    assert found.alpha == 1.0


def test_knowing_easy_questions_is_not_telling_right_from_wrong():
    """Scores that depend on the question alone: a good AUROC overall, chance within questions."""
    rng = np.random.default_rng(0)
    ease = np.repeat(rng.uniform(0.05, 0.95, 80), 6)
    rollouts = [rollout(i // 6, bool(rng.random() < e)) for i, e in enumerate(ease)]
    found = compute_reward_fitness("prm", "p", rollouts, [steps(float(e)) for e in ease])
    assert found.best.low > 0.6
    assert found.best.within == 0.5
    assert not found.best.is_informative
    assert any("not shown to tell" in w for w in found.warnings)


def test_scores_that_follow_length_are_warned_of():
    rollouts = [rollout(q, bool(g), "x" * (q * 2 + g + 1)) for q in range(30) for g in (0, 1)]
    found = compute_reward_fitness("prm", "p", rollouts, [steps(len(r.completion.text) / 100) for r in rollouts])
    assert found.best.with_length == pytest.approx(1)
    assert any("follow length (rho +1.00): the policy may learn to be long" in w for w in found.warnings)


@pytest.mark.parametrize(("verdicts", "notices"), [
    ([True, True], "2 of 2 rollouts are right"), ([False], "0 of 1 rollouts are right"), ([None], "no graded rollout"),
])  # fmt: skip
def test_nothing_to_tell_apart_is_said_and_not_scored(verdicts, notices):
    found = compute_reward_fitness("prm", "p", [rollout(0, v) for v in verdicts], [steps(0.5) for _ in verdicts])
    assert (found.best.auroc, found.best.within, found.alpha) == (None, None, None)
    assert notices in found.warnings[0]


def test_questions_without_both_kinds_are_measured_across_questions():
    found = compute_reward_fitness(
        "prm", "p", [rollout(q, q < 3) for q in range(6)], [steps(0.9 - q / 10) for q in range(6)]
    )
    assert (found.best.auroc, found.best.within) == (1.0, None)
    assert any("across questions only" in w for w in found.warnings)


@pytest.mark.parametrize(("mixed", "told"), [(1, False), (7, False), (8, True)])
def test_a_few_questions_that_happen_to_agree_prove_nothing(mixed, told):
    """All other questions are answered wrongly throughout, as by a policy that knows little."""
    rollouts = [rollout(q, q < mixed and g == 0) for q in range(50) for g in range(4)]
    found = compute_reward_fitness("prm", "p", rollouts, [steps(0.9 if r.correct else 0.4) for r in rollouts])
    assert found.best.within == 1.0
    assert found.best.is_informative is told
    assert found.alpha == (0.5 if told else None)
    assert [f"only {mixed} of 50 questions have both" in w for w in found.warnings] == ([] if told else [False, True])


def test_a_score_of_its_own_needs_no_aggregation_and_no_steps_score_zero():
    rollouts = [rollout(0, True), rollout(0, False)]
    found = compute_reward_fitness("prm", "p", rollouts, [Reward("prm", "process", score=0.8), steps()])
    assert [s.within for s in found.by_aggregation] == [1.0] * 5
    assert found.no_steps == 1


def test_alpha_of_the_paper_for_a_certain_three_quarters():
    one = drawn(0.2).best
    assert recommend_alpha(replace(one, floor=0.75)) == 0.7
    assert recommend_alpha(replace(one, floor=0.4)) == 1.0
    assert recommend_alpha(replace(one, floor=1.0)) == 0.5
    assert recommend_alpha(replace(one, floor=None)) is None


def test_it_survives_json():
    found = drawn(0.05)
    assert read_document(RewardFitness, json.loads(json.dumps(asdict(found))), "ignore") == (found, [])
