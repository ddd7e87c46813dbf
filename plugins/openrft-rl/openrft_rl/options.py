"""The options of the plugin `rl`: `--set rl.NAME=VALUE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from openrft_rl.algorithms import ALGORITHMS, Algorithm


@dataclass(frozen=True, slots=True)
class RLOptions:
    """Defaults are the paper's numbers (arXiv 2412.16849, section 3) where it gives them. "Script" is the paper's
    released script, src/PPO/run_ppo.sh, with the defaults of the trainer that it calls."""

    # The algorithm; algorithms.py has the table.
    algorithm: Literal["ppo", "grpo", "dr_grpo", "dapo", "gspo", "rloo", "reinforce++"] = "grpo"
    lr: float = 3e-5  # learning rate of the policy; source: paper (actor)
    lora_rank: int = 4  # rank of the LoRA adapters of policy and critic; source: paper
    lora_alpha: int = 8  # scale of the adapters (alpha / rank); source: twice the rank, PEFT's usual choice
    kl_coef: float = 0.01  # weight of the KL to the policy before RL, 0 skips the reference pass; source: paper
    kl_target: float | None = None  # nats per completion that kl_coef is adapted to, None keeps it; source: script
    clip_ratio_low: float | None = None  # how far below 1 the probability ratio may go; None: the algorithm's value
    clip_ratio_high: float | None = None  # how far above 1 the probability ratio may go; None: the algorithm's value
    # How often a step may replace questions whose rewards are all equal; None: the algorithm's value.
    dynamic_sampling_retries: int | None = None
    ppo_epochs: int = 1  # passes over each step's rollouts, whatever the algorithm; source: paper
    updates_per_epoch: int = 1  # optimizer steps per pass: the number of mini-batches; source: one whole batch
    # dr_grpo: tokens per rollout that its loss is divided by; None: the tokens of the batch's longest completion.
    loss_divisor: int | None = None
    max_grad_norm: float = 1.0  # gradients are scaled down to this norm; source: script
    micro_batch_tokens: int = 32_768  # tokens per forward pass, a group's prompt counted once; lower it to save memory
    # PPO: adapter and value head on the policy's trunk, or on a copy of it that is trained whole.
    critic: Literal["shared", "separate"] = "shared"
    critic_lr: float = 6e-5  # PPO: learning rate of the critic; source: paper
    value_clip: float = 0.2  # PPO: how far a value may move in one update; source: script
    gamma: float = 1.0  # PPO: discount of later rewards; source: script
    gae_lambda: float = 0.95  # PPO: weight of rewards against values in GAE; source: script

    def __post_init__(self) -> None:
        if min(self.lr, self.critic_lr, self.max_grad_norm, self.value_clip) <= 0 or self.kl_coef < 0:
            raise ValueError("lr, critic_lr, max_grad_norm and value_clip must be above 0, kl_coef at least 0")
        if self.kl_target is not None and (self.kl_target <= 0 or self.kl_coef == 0):
            raise ValueError("kl_target must be above 0, and needs a kl_coef above 0 to start from")
        low, high = self.clip_ratio
        if not (0 < low < 1 and high > 0):
            raise ValueError("clip_ratio_low must lie between 0 and 1, clip_ratio_high above 0")
        if not (0 <= self.gamma <= 1 and 0 <= self.gae_lambda <= 1):
            raise ValueError("gamma and gae_lambda must lie between 0 and 1")
        counts = ("lora_rank", "lora_alpha", "ppo_epochs", "updates_per_epoch", "micro_batch_tokens")
        if min(getattr(self, name) for name in counts) < 1:
            raise ValueError(f"{', '.join(counts[:-1])} and {counts[-1]} must be at least 1")
        if (self.dynamic_sampling_retries or 0) < 0:
            raise ValueError("dynamic_sampling_retries must be at least 0")
        divides = self.algorithm_spec.loss_agg_mode == "seq-mean-token-sum-norm"
        if self.loss_divisor is not None and (self.loss_divisor < 1 or not divides):
            raise ValueError("loss_divisor must be at least 1, and is for dr_grpo alone")

    @property
    def algorithm_spec(self) -> Algorithm:
        """The algorithm's row of the table."""
        return ALGORITHMS[self.algorithm]

    @property
    def clip_ratio(self) -> tuple[float, float]:
        """How far below and above 1 the ratio may go."""
        low, high = self.algorithm_spec.clip_ratio
        return (
            low if self.clip_ratio_low is None else self.clip_ratio_low,
            high if self.clip_ratio_high is None else self.clip_ratio_high,
        )
