"""The algorithms, side by side: this table is all that tells them apart.

baseline: what a reward is held against: the mean of its group, of the group's others, of the batch, or a critic.
scale: what the difference is divided by: the deviation of its group, of the batch, or nothing.
ratio: whose probability ratio is clipped, each token's or the whole sequence's.
mean: over what the loss is averaged: tokens within rollouts, rollouts alone, all tokens, or a constant.
clip: how far below and above 1 the ratio counts; `--set rl.clip_low` and `clip_high` override it.
redraws: how often a step replaces groups whose rewards are all equal; `--set rl.redraws` overrides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One row of the table."""

    baseline: Literal["group", "others", "batch", "critic"]
    scale: Literal["group", "batch", "none"]
    ratio: Literal["token", "sequence"] = "token"
    mean: Literal["rollouts", "sums", "tokens", "constant"] = "rollouts"
    clip: tuple[float, float] = (0.2, 0.2)
    redraws: int = 0

    @property
    def critic(self) -> bool:
        """Whether a critic is trained; the KL to the reference is then a penalty in the reward, else in the loss."""
        return self.baseline == "critic"


ALGORITHMS = {
    # PPO, arXiv 1707.06347, with GAE, the value clip and the KL in the reward (Ziegler et al., arXiv 1909.08593)
    "ppo": Algorithm(baseline="critic", scale="batch", mean="tokens"),
    # DeepSeekMath, arXiv 2402.03300, equation 3
    "grpo": Algorithm(baseline="group", scale="group"),
    # arXiv 2503.20783, section 3.2
    "dr_grpo": Algorithm(baseline="group", scale="none", mean="constant"),
    # arXiv 2503.14476, equations 8 to 12; clips and redraws as in its released recipe
    "dapo": Algorithm(baseline="group", scale="group", mean="tokens", clip=(0.2, 0.28), redraws=10),
    # arXiv 2507.18071, equations 5 to 7; clips of its section 5.1
    "gspo": Algorithm(baseline="group", scale="group", ratio="sequence", clip=(3e-4, 4e-4)),
    # arXiv 2402.14740, equation 8
    "rloo": Algorithm(baseline="others", scale="none", mean="sums"),
    # arXiv 2501.03262, section 3
    "reinforce++": Algorithm(baseline="batch", scale="batch"),
}
