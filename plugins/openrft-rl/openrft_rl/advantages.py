"""Advantages from rewards, a number a rollout. Pure functions on plain floats; a file-wide convention:

rewards: (N,) floats; groups: (N,) labels, rollouts with one label answer the same prompt. Returns (N,) floats.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

# `statistics.mean` is exact, so a group of equal rewards gets advantages of exactly zero and can be left out.
EPSILON = 1e-4  # keeps near-constant groups from exploding; TRL's GRPO uses the same value


def grpo(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """(R - mean of group) / (sample standard deviation of group + epsilon). DeepSeekMath, arXiv 2402.03300, 4.1.2."""
    means, deviations = _by_group(rewards, groups, statistics.mean), _by_group(rewards, groups, _deviation)
    return [(r - means[g]) / (deviations[g] + EPSILON) for r, g in zip(rewards, groups, strict=True)]


def dr_grpo(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """R - mean of group: no division, so easy and hard questions weigh alike. Arxiv 2503.20783, section 3.2."""
    means = _by_group(rewards, groups, statistics.mean)
    return [r - means[g] for r, g in zip(rewards, groups, strict=True)]


def rloo(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """R - mean of the group's other rollouts; 0 for a group of one. Arxiv 2402.14740, equation 8."""
    sums, sizes = _by_group(rewards, groups, sum), _by_group(rewards, groups, len)
    return [r - (sums[g] - r) / (sizes[g] - 1) if sizes[g] > 1 else 0.0 for r, g in zip(rewards, groups, strict=True)]


def reinforce_pp(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """(R - mean of batch) / (standard deviation of batch + epsilon). REINFORCE++, arXiv 2501.03262, section 3."""
    mean, deviation = statistics.mean(rewards), _deviation(rewards)
    return [(r - mean) / (deviation + EPSILON) for r in rewards]


Advantage = Callable[[Sequence[float], Sequence[Hashable]], list[float]]
ADVANTAGES: dict[str, Advantage] = {"grpo": grpo, "dr_grpo": dr_grpo, "rloo": rloo, "reinforce++": reinforce_pp}


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _by_group(
    rewards: Sequence[float], groups: Sequence[Hashable], f: Callable[[list[float]], float]
) -> dict[Hashable, float]:
    members: dict[Hashable, list[float]] = defaultdict(list)
    for reward, group in zip(rewards, groups, strict=True):
        members[group].append(reward)
    return {group: f(values) for group, values in members.items()}
