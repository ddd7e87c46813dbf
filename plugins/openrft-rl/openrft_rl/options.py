"""The options of the plugin `rl`: `--set rl.NAME=VALUE`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from openrft import option
from openrft_rl.algorithms import ALGORITHMS, Algorithm


@dataclass(frozen=True, slots=True)
class RLOptions:
    """Defaults are the paper's numbers (arXiv 2412.16849, section 3) where it gives them. "Script" is the paper's
    released script, src/PPO/run_ppo.sh, with the defaults of the trainer that it calls."""

    rows: ClassVar[Mapping[str, Algorithm]] = ALGORITHMS  # of `algorithm`; a subclass may have others

    algorithm: Literal["ppo", "grpo", "dr_grpo", "dapo", "gspo", "rloo", "reinforce++"] = option(
        "grpo", help="The RL algorithm. The paper has ppo: --preset paper."
    )
    lr: float = option(3e-5, help="Learning rate of the policy.", source="paper (actor)", gt=0)
    lora_rank: int = option(
        4, help="Rank of the LoRA adapters of policy and critic.", source="paper", ge=1, renamed_from="rank"
    )
    lora_alpha: int = option(
        8, help="Scale of the adapters (alpha / rank).", source="twice the rank, PEFT's usual choice", ge=1
    )
    kl_coef: float = option(
        0.01,
        help="Weight of the KL to the policy before RL; 0 skips the reference pass.",
        source="paper",
        ge=0,
        renamed_from="kl",
    )
    kl_target: float | None = option(
        None, help="Nats per completion that kl_coef is adapted to; none keeps it.", source="script", gt=0
    )
    clip_ratio_low: float | None = option(
        None,
        help="How far below 1 the probability ratio may go; none: the algorithm's value.",
        gt=0,
        lt=1,
        renamed_from="clip_low",
    )
    clip_ratio_high: float | None = option(
        None,
        help="How far above 1 the probability ratio may go; none: the algorithm's value.",
        gt=0,
        renamed_from="clip_high",
    )
    dynamic_sampling_retries: int | None = option(
        None,
        help="How often a step may replace questions whose rewards are all equal; none: the algorithm's value.",
        ge=0,
        renamed_from="redraws",
    )
    ppo_epochs: int = option(
        1, help="Passes over each step's rollouts, whatever the algorithm.", source="paper", ge=1, renamed_from="epochs"
    )
    updates_per_epoch: int = option(
        1,
        help="Optimizer steps per pass: the number of mini-batches.",
        source="one whole batch",
        ge=1,
        renamed_from="minibatches",
    )
    loss_divisor: int | None = option(
        None,
        help="dr_grpo: tokens per rollout that its loss is divided by; none: those of the batch's longest completion.",
        ge=1,
        renamed_from="length",
    )
    max_grad_norm: float = option(1.0, help="Gradients are scaled down to this norm.", source="script", gt=0)
    micro_batch_tokens: int | None = option(
        None,
        help="Tokens per forward pass, a group's prompt counted once; none: as many as fit in memory.",
        ge=1,
        renamed_from="micro_tokens",
    )
    bf16: bool = option(
        False,
        help="Whether updates on a CPU compute products in bfloat16, if that measures faster there. Not for ppo.",
    )
    critic: Literal["shared", "separate"] = option(
        "shared",
        help="PPO: adapter and value head on the policy's trunk, or on a copy of it that is trained whole.",
    )
    critic_lr: float = option(6e-5, help="PPO: learning rate of the critic.", source="paper", gt=0)
    value_clip: float = option(0.2, help="PPO: how far a value may move in one update.", source="script", gt=0)
    gamma: float = option(1.0, help="PPO: discount of later rewards.", source="script", ge=0, le=1)
    gae_lambda: float = option(0.95, help="PPO: weight of rewards against values in GAE.", source="script", ge=0, le=1)

    def __post_init__(self) -> None:
        if self.kl_target is not None and self.kl_coef == 0:
            raise ValueError("kl_target needs a kl_coef above 0 to start from")
        divides = self.algorithm_spec.loss_agg_mode == "seq-mean-token-sum-norm"
        if self.loss_divisor is not None and not divides:
            raise ValueError("loss_divisor is for dr_grpo alone")
        if self.bf16 and self.algorithm_spec.uses_critic:
            raise ValueError(f"bf16 is for algorithms without a critic, and {self.algorithm} has one")

    @property
    def algorithm_spec(self) -> Algorithm:
        """The algorithm's row of the table."""
        return self.rows[self.algorithm]

    @property
    def clip_ratio(self) -> tuple[float, float]:
        """How far below and above 1 the ratio may go."""
        low, high = self.algorithm_spec.clip_ratio
        return (
            low if self.clip_ratio_low is None else self.clip_ratio_low,
            high if self.clip_ratio_high is None else self.clip_ratio_high,
        )
