"""How well process rewards tell right rollouts from wrong ones: AUROC over all and within questions, with intervals."""

from __future__ import annotations

import typing
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr

from openrft.config.settings import Aggregation
from openrft.rewards.combine import aggregate_steps
from openrft.rewards.fitness import MIN_MIXED_QUESTIONS, RewardFitness, Separation, list_warnings, recommend_alpha
from openrft.types import Reward, Rollout

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
REPLICATES = 500  # of a bootstrap


def compute_auroc(scores: ArrayLike, correct: ArrayLike) -> float:
    """The probability that a right item outscores a wrong one; ties count half (Mann-Whitney U). nan without both."""
    wins, pairs = count_pair_wins(np.asarray(scores, np.float64), np.asarray(correct, np.bool_))
    return wins / pairs if pairs else float("nan")


def count_pair_wins(scores: Floats, correct: Bools) -> tuple[float, int]:
    """(pairs that the right item wins, where ties count half; number of right-wrong pairs)."""
    right, wrong = scores[correct], np.sort(scores[~correct])
    below = np.searchsorted(wrong, right, "left")
    not_above = np.searchsorted(wrong, right, "right")
    return float((below + not_above).sum() / 2), len(right) * len(wrong)


def count_wins_within_groups(scores: Floats, correct: Bools, groups: Sequence[str]) -> Floats:
    """(groups, 2): wins and pairs of each group with both right and wrong items. Other groups have no row."""
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    rows = [count_pair_wins(scores[at], correct[at]) for at in map(np.array, members.values())]
    return np.array([row for row in rows if row[1]], dtype=np.float64).reshape(-1, 2)


def bootstrap_auroc(scores: Floats, correct: Bools, groups: Sequence[str]) -> Floats:
    """AUROCs of resamples. Whole groups are resampled, because completions of one question are not independent. nan
    where a resample has only right or only wrong items."""
    names = sorted(set(groups))
    index = {name: np.array([i for i, g in enumerate(groups) if g == name]) for name in names}
    rng = np.random.default_rng(0)
    values = []
    for _ in range(REPLICATES):
        at = np.concatenate([index[names[i]] for i in rng.integers(0, len(names), len(names))])
        values.append(compute_auroc(scores[at], correct[at]))
    return np.array(values)


def bootstrap_within_groups(wins: Floats) -> Floats:
    """The same for the AUROC within groups. `wins` is from `count_wins_within_groups` and has at least one row."""
    sums = resample_sums(wins)
    return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)


def resample_sums(rows: Floats, replicates: int = REPLICATES) -> Floats:
    """(replicates, K): sums over bootstrap draws of the rows, of which (groups, K) has one for each group. Ratios of
    the columns are then statistics with whole groups resampled."""
    at = np.random.default_rng(0).integers(0, len(rows), (replicates, len(rows)))
    return np.asarray(rows[at].sum(axis=1), dtype=np.float64)


def percentile_interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """The central interval of bootstrap values; nan values are ignored."""
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def compute_calibration_error(scores: Floats, correct: Bools, bins: int = 10) -> float:
    """Expected calibration error over `bins` bins of equal count: |mean score - share right|, weighted by bin size."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(scores[part].mean() - correct[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(scores))


def compute_rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's rho; 0 if one side is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


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
    mixed = len(count_wins_within_groups(lengths, correct, questions))
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
    drawn = bootstrap_auroc(scores, correct, questions)
    low, high = percentile_interval(drawn)
    within, within_low, within_high = None, None, None
    wins = count_wins_within_groups(scores, correct, questions)
    if len(wins):
        drawn = bootstrap_within_groups(wins)
        within, (within_low, within_high) = (
            float(wins[:, 0].sum() / wins[:, 1].sum()),
            percentile_interval(drawn),
        )
    floor = None if 0 < len(wins) < MIN_MIXED_QUESTIONS else percentile_interval(drawn, FAMILYWISE)[0]
    whole = compute_auroc(scores, correct)
    return Separation(f, whole, low, high, within, within_low, within_high, floor, calibration, with_length)


def _shape(scores: Floats, correct: Bools, lengths: Floats) -> tuple[float, float]:
    """(calibration error, correlation with length); both 0 without rollouts."""
    if not len(scores):
        return 0.0, 0.0
    return compute_calibration_error(scores, correct), compute_rank_correlation(scores, lengths)
