"""Advantages: how much better a rollout, or a token, did than expected.

Without a critic a rollout is compared with its group or with the batch. These functions take plain floats.
rewards: (N,), one per rollout. groups: (N,) labels; rollouts with one label answer the same prompt. The baseline is
what a rollout's reward is compared with, the scale is what the difference is divided by.

| algorithm | advantage | source |
|---|---|---|
| GRPO | (R - mean of group) / (standard deviation of group + epsilon) | DeepSeekMath, arXiv 2402.03300, 4.1.2 |
| Dr. GRPO | R - mean of group: easy and hard questions weigh alike | arXiv 2503.20783, 3.2 |
| RLOO | R - mean of the group's other rollouts; 0 for a group of one | arXiv 2402.14740, equation 8 |
| REINFORCE++ | (R - mean of batch) / (standard deviation of batch + epsilon) | arXiv 2501.03262, 3 |

Where a rollout earns its reward step by step, `compute_relative_advantages` says what each step is worth.
With a critic, `compute_gae` takes the rewards and values of each token as tensors.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

BaselineFunction = Callable[[Sequence[float], Sequence[Hashable]], list[float]]  # (N,), (N,) -> (N,)

# `statistics.mean` is exact, so a group of equal rewards gets advantages of exactly zero and can be left out.
EPSILON = 1e-4  # keeps near-constant groups from exploding; TRL's GRPO uses the same value


def group_mean(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """The mean of the rollout's group, itself included."""
    means = _apply_by_group(rewards, groups, statistics.mean)
    return [means[g] for g in groups]


def leave_one_out_mean(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """The mean of the group's other rollouts, mean - (r - mean) / (n - 1). For a group of one, its own reward."""
    means, sizes = _apply_by_group(rewards, groups, statistics.mean), _apply_by_group(rewards, groups, len)
    return [means[g] - (r - means[g]) / max(1, sizes[g] - 1) for r, g in zip(rewards, groups, strict=True)]


def batch_mean(rewards: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    """The mean of all rollouts."""
    return [statistics.mean(rewards)] * len(rewards)


def group_deviation(returns: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """The sample standard deviation of each group's returns, plus epsilon."""
    return {g: d + EPSILON for g, d in _apply_by_group(returns, groups, _deviation).items()}


def batch_deviation(returns: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """The sample standard deviation of all returns, plus epsilon."""
    return dict.fromkeys(groups, _deviation(returns) + EPSILON)


def no_scale(returns: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """1: differences are left as they are."""
    return dict.fromkeys(groups, 1.0)


BASELINES: dict[str, BaselineFunction] = {
    "group": group_mean,
    "leave_one_out": leave_one_out_mean,
    "batch": batch_mean,
}
SCALES = {"group": group_deviation, "batch": batch_deviation, "none": no_scale}


def compute_relative_advantages(
    step_rewards: Sequence[Sequence[float]], groups: Sequence[Hashable], baseline: str, scale: str
) -> list[list[float]]:
    """The advantage of each segment of each rollout: K + 1 floats where a rollout has K steps.

    step_rewards: what each rollout earned: K rewards where its steps end, then one at its last token. Segment k runs to
    the end of step k, the last segment from there to the last token. With P the sum of a rollout's rewards at step
    ends, L its last reward, and b the baseline of each:

        A_k = (L - b(L) + sum_{j >= k} r_j - b(P) (K - k + 1) / K) / scale

    The baseline of the steps is subtracted in equal parts, one per step. So the first segment's advantage is that of
    the whole rollout, whatever its number of steps, and a step as good as the average one is worth nothing. (Process
    supervision in DeepSeekMath, arXiv 2402.03300, 4.1.3, and PURE's code centre every step by one average too.) The
    scale is the deviation of the returns, sum_{j >= k} r_j + L, one per step. Without steps, K = 0, this is the table
    above: (R - b(R)) / scale. A rollout without steps among others that have some pays their whole baseline.
    """
    last = [rewards[-1] for rewards in step_rewards]
    last_baselines = BASELINES[baseline](last, groups)
    step_baselines = BASELINES[baseline]([math.fsum(rewards[:-1]) for rewards in step_rewards], groups)
    returns = [(value, g) for rewards, g in zip(step_rewards, groups, strict=True) for value in returns_to_go(rewards)]
    scales = SCALES[scale]([value for value, _ in returns], [g for _, g in returns])
    advantages = []
    for rewards, g, of_last, of_steps in zip(step_rewards, groups, last_baselines, step_baselines, strict=True):
        steps = len(rewards) - 1
        left = [(steps - k) / steps for k in range(steps + 1)] if steps else [1.0]
        to_go = [math.fsum(rewards[k:-1]) for k in range(steps + 1)]
        advantages.append(
            [(rewards[-1] - of_last + (r - of_steps * n)) / scales[g] for r, n in zip(to_go, left, strict=True)]
        )
    return advantages


def returns_to_go(step_rewards: Sequence[float]) -> list[float]:
    """sum_{j >= k} r_j + L from each step k on. Without steps the one reward."""
    return [math.fsum(step_rewards[k:]) for k in range(max(1, len(step_rewards) - 1))]


def expand_to_tokens(segments: Sequence[float], step_ends: Sequence[int], length: int) -> list[float]:
    """One number per token from one number per segment: segment k covers the tokens up to and with `step_ends[k]`."""
    return [segments[bisect_left(step_ends, t)] for t in range(length)]


def compute_gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation: advantages, and the returns that the critic should have predicted.

        delta_t = r_t + gamma V(s_{t+1}) - V(s_t)
        A_t = delta_t + gamma lam A_{t+1}
        return_t = A_t + V(s_t)

    Schulman et al., arXiv 1506.02438, equations 11 and 16; PPO, arXiv 1707.06347, equations 11 and 12. V is 0 after the
    last token, also where the token budget ended the completion: text that was never written earns nothing.

    Args: rewards (B, T) of each token; values (B, T), V before each token; mask (B, T). Both results are (B, T), and
    zero where the mask is.
    """
    values = values * mask
    advantages = torch.zeros_like(values)
    next_values = next_advantages = torch.zeros_like(values[:, 0])  # V(s_{t+1}) and A_{t+1}
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * next_values - values[:, t]
        next_advantages = (delta + gamma * lam * next_advantages) * mask[:, t]
        advantages[:, t], next_values = next_advantages, values[:, t]
    return advantages, advantages + values


def whiten(advantages: Tensor, mask: Tensor) -> Tensor:
    """(A - mean) / standard deviation over the batch's tokens, (B, T). All zero where all are equal.

    Usual in PPO since Ziegler et al. (arXiv 1909.08593). The released OpenRFT script does it too.
    """
    count = mask.sum()
    centred = (advantages - (advantages * mask).sum() / count) * mask
    deviation = (centred.square().sum() / count).sqrt()
    return centred / deviation if deviation > 1e-8 else torch.zeros_like(centred)


def _deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _apply_by_group(
    rewards: Sequence[float], groups: Sequence[Hashable], function: Callable[[list[float]], float]
) -> dict[Hashable, float]:
    members: dict[Hashable, list[float]] = defaultdict(list)
    for reward, group in zip(rewards, groups, strict=True):
        members[group].append(reward)
    return {group: function(values) for group, values in members.items()}
