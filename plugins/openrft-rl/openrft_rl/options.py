"""What the plugin `rl` can be told: `--set rl.NAME=VALUE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RLOptions:
    """Defaults are the paper's numbers (arXiv 2412.16849, section 3) where it gives them."""

    algorithm: Literal["grpo", "dr_grpo", "rloo", "reinforce++"] = "grpo"
    lr: float = 3e-5  # paper: actor learning rate
    rank: int = 4  # paper: LoRA rank
    lora_alpha: int = 8  # twice the rank, PEFT's usual choice; the paper gives none
    kl: float = 0.01  # paper: weight of the KL to the policy before RL; 0 skips the reference pass
    clip: float = 0.2  # of the probability ratio (PPO, arXiv 1707.06347, equation 7); matters from epoch 2 on
    epochs: int = 1  # paper: 1 epoch a batch
    minibatches: int = 1  # optimiser steps an epoch
    max_grad_norm: float = 1.0
    micro_tokens: int = 32_768  # tokens a forward pass, prompts counted once a group; lower it to save memory

    def __post_init__(self) -> None:
        if self.lr <= 0 or self.kl < 0 or not 0 < self.clip < 1:
            raise ValueError("lr must be above 0, kl at least 0, clip between 0 and 1")
        if min(self.rank, self.lora_alpha, self.epochs, self.minibatches, self.micro_tokens) < 1:
            raise ValueError("rank, lora_alpha, epochs, minibatches and micro_tokens must be at least 1")
