"""Measure a source of process rewards on graded rollouts."""

from __future__ import annotations

import typing
from collections.abc import Sequence

import numpy as np

from openrft.config.settings import Aggregation
from openrft.rewards import ranking
from openrft.rewards.combine import aggregate_steps
from openrft.rewards.fitness import MIN_MIXED_QUESTIONS, RewardFitness, Separation, list_warnings, recommend_alpha
from openrft.rewards.ranking import Bools, Floats
from openrft.types import Reward, Rollout

AGGREGATIONS: tuple[Aggregation, ...] = typing.get_args(Aggregation)
FAMILYWISE = 0.99  # interval level that gives 95% for all five aggregations at once (Bonferroni), as the best is chosen


def compute_reward_fitness(
    source: str, policy: str, rollouts: Sequence[Rollout], rewards: Sequence[Reward]
) -> RewardFitness:
    """How well the process rewards, one per rollout, tell right rollouts from wrong. Ungraded ones are left out."""
    graded = [(r, w) for r, w in zip(rollouts, rewards, strict=True) if r.correct is not None]
    correct = np.array([bool(r.correct) for r, _ in graded], dtype=np.bool_)
    questions = [r.sample.root_id for r, _ in graded]
    lengths = np.array([len(r.completion.text) for r, _ in graded], dtype=np.float64)
    by_aggregation = tuple(_separation(f, [w for _, w in graded], correct, questions, lengths) for f in AGGREGATIONS)
    best = max(by_aggregation, key=lambda s: s.merit)  # the first of equals: mean before min before the others
    distinct = sorted(set(questions))
    right = int(correct.sum())
    mixed = len(ranking.count_wins_within_groups(lengths, correct, questions))
    return RewardFitness(
        source=source,
        policy=policy,
        rollouts=len(graded),
        right=right,
        questions=len(distinct),
        mixed=mixed,
        no_steps=sum(w.score is None and not w.per_step for _, w in graded),
        by_aggregation=by_aggregation,
        aggregation=best.aggregation,
        alpha=recommend_alpha(best),
        warnings=tuple(list_warnings(best, right, len(graded), len(distinct), mixed)),
    )


def _separation(
    f: Aggregation, rewards: Sequence[Reward], correct: Bools, questions: Sequence[str], lengths: Floats
) -> Separation:
    scores = np.array(
        [aggregate_steps(w.per_step, f) if w.score is None else w.score for w in rewards], dtype=np.float64
    )
    calibration, with_length = _shape(scores, correct, lengths)
    if not correct.any() or correct.all():
        return Separation(f, None, None, None, None, None, None, None, calibration, with_length)
    drawn = ranking.bootstrap_auroc(scores, correct, questions)
    low, high = ranking.percentile_interval(drawn)
    within, within_low, within_high = None, None, None
    wins = ranking.count_wins_within_groups(scores, correct, questions)
    if len(wins):
        drawn = ranking.bootstrap_within_groups(wins)
        within, (within_low, within_high) = (
            float(wins[:, 0].sum() / wins[:, 1].sum()),
            ranking.percentile_interval(drawn),
        )
    floor = None if 0 < len(wins) < MIN_MIXED_QUESTIONS else ranking.percentile_interval(drawn, FAMILYWISE)[0]
    whole = ranking.compute_auroc(scores, correct)
    return Separation(f, whole, low, high, within, within_low, within_high, floor, calibration, with_length)


def _shape(scores: Floats, correct: Bools, lengths: Floats) -> tuple[float, float]:
    """(calibration error, correlation with length); both 0 without rollouts."""
    if not len(scores):
        return 0.0, 0.0
    return ranking.compute_calibration_error(scores, correct), ranking.compute_rank_correlation(scores, lengths)
