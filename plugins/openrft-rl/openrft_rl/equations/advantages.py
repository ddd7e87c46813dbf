"""Advantages without a critic: how much better a rollout did than the others of its group, or of the batch.

Pure functions on plain floats. rewards: (N,), one a rollout; groups: (N,) labels, rollouts with one label answer the
same prompt. A baseline is what a rollout's reward is held against, a scale what the difference is divided by.

| algorithm | advantage | source |
|---|---|---|
| GRPO | (R - mean of group) / (standard deviation of group + epsilon) | DeepSeekMath, arXiv 2402.03300, 4.1.2 |
| Dr. GRPO | R - mean of group: easy and hard questions weigh alike | arXiv 2503.20783, 3.2 |
| RLOO | R - mean of the group's other rollouts; 0 for a group of one | arXiv 2402.14740, equation 8 |
| REINFORCE++ | (R - mean of batch) / (standard deviation of batch + epsilon) | arXiv 2501.03262, 3 |

Where a rollout earns its reward in parts (credit by steps), `relative` says what each of them is worth.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

Baseline = Callable[[Sequence[float], Sequence[Hashable]], list[float]]  # (N,), (N,) -> (N,)

# `statistics.mean` is exact, so a group of equal rewards gets advantages of exactly zero and can be left out.
EPSILON = 1e-4  # keeps near-constant groups from exploding; TRL's GRPO uses the same value


def group_mean(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """The mean of the rollout's group, itself included."""
    means = _by_group(rewards, groups, statistics.mean)
    return [means[g] for g in groups]


def others_mean(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """The mean of the group's other rollouts, mean - (r - mean) / (n - 1); of a group of one, its own reward."""
    means, sizes = _by_group(rewards, groups, statistics.mean), _by_group(rewards, groups, len)
    return [means[g] - (r - means[g]) / max(1, sizes[g] - 1) for r, g in zip(rewards, groups, strict=True)]


def batch_mean(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """The mean of all rollouts."""
    return [statistics.mean(rewards)] * len(rewards)


def group_deviation(returns: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """The sample standard deviation of each group's returns, plus epsilon."""
    return {g: d + EPSILON for g, d in _by_group(returns, groups, _deviation).items()}


def batch_deviation(returns: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """The sample standard deviation of all returns, plus epsilon."""
    return dict.fromkeys(groups, _deviation(returns) + EPSILON)


def no_scale(returns: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """1: differences are left as they are."""
    return dict.fromkeys(groups, 1.0)


BASELINES: dict[str, Baseline] = {"group": group_mean, "others": others_mean, "batch": batch_mean}
SCALES = {"group": group_deviation, "batch": batch_deviation, "none": no_scale}


def relative(
    parts: Sequence[Sequence[float]], groups: Sequence[Hashable], baseline: str, scale: str
) -> list[list[float]]:
    """The advantage of each stretch of each rollout: K + 1 floats where a rollout has K steps.

    parts: what each rollout earned, K rewards where its steps end and then one at its last token. Stretch k runs to the
    end of step k, the last stretch from there to the last token. With P the sum of a rollout's step rewards, L its last
    reward, and b the baseline of each:

        A_k = (L - b(L) + sum_{j >= k} r_j - b(P) (K - k + 1) / K) / scale

    The baseline of the steps is taken off in equal parts, a part a step, so the first stretch's advantage is that of
    the rollout as a whole, whatever its number of steps, and a step as good as the average one is worth nothing.
    (Process supervision in DeepSeekMath, arXiv 2402.03300, 4.1.3, and PURE's code centre every step by one average
    too.) The scale is the deviation of the returns, sum_{j >= k} r_j + L, one a step. Without steps, K = 0, this is the
    table above: (R - b(R)) / scale. A rollout without steps among others that have some pays their whole baseline.
    """
    last = [p[-1] for p in parts]
    last_baselines = BASELINES[baseline](last, groups)
    step_baselines = BASELINES[baseline]([math.fsum(p[:-1]) for p in parts], groups)
    returns = [(value, g) for p, g in zip(parts, groups, strict=True) for value in returns_to_go(p)]
    scales = SCALES[scale]([value for value, _ in returns], [g for _, g in returns])
    found = []
    for p, g, of_last, of_steps in zip(parts, groups, last_baselines, step_baselines, strict=True):
        steps = len(p) - 1
        left = [(steps - k) / steps for k in range(steps + 1)] if steps else [1.0]
        to_go = [math.fsum(p[k:-1]) for k in range(steps + 1)]
        found.append([(p[-1] - of_last + (r - of_steps * n)) / scales[g] for r, n in zip(to_go, left, strict=True)])
    return found


def returns_to_go(parts: Sequence[float]) -> list[float]:
    """sum_{j >= k} r_j + L from each step k on; without steps the one reward."""
    return [math.fsum(parts[k:]) for k in range(max(1, len(parts) - 1))]


def spread(stretches: Sequence[float], ends: Sequence[int], length: int) -> list[float]:
    """A number a token from a number a stretch: stretch k covers the tokens up to and including `ends[k]`."""
    return [stretches[bisect_left(ends, t)] for t in range(length)]


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _by_group(
    rewards: Sequence[float], groups: Sequence[Hashable], f: Callable[[list[float]], float]
) -> dict[Hashable, float]:
    members: dict[Hashable, list[float]] = defaultdict(list)
    for reward, group in zip(rewards, groups, strict=True):
        members[group].append(reward)
    return {group: f(values) for group, values in members.items()}
