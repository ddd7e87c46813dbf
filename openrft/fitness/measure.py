"""From graded rollouts with their process rewards to a verdict on the source of the rewards."""

from __future__ import annotations

import typing
from collections.abc import Sequence

import numpy as np

from openrft.fitness import ranking
from openrft.fitness.ranking import Bools, Floats
from openrft.fitness.verdict import MIXED, Fitness, Separation, recommended_alpha, warnings_of
from openrft.rewards import aggregate
from openrft.sample import Reward, Rollout
from openrft.settings import Aggregation

FORMS: tuple[Aggregation, ...] = typing.get_args(Aggregation)
FAMILYWISE = 0.99  # level of intervals that hold for all five f at once with 95% (Bonferroni): the best is chosen


def measure(source: str, policy: str, rollouts: Sequence[Rollout], rewards: Sequence[Reward]) -> Fitness:
    """How well the process rewards, one a rollout, tell right rollouts from wrong ones; ungraded ones are left out."""
    graded = [(r, w) for r, w in zip(rollouts, rewards, strict=True) if r.correct is not None]
    correct = np.array([bool(r.correct) for r, _ in graded], dtype=np.bool_)
    questions = [r.sample.root for r, _ in graded]
    lengths = np.array([len(r.completion.text) for r, _ in graded], dtype=np.float64)
    by_f = tuple(_separation(f, [w for _, w in graded], correct, questions, lengths) for f in FORMS)
    best = max(by_f, key=lambda s: s.merit)  # of equals the first: mean before min before the others
    distinct = sorted(set(questions))
    right = int(correct.sum())
    mixed = len(ranking.within_groups(lengths, correct, questions))
    return Fitness(
        source=source,
        policy=policy,
        rollouts=len(graded),
        right=right,
        questions=len(distinct),
        mixed=mixed,
        no_steps=sum(w.score is None and not w.per_step for _, w in graded),
        by_f=by_f,
        f=best.f,
        alpha=recommended_alpha(best),
        warnings=tuple(warnings_of(best, right, len(graded), len(distinct), mixed)),
    )


def _separation(
    f: Aggregation, rewards: Sequence[Reward], correct: Bools, questions: Sequence[str], lengths: Floats
) -> Separation:
    scores = np.array([aggregate(w.per_step, f) if w.score is None else w.score for w in rewards], dtype=np.float64)
    calibration, with_length = _shape(scores, correct, lengths)
    if not correct.any() or correct.all():
        return Separation(f, None, None, None, None, None, None, None, calibration, with_length)
    drawn = ranking.bootstrap(scores, correct, questions)
    low, high = ranking.interval(drawn)
    within, within_low, within_high = None, None, None
    wins = ranking.within_groups(scores, correct, questions)
    if len(wins):
        drawn = ranking.bootstrap_within(wins)
        within, (within_low, within_high) = float(wins[:, 0].sum() / wins[:, 1].sum()), ranking.interval(drawn)
    floor = None if 0 < len(wins) < MIXED else ranking.interval(drawn, FAMILYWISE)[0]
    whole = ranking.auroc(scores, correct)
    return Separation(f, whole, low, high, within, within_low, within_high, floor, calibration, with_length)


def _shape(scores: Floats, correct: Bools, lengths: Floats) -> tuple[float, float]:
    """(calibration error, correlation with length); 0 where there is no rollout."""
    if not len(scores):
        return 0.0, 0.0
    return ranking.calibration_error(scores, correct), ranking.rank_correlation(scores, lengths)
