from __future__ import annotations

import math

import numpy as np
import pytest
from openrft_prm.aggregate import AGGREGATIONS, aggregate
from openrft_prm.fitness import fitness, recommended_alpha, render
from openrft_prm.ranking import auroc, calibration_error, interval, rank_correlation, within_groups, within_interval

from openrft import Completion, Reward, Rollout, Sample, UsageError


def rollout(question: int, correct: bool | None, steps: tuple[float, ...], text: str = "x") -> Rollout:
    reward = Reward("prm", "process", per_step=steps)
    sample = Sample(f"q{question}", "A", ("1", "2"))
    return Rollout(sample, (), Completion(text), rewards=(reward,), correct=correct)


def drawn(signal: float, questions: int = 60, group: int = 4) -> list[Rollout]:
    """Rollouts whose step scores are uniform noise, moved by `signal` where they are right."""
    rng = np.random.default_rng(1)
    found = []
    for q in range(questions):
        for g in range(group):
            right = bool((g + q) % 2)
            scores = np.clip(rng.uniform(0.3, 0.7, 3) + signal * (1 if right else -1), 0, 1)
            found.append(rollout(q, right, tuple(map(float, scores)), "x" * int(rng.integers(10, 90))))
    return found


def test_aggregations_are_the_cores() -> None:
    from openrft.rewards import aggregate as core

    for f in AGGREGATIONS:
        for steps in ((), (0.3,), (0.9, 0.1, 0.5)):
            assert aggregate(steps, f) == core(steps, f)  # type: ignore[arg-type]


def test_auroc_by_hand() -> None:
    scores, correct = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert auroc(scores, correct) == 3.5 / 4  # .9 beats both, .5 beats .1 and ties with .5
    assert math.isnan(auroc(scores, np.ones(4, dtype=bool)))


def test_within_groups_ignores_questions_that_are_all_right_or_all_wrong() -> None:
    scores, correct = np.array([0.9, 0.1, 0.8, 0.2, 0.3]), np.array([True, False, True, True, False])
    wins = within_groups(scores, correct, ["a", "a", "b", "c", "c"])
    assert wins.tolist() == [[1.0, 1.0], [0.0, 1.0]]
    low, high = within_interval(wins)
    assert (low, high) == (0.0, 1.0)
    assert math.isnan(within_interval(wins[:0])[0])


def test_interval_covers_chance_for_noise_and_not_for_signal() -> None:
    rng = np.random.default_rng(0)
    correct, groups = rng.random(400) < 0.5, [str(i // 4) for i in range(400)]
    low, high = interval(rng.random(400), correct, groups)
    assert low < 0.5 < high
    low, high = interval(rng.random(400) + correct, correct, groups)
    assert low > 0.9


def test_calibration_error_by_hand() -> None:
    scores, correct = np.array([0.2, 0.2, 0.8, 0.8]), np.array([False, False, True, False])
    assert calibration_error(scores, correct, bins=2) == pytest.approx((0.2 + 0.3) / 2)


def test_rank_correlation() -> None:
    a = np.array([1.0, 2.0, 3.0])
    assert rank_correlation(a, a**3) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a, np.ones(3)) == 0


def test_a_telling_prm() -> None:
    found = fitness(drawn(0.2))
    assert (found.rollouts, found.correct, found.questions) == (240, 120, 60)
    best = next(s for s in found.by_f if s.f == found.f)
    assert best.telling
    assert best.within > 0.95
    assert found.alpha == 0.5
    assert found.warnings == ()


def test_a_prm_that_is_noise_is_warned_about() -> None:
    found = fitness(drawn(0.0))
    assert any("cannot tell right from wrong" in w for w in found.warnings)
    assert found.alpha > 0.9


def test_knowing_easy_questions_is_not_telling_right_from_wrong() -> None:
    """Scores that depend on the question alone: a good AUROC overall, chance within questions."""
    rng, rollouts = np.random.default_rng(0), []
    for q in range(80):
        ease = float(rng.uniform(0.05, 0.95))
        rollouts += [rollout(q, bool(rng.random() < ease), (ease,)) for _ in range(6)]
    found = fitness(rollouts)
    best = found.by_f[0]
    assert best.low > 0.6
    assert best.within == 0.5
    assert not best.telling


def test_length_is_reported() -> None:
    rollouts = [rollout(q, bool(g), ((q * 2 + g) / 100,), "x" * (q * 2 + g + 1)) for q in range(30) for g in (0, 1)]
    found = fitness(rollouts)
    assert found.by_f[0].with_length == pytest.approx(1)
    assert any("follow length" in w for w in found.warnings)


@pytest.mark.parametrize("right", [True, False, None])
def test_nothing_to_tell_apart(right: bool | None) -> None:
    with pytest.raises(UsageError, match="nothing to tell apart"):
        fitness([rollout(0, right, (0.5,))])


def test_alpha_of_the_paper_for_an_auroc_of_three_quarters() -> None:
    from dataclasses import replace

    one = fitness(drawn(0.2)).by_f[0]
    assert recommended_alpha(replace(one, within_low=0.75)) == 0.7
    assert recommended_alpha(replace(one, within_low=0.4)) == 1.0
    assert recommended_alpha(replace(one, within_low=1.0)) == 0.5
    assert recommended_alpha(replace(one, within=float("nan"), low=0.75)) == 0.7


def test_one_screen() -> None:
    text = render(fitness(drawn(0.05)))
    assert "explore.f=" in text
    lines = text.splitlines()
    assert len(lines) < 20
    assert max(map(len, lines)) <= 110
    print(text)
