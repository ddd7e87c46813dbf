"""The plugin: options, and one update. The algorithms differ in `advantages.py` and in how tokens are weighed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import openrft
from openrft import Rollout


class RL:
    """GRPO and its relatives on a LoRA adapter."""

    @dataclass(frozen=True, slots=True)
    class Options:
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

    needs: tuple[str, ...] = ()
    objectives = ("explore",)

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def train_step(
        self, policy: Any, rollouts: Sequence[Rollout], objective: str, step: int, seed: int
    ) -> Mapping[str, float] | None:
        if objective != "explore":
            return None
        from openrft_rl.update import update

        if not policy.adapted:
            policy.attach_lora(self.options.rank, self.options.lora_alpha, seed)
        return update(policy, rollouts, self.options, step, seed)
