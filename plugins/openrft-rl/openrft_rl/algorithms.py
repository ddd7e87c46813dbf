"""The algorithms side by side. This table is the only place where they differ.

baseline: what a reward is compared with: the mean of its group, the mean of the group's other rollouts, the mean of the
    batch, or a critic's values.
scale_rewards: what the difference is divided by: the standard deviation of its group, of the batch, or nothing.
importance_sampling_level: whose probability ratio is clipped: each token's or the whole sequence's.
loss_agg_mode: how token losses become one loss. The names are verl's; `equations.losses.token_weights` defines them.
clip_ratio: how far below and above 1 the ratio may go. `rl.clip_ratio_low` and `rl.clip_ratio_high` override it.
dynamic_sampling_retries: how often a step may replace questions whose rewards are all equal. The option of the same
    name overrides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Baseline = Literal["group", "leave_one_out", "batch", "critic"]
Scale = Literal["group", "batch", "none"]
LossAggMode = Literal["token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One row of the table."""

    baseline: Baseline
    scale_rewards: Scale
    importance_sampling_level: Literal["token", "sequence"] = "token"
    loss_agg_mode: LossAggMode = "seq-mean-token-mean"
    clip_ratio: tuple[float, float] = (0.2, 0.2)
    dynamic_sampling_retries: int = 0

    @property
    def uses_critic(self) -> bool:
        """Whether a critic is trained. The KL penalty is then part of the reward, otherwise a term of the loss."""
        return self.baseline == "critic"


ALGORITHMS = {
    # PPO, arXiv 1707.06347, with GAE, the value clip and the KL in the reward (Ziegler et al., arXiv 1909.08593)
    "ppo": Algorithm(baseline="critic", scale_rewards="batch", loss_agg_mode="token-mean"),
    # DeepSeekMath, arXiv 2402.03300, equation 3
    "grpo": Algorithm(baseline="group", scale_rewards="group"),
    # arXiv 2503.20783, section 3.2
    "dr_grpo": Algorithm(baseline="group", scale_rewards="none", loss_agg_mode="seq-mean-token-sum-norm"),
    # arXiv 2503.14476, equations 8 to 12; clips and retries as in its released recipe
    "dapo": Algorithm(
        baseline="group",
        scale_rewards="group",
        loss_agg_mode="token-mean",
        clip_ratio=(0.2, 0.28),
        dynamic_sampling_retries=10,
    ),
    # arXiv 2507.18071, equations 5 to 7; clips of its section 5.1
    "gspo": Algorithm(
        baseline="group", scale_rewards="group", importance_sampling_level="sequence", clip_ratio=(3e-4, 4e-4)
    ),
    # arXiv 2402.14740, equation 8
    "rloo": Algorithm(baseline="leave_one_out", scale_rewards="none", loss_agg_mode="seq-mean-token-sum"),
    # arXiv 2501.03262, section 3
    "reinforce++": Algorithm(baseline="batch", scale_rewards="batch"),
}
