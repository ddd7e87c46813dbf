"""What the plugin `rl` can be told: `--set rl.NAME=VALUE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from openrft_rl.algorithms import ALGORITHMS, Algorithm


@dataclass(frozen=True, slots=True)
class RLOptions:
    """Defaults are the paper's numbers (arXiv 2412.16849, section 3) where it gives them; "script" is its released one,
    src/PPO/run_ppo.sh with the defaults of the trainer that it calls."""

    algorithm: Literal["ppo", "grpo", "dr_grpo", "dapo", "gspo", "rloo", "reinforce++"] = "grpo"
    lr: float = 3e-5  # paper: actor learning rate
    rank: int = 4  # paper: LoRA rank
    lora_alpha: int = 8  # twice the rank, PEFT's usual choice; the paper gives none
    kl: float = 0.01  # paper: weight of the KL to the policy before RL; 0 skips the reference pass
    kl_target: float | None = None  # nats a completion that the weight is steered towards; None keeps it (script)
    clip_low: float | None = None  # how far below 1 the probability ratio counts; None: the algorithm's own
    clip_high: float | None = None  # how far above 1; None: the algorithm's own
    redraws: int | None = None  # how often a step replaces groups whose rewards are equal; None: the algorithm's own
    epochs: int = 1  # paper: 1 epoch a batch
    minibatches: int = 1  # optimiser steps an epoch
    length: int | None = None  # dr_grpo: the tokens its loss is divided by, a rollout; None: the batch's longest
    max_grad_norm: float = 1.0  # script
    micro_tokens: int = 32_768  # tokens a forward pass, prompts counted once a group; lower it to save memory
    critic: Literal["shared", "separate"] = "shared"  # PPO: adapter and head on the policy's trunk, or a copy of it
    critic_lr: float = 6e-5  # PPO; paper: critic learning rate
    value_clip: float = 0.2  # PPO: how far a value may move in one update; script
    gamma: float = 1.0  # PPO: discount; script
    gae_lambda: float = 0.95  # PPO: how far GAE trusts rewards over values; script

    def __post_init__(self) -> None:
        if min(self.lr, self.critic_lr, self.max_grad_norm, self.value_clip) <= 0 or self.kl < 0:
            raise ValueError("lr, critic_lr, max_grad_norm and value_clip must be above 0, kl at least 0")
        if self.kl_target is not None and (self.kl_target <= 0 or self.kl == 0):
            raise ValueError("kl_target must be above 0, and needs a kl above 0 to start from")
        if not (0 < self.clip[0] < 1 and self.clip[1] > 0):
            raise ValueError("clip_low must lie between 0 and 1, clip_high above 0")
        if not (0 <= self.gamma <= 1 and 0 <= self.gae_lambda <= 1):
            raise ValueError("gamma and gae_lambda must lie between 0 and 1")
        if min(self.rank, self.lora_alpha, self.epochs, self.minibatches, self.micro_tokens) < 1:
            raise ValueError("rank, lora_alpha, epochs, minibatches and micro_tokens must be at least 1")
        if (self.redraws or 0) < 0:
            raise ValueError("redraws must be at least 0")
        if self.length is not None and (self.length < 1 or self.how.mean != "constant"):
            raise ValueError("length must be at least 1, and is for dr_grpo alone")

    @property
    def how(self) -> Algorithm:
        """The algorithm's row of the table."""
        return ALGORITHMS[self.algorithm]

    @property
    def clip(self) -> tuple[float, float]:
        """How far below and above 1 the ratio counts."""
        low, high = self.how.clip
        return (low if self.clip_low is None else self.clip_low), (high if self.clip_high is None else self.clip_high)
